/** A card of the view: title, state as a word and a sign, reason, start of the state, and body. */
import { explained } from "../../lib/api.js";
import { h, setText } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { has, t } from "../../lib/texts.js";

const TONE = { good: "good", attention: "warn", bad: "bad", none: "plain" };
const SIGN = { good: "✓", attention: "!", bad: "✗", none: "–" };

export function makeCard(name) {
  const card = h(
    "section.card.health",
    { "aria-labelledby": `health-${name}`, "data-card": name },
    h("h2", { id: `health-${name}` }, t(`health.cards.${name}`)),
  );
  const badge = h("span.badge");
  const reason = h("p.reason");
  const since = h("p.note");
  const body = h("div.body");
  card.append(h("p.state", {}, badge), reason, since, body);
  return { card, badge, reason, since, body, shown: "" };
}

/** Update a card with a part; `draw(part)` returns the body, and is called only on changes. */
export function showPart(parts, name, part, draw) {
  const { badge, reason, since, body } = parts;
  badge.className = `badge ${TONE[part.state]}`;
  parts.card.dataset.state = part.state;
  setText(badge, `${SIGN[part.state]} ${t(`health.states.${part.state}`)}`);
  setText(reason, reasonOf(name, part));
  setText(since, part.since ? t("health.since", { when: when(part.since) }) : "");
  since.hidden = !part.since;
  const shown = JSON.stringify(part.numbers);
  if (!draw || shown === parts.shown) return;
  parts.shown = shown;
  body.replaceChildren(...[draw(part)].flat().filter(Boolean));
}

/** A part's reason in words; `name` is the part's, since some reasons have a text for each part. */
export function reasonOf(name, part) {
  if (part.reason === "trouble") return explained(part.numbers);
  const own = `health.reasons.${name}.${part.reason}`;
  const key = has(own) ? own : `health.reasons.${part.reason}`;
  const text = t(key, { ...part.numbers, ...gaps(part.numbers.usual_gaps ?? []) });
  const limits = (part.numbers.limits ?? []).map(limit);
  return [text, ...limits].join(" ");
}

/** Values of a text that tells the shortest and the longest gap between two sales, in seconds. */
export function gaps([minimum, maximum]) {
  return { minimum: number(minimum), maximum: number(maximum) };
}

/** A violated bound, in words. */
function limit({ column, minimum, maximum, value }) {
  const name = has(`health.columns.${column}`) ? t(`health.columns.${column}`) : column;
  const values = { name, value: number(value), minimum: number(minimum), maximum: number(maximum) };
  const kind = minimum === null ? "most" : maximum === null ? "least" : "between";
  return t(`health.limits.${kind}`, values);
}

export function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return t(`health.${value ? "yes" : "no"}`);
  return Number.isInteger(value) ? format.count(value) : format.decimal(value, 2);
}

export function when(text) {
  const moment = Date.parse(text);
  const today = format.day(moment) === format.day(Date.now());
  return today ? format.time(moment) : format.moment(moment);
}

/** A list of names with their figures. */
export function figures(...rows) {
  return h(
    "dl.figures",
    {},
    rows.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, t(`health.figures.${name}`)), h("dd", {}, value))),
  );
}

/** A table; `columns` are keys of texts, a row is a list of texts or elements. */
export function table(caption, columns, rows) {
  return h(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": t(caption) },
    h(
      "table.data",
      {},
      h("caption.hidden", {}, t(caption)),
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col" }, t(`health.columns.${column}`))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))),
    ),
  );
}
