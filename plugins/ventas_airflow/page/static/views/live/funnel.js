/** The funnel of sales: begun, decided, approved, and returned. */
import { h, keyed, setText } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { t } from "../../lib/texts.js";

export function funnel(element, all) {
  if (!element.firstChild) element.append(h("ul.bars"));
  const steps = [
    ["pendiente", all.sales, ""],
    ["aprobada", all.approved, ""],
    ["rechazada", all.rejected, "low"],
    ["reembolsada", all.refunded, "low"],
    ["contracargo", all.charged_back, "low"],
  ].map(([state, events, tone]) => ({ state, events, tone }));
  const whole = Math.max(1, ...steps.map((step) => step.events));
  keyed(
    element.firstChild,
    steps,
    (step) => step.state,
    () => {
      const parts = {
        name: h("span.name"),
        figure: h("span"),
        note: h("small"),
        fill: h("span.fill.grow"),
      };
      parts.fill.style.display = "block";
      const item = h(
        "li.row",
        {},
        parts.name,
        h("span.figure", {}, parts.figure, parts.note),
        h("span.track", {}, parts.fill),
      );
      item.parts = parts;
      return item;
    },
    (item, step) => {
      const { name, figure, note, fill } = item.parts;
      setText(name, t(`live.values.estado.${step.state}`));
      setText(figure, format.count(step.events));
      setText(note, all.sales ? format.percent(step.events / all.sales) : "");
      fill.className = `fill grow ${step.tone}`;
      fill.style.setProperty("--share", ((step.events / whole) * 100).toFixed(1));
    },
  );
}
