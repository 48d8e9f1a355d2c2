import { h, keyed, setText } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { t } from "../../lib/texts.js";
import { whyButton } from "../why.js";

const rate = (part, whole) => (whole ? part / whole : null);

/** Figures: value from totals, format, and whether a higher value is better (1), or neither (0). */
const FIGURES = [
  {
    key: "sales",
    value: (all, minutes) => all.sales / minutes,
    shown: (value) => format.decimal(value, value < 10 ? 1 : 0),
    better: 1,
  },
  { key: "income", value: (all) => all.revenue_centavos, shown: (v) => format.money(v, { short: true }), better: 1 },
  {
    key: "ticket",
    value: (all) => rate(all.revenue_centavos, all.approved),
    shown: (v) => format.money(v, { short: v >= 1e7 }),
    better: 0,
  },
  {
    key: "approval",
    value: (all) => rate(all.approved, all.approved + all.rejected),
    shown: (v) => format.percent(v),
    better: 1,
    points: true,
  },
  { key: "refunds", value: (all) => all.refunded, shown: format.count, better: -1 },
];

export function kpis(list, found, range, state) {
  const minutes = (found.end - found.start) / 60000;
  const { current, before, yesterday } = found.totals;
  keyed(list, FIGURES, (figure) => figure.key, (figure) => make(figure, state), (element, figure) => {
    const { parts } = element;
    const now = figure.value(current, minutes);
    setText(parts.name, t(`live.kpis.${figure.key}`));
    setText(parts.value, now === null ? "–" : figure.shown(now));
    compare(parts.before, before, `live.against.${range}`);
    parts.yesterday.hidden = !yesterday;
    parts.why.hidden = !before?.sales && !yesterday?.sales;
    if (yesterday) compare(parts.yesterday, yesterday, "live.against.yesterday");

    function compare(element, totals, against) {
      // Totals whose query failed are null.
      const then = totals && figure.value(totals, minutes);
      change(element, figure, now, then, totals?.sales, t(against));
    }
  });
}

function make({ key }, state) {
  const parts = {
    name: h("dt"),
    value: h("dd.value"),
    before: h("dd.change"),
    yesterday: h("dd.change"),
    why: h("dd", {}, whyButton(key, state)),
  };
  const element = h("div.card.kpi", {}, ...Object.values(parts));
  element.parts = parts;
  return element;
}

function change(element, figure, now, then, known, against) {
  const text = !known || now === null || then === null ? "live.noComparison" : "live.noneThen";
  if (text === "live.noComparison" || (!figure.points && then === 0)) {
    element.className = "change";
    setText(element, t(text, { against }));
    return;
  }
  const by = figure.points ? now - then : now / then - 1;
  const arrow = Math.abs(by) < 0.0005 ? "＝" : by > 0 ? "▲" : "▼";
  const size = figure.points
    ? `${format.decimal(Math.abs(by) * 100)} ${t("live.points")}`
    : by >= 9.95
      ? `× ${format.count(by + 1)}`
      : format.percent(Math.abs(by), Math.abs(by) < 0.1 ? 1 : 0);
  const good = Math.abs(by) >= 0.005 ? Math.sign(by) * figure.better : 0;
  element.className = `change ${good > 0 ? "better" : good < 0 ? "worse" : ""}`;
  setText(element, `${arrow} ${size} ${against}`);
}
