/** A list of bars that are buttons, to filter by a bar. */
import { h, keyed, setText } from "./dom.js";

/**
 * Update a `ul.bars` with rows `{key, name, figure, note, share, tone, title, onclick}`; `share` is
 * the bar's length in percent, `tone` a CSS class of the bar and of the figure.
 */
export function bars(list, rows) {
  keyed(list, rows, (row) => row.key, make, update);
}

function make() {
  const name = h("span.name");
  const figure = h("span");
  const note = h("small");
  const fill = h("span.fill.grow");
  const inner = [name, h("span.figure", {}, figure, note), h("span.track", {}, fill)];
  fill.style.display = "block";
  const button = h("button", { type: "button" }, ...inner);
  const item = h("li", {}, button);
  item.parts = { name, figure, note, fill, button };
  button.addEventListener("click", () => item.row.onclick?.());
  return item;
}

function update(item, row) {
  item.row = row;
  const { name, figure, note, fill, button } = item.parts;
  setText(name, row.name);
  setText(figure, row.figure);
  setText(note, row.note ?? "");
  figure.className = row.tone ?? "";
  button.title = row.title ?? row.name;
  fill.className = `fill grow ${row.tone ?? ""}`;
  fill.style.setProperty("--share", Math.max(0, Math.min(100, row.share ?? 0)).toFixed(1));
  fill.parentElement.hidden = row.share === undefined;
}
