/** Create an element in one call: `h("p.note", {id: "x", onclick: f}, "text", child)`. */
export function h(name, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set an element's text only if it differs: a screen reader reads a text again if it is set. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Update a list of elements with a list of rows. The element of each key is kept, so that it also
 * keeps the focus. `make(row)` creates an element and `update(element, row)` updates it.
 */
export function keyed(container, rows, key, make, update) {
  const kept = new Map([...container.children].map((child) => [child.dataset.key, child]));
  const wanted = rows.map((row) => {
    const name = String(key(row));
    const element = kept.get(name) ?? make(row);
    element.dataset.key = name;
    kept.delete(name);
    update(element, row);
    return element;
  });
  for (const gone of kept.values()) gone.remove();
  wanted.forEach((element, place) => {
    if (container.children[place] !== element) {
      container.insertBefore(element, container.children[place] ?? null);
    }
  });
}
