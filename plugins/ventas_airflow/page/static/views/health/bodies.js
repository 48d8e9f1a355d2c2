/** The body of each card: the numbers of its part. */
import { h } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { airflowAddress, openInAirflow } from "../../lib/frame.js";
import { has, t } from "../../lib/texts.js";
import { logPath, runPath } from "./airflow.js";
import { figures, number, table, when } from "./card.js";

/** Size of the picture, and most bars: the whole minutes of the look-back. */
const BARS = { width: 300, height: 44, most: 14 };

export function cadence({ numbers }) {
  if (!numbers.per_minute) return null;
  return [
    figures(
      ["perMinute", number(numbers.sales_per_minute)],
      ["gapMedian", seconds(numbers.pausa_p50)],
      ["gapP95", seconds(numbers.pausa_p95)],
      ["gapMax", seconds(numbers.pausa_maxima)],
      ["sales", number(numbers.sales)],
    ),
    minuteBars(numbers.per_minute),
  ];
}

/** Sales by minute as bars, with a text for screen readers. */
function minuteBars(minutes) {
  const most = Math.max(1, ...minutes.map((minute) => minute.sales));
  const step = BARS.width / BARS.most;
  const words = minutes.map((minute) => `${format.hour(minute.minute)}: ${minute.sales}`).join(", ");
  const picture = svg("svg", {
    class: "minutes",
    viewBox: `0 0 ${BARS.width} ${BARS.height}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": t("health.minutes", { words }),
  });
  minutes.forEach((minute, place) => {
    const height = (minute.sales / most) * BARS.height;
    const bar = svg("rect", { x: place * step + 1, y: BARS.height - height, width: step - 2, height });
    const title = svg("title", {});
    title.textContent = `${format.hour(minute.minute)}: ${format.count(minute.sales)}`;
    bar.append(title);
    picture.append(bar);
  });
  return picture;
}

function svg(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

export function freshness({ numbers }) {
  if (numbers.segundos_desde_la_ultima === undefined) return null;
  return figures(
    ["age", seconds(numbers.segundos_desde_la_ultima)],
    ["late", seconds(Math.max(0, numbers.atraso_segundos))],
    ["events", number(numbers.ventas)],
  );
}

const MARKS = { equal: "=", differs: "≠", open: "…" };

export function ledger({ numbers }) {
  if (!numbers.minutes) return null;
  const counts = figures(
    ["equal", number(numbers.equal)],
    ["differing", number(numbers.differing)],
    ["open", number(numbers.open)],
  );
  if (!numbers.minutes.length) return counts;
  const minutes = numbers.minutes.toReversed().map((row) => [
    format.hour(Date.parse(row.minute)),
    number(row.ledger),
    number(row.druid),
    `${MARKS[row.state]} ${t(`health.equality.${row.state}`)}`,
  ]);
  return [
    counts,
    h(
      "details",
      { open: numbers.differing > 0 },
      h("summary", {}, t("health.byMinute")),
      table("health.cards.ledger", ["minute", "inLedger", "inDruid", "equality"], minutes),
    ),
  ];
}

export function supervisor({ numbers }) {
  if (!numbers.detailed_state) return null;
  const known = `health.supervisor.${numbers.detailed_state}`;
  const words = has(known) ? t(known) : `${numbers.state} (${numbers.detailed_state})`;
  return [
    figures(["supervisor", words], ["lag", number(numbers.lag)], ["tasks", number(numbers.tasks)]),
    numbers.errors.length
      ? h(
          "details",
          {},
          h("summary", {}, t("health.errors", { n: numbers.errors.length })),
          h(
            "ul.errors",
            {},
            numbers.errors.map((error) =>
              h("li", {}, error.moment ? `${when(error.moment)} · ` : "", error.message),
            ),
          ),
        )
      : null,
  ];
}

export function kafka({ numbers }) {
  if (!numbers.partitions?.length) return null;
  return table(
    "health.cards.kafka",
    ["topic", "partition", "start", "end"],
    numbers.partitions.map((row) => [row.topic, number(row.partition), number(row.start), number(row.end)]),
  );
}

export function vm({ numbers }) {
  if (!numbers.machine_type) return numbers.message ? h("p.note", {}, numbers.message) : null;
  const { price } = numbers;
  const cost = price
    ? numbers.cost_usd === null
      ? "–"
      : t("health.usd", { amount: format.decimal(numbers.cost_usd, 2) })
    : t("health.noPrice");
  const hour = price
    ? t("health.price", { amount: format.decimal(price.usd_per_hour, 4) })
    : t("health.setPrice");
  const source = price?.source ? t("health.source", price) : price ? t("health.ownPrice") : "";
  return [
    figures(
      ["vm", numbers.name],
      ["machine", numbers.machine_type],
      ["zone", numbers.zone],
      ["status", numbers.status],
      numbers.seconds === null ? null : ["on", format.duration(numbers.seconds)],
      ["cost", cost],
    ),
    h("p.note", {}, [hour, source, numbers.emulated ? t("health.emulated") : ""].filter(Boolean).join(" ")),
  ];
}

/** The last validation runs, as `validations` returns them, each with its results and its state. */
export function runs(validations, states) {
  return h(
    "ol.runs",
    {},
    validations.map((run, place) => {
      const totals = run.summary?.totals;
      const problems = (run.summary?.results ?? []).filter((each) => ["error", "warning"].includes(each.status));
      const state = states[place];
      return h(
        "li",
        { "data-state": state },
        link(runPath("sales_validation", run.dag_run_id), when(run.run_after)),
        ` · ${totals ? t("health.totals", totals) : t(`health.runs.${state}`)}`,
        problems.length
          ? h(
              "ul",
              {},
              problems.map((each) =>
                h(
                  "li",
                  {},
                  `${t(`health.checks.${each.status}`)}: `,
                  link(logPath(run, each), each.title),
                  ` · ${each.message}`,
                ),
              ),
            )
          : null,
      );
    }),
  );
}

/** A link to a page of Airflow, in the whole window. */
export function link(path, text) {
  return h(
    "a",
    {
      href: airflowAddress(path),
      target: "_top",
      onclick(event) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        openInAirflow(path);
      },
    },
    text,
  );
}

function seconds(value) {
  return value === null || value === undefined ? "–" : t("health.seconds", { n: format.decimal(value, 2) });
}
