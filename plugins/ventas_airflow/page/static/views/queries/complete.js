/** Completion in a text area: a list below it, used with the arrow keys. */
import { h } from "../../lib/dom.js";

const MOST = 8;

/**
 * `entries()` returns objects `{text, note}`. Only an arrow key selects an entry: before that,
 * Enter and Tab work as without the list. Returns the list, to be placed after the area.
 */
export function complete(area, entries, label) {
  const list = h("ul.completions", { role: "listbox", id: `${area.id}-list`, "aria-label": label, hidden: true });
  // ARIA does not allow a text area to be a combobox, so it stays a text box with a list.
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-haspopup", "listbox");
  area.setAttribute("aria-controls", list.id);
  let found = [];
  let active = -1;

  function word() {
    return /[\p{L}\d_]*$/u.exec(area.value.slice(0, area.selectionStart))[0];
  }

  function open(least) {
    const begun = word().toLowerCase();
    found =
      begun.length < least
        ? []
        : entries()
            .filter(({ text }) => text.toLowerCase().startsWith(begun) && text.toLowerCase() !== begun)
            .slice(0, MOST);
    active = -1;
    list.replaceChildren(
      ...found.map(({ text, note }, n) =>
        h(
          "li",
          {
            role: "option",
            id: `${list.id}-${n}`,
            "aria-selected": "false",
            // Not onclick, which comes after the area has lost the focus.
            onmousedown(event) {
              event.preventDefault();
              accept(n);
            },
          },
          h("b", {}, text),
          " ",
          h("small", {}, note),
        ),
      ),
    );
    show(found.length > 0);
  }

  function show(isOpen) {
    list.hidden = !isOpen;
    area.removeAttribute("aria-activedescendant");
  }

  function move(by) {
    active = (active + by + found.length + (active < 0 && by < 0 ? 1 : 0)) % found.length;
    [...list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === active)));
    area.setAttribute("aria-activedescendant", `${list.id}-${active}`);
  }

  function accept(n) {
    const end = area.selectionStart;
    area.setRangeText(found[n].text, end - word().length, end, "end");
    show(false);
  }

  area.addEventListener("input", () => open(2));
  area.addEventListener("blur", () => show(false));
  area.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) open(0);
    else if (list.hidden) return;
    else if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Escape") show(false);
    else if ((event.key === "Enter" || event.key === "Tab") && active >= 0 && !event.ctrlKey) accept(active);
    else return;
    event.preventDefault();
  });
  return list;
}
