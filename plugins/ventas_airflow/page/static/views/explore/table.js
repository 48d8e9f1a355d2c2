/** A split as a table, with the sums of its rows and columns. */
import { h } from "../../lib/dom.js";
import { t } from "../../lib/texts.js";
import { dimensionName, figuresOf, namesOf } from "./answer.js";

/** A table; `clicked(place)` filters by a value of the first axis, and is null if none can be. */
export function tableOf(found, title, measure, clicked) {
  const figures = figuresOf(found);
  const [first, second] = found.axes;
  const names = found.axes.map(namesOf);
  const number = (text, tone = "") => h("td.number", { class: `number ${tone}` }, text);
  const compared = (cell) =>
    figures.isCompared ? [number(figures.before(cell)), number(figures.changed(cell), toneOf(figures.change(cell)))] : [];
  const line = (head, cells, sum, kind = "") =>
    h(
      "tr",
      { class: kind },
      h("th", { scope: "row" }, head),
      second ? cells.map((cell) => number(figures.written(cell))) : null,
      number(figures.written(sum)),
      compared(sum),
    );
  const column = (text) => h("th.number", { scope: "col" }, text);
  return h(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": title },
    h(
      "table.data",
      {},
      h("caption.hidden", {}, title),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, dimensionName(first.name)),
          second ? names[1].map(column) : null,
          column(second ? t("explore.total") : measure),
          figures.isCompared ? [column(t("explore.before")), column(t("explore.change"))] : null,
        ),
      ),
      h(
        "tbody",
        {},
        names[0].map((name, place) => line(named(name, clicked(place)), found.cells[place], found.rows[place])),
        line(t("explore.total"), found.columns, found.total, "sum"),
      ),
    ),
  );
}

function named(name, chosen) {
  if (!chosen) return name;
  return h("button.link", { type: "button", title: t("explore.filter", { name }), onclick: chosen }, name);
}

function toneOf(change) {
  return change === null || Math.abs(change) < 0.0005 ? "" : change > 0 ? "rise" : "fall";
}
