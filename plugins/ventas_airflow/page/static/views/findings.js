/** «Qué hacer»: the findings of a report, each with its numbers, its SQL and its chart. */
import { h, keyed, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { label, t } from "../lib/texts.js";

/** Findings that are shown at once; the others open with another click. */
const SHOWN = 3;

/** Format of each number in a finding's sentence; a number without a format is a count. */
const WRITTEN = {
  ...Object.fromEntries(
    ["share", "usual", "low", "high", "sales_share", "sales_usual", "sales_low", "sales_high",
      "income_share", "income_usual", "income_most"].map((name) => [name, format.percent]),
  ),
  lost_centavos: (value) => format.money(value, { short: true }),
  given_centavos: (value) => format.money(value, { short: true }),
  minutes: (value) => format.duration(value * 60),
  last: format.hour,
  expected: (value) => (value < 10 ? format.decimal(value) : format.count(value)),
};

/** Update the card with a report of "api/findings"; `state.update` applies a finding's filters. */
export function render(container, report, state) {
  if (!container.parts) build(container);
  const { summary, list, more, rest, method } = container.parts;
  const { findings } = report;
  setText(summary, said(report));
  fill(list, findings.slice(0, SHOWN), report, state);
  fill(rest, findings.slice(SHOWN), report, state);
  more.hidden = findings.length <= SHOWN;
  setText(more.firstChild, t("findings.more", { n: format.count(findings.length - SHOWN) }));
  const tests = Object.values(report.tests).reduce((sum, of) => sum + of, 0);
  method.replaceChildren(
    ...(tests
      ? [
          h("p.note", {}, t("findings.looked", {
            end: format.hour(report.end),
            tests: format.count(tests),
            looks: format.count(1 / report.level),
          })),
        ]
      : []),
    ...lacking(report).map((text) => h("p.note", {}, text)),
  );
}

function build(container) {
  const parts = {
    summary: h("p.verdict", { role: "status" }),
    list: h("ul.findings"),
    rest: h("ul.findings"),
    method: h("div"),
  };
  parts.more = h("details", {}, h("summary"), parts.rest);
  container.replaceChildren(parts.summary, parts.list, parts.more, parts.method);
  container.parts = parts;
}

function said({ findings, sales, tests }) {
  if (findings.length) return t("findings.some", { n: format.count(findings.length) });
  if (!Object.keys(tests).length) return sales === 0 ? t("findings.still") : "";
  return t("findings.calm");
}

/** Kinds that could not be judged, grouped by reason; without sales, only those that failed. */
function lacking({ missing, sales }) {
  const reasons = new Map();
  for (const { kind, reason, have, need } of missing) {
    if (sales === 0 && reason !== "error") continue;
    const why = reason === "error" ? "" : t(`findings.reasons.${reason}`, { have, need });
    reasons.set(why, [...(reasons.get(why) ?? []), t(`findings.kinds.${kind}`)]);
  }
  return [...reasons].map(([why, kinds]) =>
    why
      ? `${t("findings.missing", { kinds: kinds.join(", ") })} ${why}`
      : t("findings.unjudged", { kinds: kinds.join(", ") }),
  );
}

function fill(list, findings, report, state) {
  const rows = findings.map((finding) => ({ finding, report, state }));
  keyed(list, rows, keyOf, make, update);
}

function keyOf({ finding }) {
  return JSON.stringify([finding.kind, finding.text, finding.subject]);
}

function make() {
  const parts = {
    badge: h("span.badge"),
    title: h("h3"),
    body: h("p"),
    action: h("p.action"),
    numbers: h("p.note"),
    sql: h("code"),
    sqlTitle: h("summary"),
    chart: h("button", { type: "button" }),
  };
  const item = h(
    "li",
    {},
    h("div.head", {}, parts.badge, parts.title),
    parts.body,
    parts.action,
    h(
      "div.steps",
      {},
      parts.chart,
      h("details", {}, parts.sqlTitle, parts.numbers, h("pre.scroll", { tabindex: "0" }, parts.sql)),
    ),
  );
  parts.chart.addEventListener("click", () => item.row.state.update(item.row.finding.subject));
  item.parts = parts;
  return item;
}

function update(item, row) {
  item.row = row;
  const { finding, report } = row;
  const { badge, title, body, action, numbers, sql, sqlTitle, chart } = item.parts;
  const values = { ...written(finding.numbers), what: subject(finding) };
  const key = `findings.${finding.kind}`;
  badge.className = `badge ${{ high: "bad", medium: "warn", info: "good" }[finding.severity]}`;
  setText(badge, t(`findings.severity.${finding.severity}`));
  setText(title, t(`${key}.${finding.text}.title`, values));
  setText(body, t(`${key}.${finding.text}.body`, values));
  setText(action, t(`${key}.action.${finding.action}`));
  setText(numbers, t("findings.numbers", values));
  setText(sqlTitle, t("findings.sql"));
  setText(sql, filled(report.queries[finding.query]));
  setText(chart, t("findings.chart"));
  chart.setAttribute("aria-label", `${t("findings.chart")}: ${values.what}`);
  chart.hidden = !Object.keys(finding.subject).length;
}

function written(numbers) {
  const values = Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [
      name,
      // A number and its sign stay on one line.
      (WRITTEN[name] ?? format.count)(value).replaceAll(" ", "\u00a0"),
    ]),
  );
  values.low_n = format.count(numbers.low * numbers.n);
  values.high_n = format.count(numbers.high * numbers.n);
  values.chance =
    numbers.p < 1e-9
      ? t("findings.chance.never")
      : t("findings.chance.one", { n: format.count(Number((1 / numbers.p).toPrecision(1))) });
  return values;
}

/** The subject of a finding, such as "Crédito Visa". */
export function subject({ subject: of }) {
  return Object.entries(of)
    .map(([name, value]) => label(name, value))
    .join(" ");
}

/** The query with the values of its parameters filled in, ready to run. */
export function filled({ sql, parameters }) {
  const values = [...parameters];
  return sql.trim().replace(/\?/g, () => {
    const value = values.shift();
    return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
  });
}
