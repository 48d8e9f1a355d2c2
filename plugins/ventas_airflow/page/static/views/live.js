import { get } from "../lib/api.js";
import { bars } from "../lib/bars.js";
import { draw, moneyAxis } from "../lib/chart.js";
import { h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { poll } from "../lib/poll.js";
import { has, label, t } from "../lib/texts.js";
import { colour } from "../lib/theme.js";
import { filterBar, filtersOf, LENGTHS } from "./filters.js";
import { render as findings } from "./findings.js";
import { closedPage } from "./live/closed.js";
import { funnel } from "./live/funnel.js";
import { kpis } from "./live/kpis.js";
import { map } from "./live/map.js";
import { ticker } from "./live/ticker.js";
import { whyPanel } from "./why.js";

/** Milliseconds between requests: a sale is shown well within 3 s of its acknowledgement. */
const PAUSE = { "15m": 1000, "1h": 1000, "6h": 4000, "24h": 10000, "7d": 30000, "30d": 30000 };
/** Milliseconds between requests for the findings, which are judged by the hour. */
const FINDINGS_PAUSE = 30000;
/** Errors that say that Druid is off, or has no sales yet. */
const OFF = ["unreachable", "empty"];
/** With fewer decided sales than this, an approval rate means little. */
const ENOUGH = 5;

/** The filters without the range: findings are always judged on the last hours. */
function salesOf(params) {
  const kept = filtersOf(params);
  kept.delete("rango");
  return kept.toString();
}

export function mount(root, state) {
  const filters = filterBar(state);
  const parts = layout(root, filters);
  setText(parts.notice, t("shell.loading"));
  let options = {};
  let last = null;
  const closed = closedPage(parts.closed, () => {
    last = null;
    setText(parts.notice, "");
    root.classList.remove("stale");
    root.classList.add("blank");
  });

  const polling = poll(
    async (signal) => {
      const asked = filtersOf(state.params);
      const found = await get("api/live", asked, signal);
      const sales = found.totals.current?.sales;
      if (closed.on(sales > 0)) return;
      last = found;
      setText(parts.notice, sales === 0 ? t("live.nothing") : "");
      root.classList.remove("blank", "stale");
      show(root, parts, found, state);
    },
    () => PAUSE[state.params.get("rango") ?? "1h"] ?? 1000,
    (error) => {
      const isClosed = OFF.includes(error.code) && closed.off(Boolean(last));
      setText(parts.notice, isClosed ? "" : error.message);
      root.classList.toggle("stale", Boolean(last));
    },
  );

  setText(parts.findingsState, t("findings.looking"));
  const judging = poll(
    async (signal) => {
      const report = await get("api/findings", filtersOf(state.params), signal);
      setText(parts.findingsState, "");
      findings(parts.findings, report, state);
    },
    () => FINDINGS_PAUSE,
    (error) => setText(parts.findingsState, error.message),
  );

  const explaining = whyPanel(root, state, filtersOf);
  let judged = salesOf(state.params);
  function changed() {
    filters.update(options);
    explaining.changed();
    polling.now();
    if (salesOf(state.params) === judged) return;
    judged = salesOf(state.params);
    judging.now();
  }
  state.changed = changed;
  filters.update(options);
  get("api/options")
    .then((found) => {
      options = found;
      filters.update(options);
    })
    .catch((error) => setText(parts.notice, error.message));

  return () => {
    polling.stop();
    judging.stop();
    closed.stop();
    explaining.stop();
  };
}

function card(name, width, ...children) {
  return h(
    width ? `section.card.${width}` : "section.card",
    { "aria-labelledby": `card-${name}`, "data-card": name },
    h("h2", { id: `card-${name}` }, t(`live.cards.${name}`)),
    has(`live.notes.${name}`) ? h("p.note", {}, t(`live.notes.${name}`)) : null,
    h("p.note.failed", { role: "status", hidden: true }),
    ...children,
  );
}

/** Cards of bars: the section of the answer, and the filter that a click sets, if any. */
const SHARES = {
  stores: { section: "stores", filter: "sucursal" },
  platforms: { section: "platforms", filter: "plataforma" },
  products: { section: "products", filter: "producto" },
  categories: { section: "categories", filter: "categoria" },
};
/** Cards of the board's columns, from the top. */
const STACKS = [
  ["payments", "provinces", "products"],
  ["issuers", "stores", "categories"],
  ["funnel", "ticker", "platforms", "instalments", "changes"],
];
/** Most bars of a card. */
const BARS = 12;

/** Object with the same keys, and what `make` gives for each value. */
function mapped(object, make) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, make(value)]));
}

/** Sections of the answer that each card shows. */
const SECTIONS = {
  ...mapped(SHARES, ({ section }) => [section]),
  kpis: ["current"],
  series: ["series", "current"],
  payments: ["payments"],
  issuers: ["issuers"],
  funnel: ["current"],
  provinces: ["provinces"],
  instalments: ["instalments"],
  changes: ["changes"],
  ticker: ["latest"],
};

/**
 * Update each card with its function in `draws`. A card that cannot be drawn, or whose section of
 * the answer failed, says so; the other cards are shown.
 */
function drawEach(root, draws, failed) {
  for (const [name, draw] of Object.entries(draws)) {
    let works = !SECTIONS[name].some((section) => failed.includes(section));
    try {
      if (works) draw();
    } catch (error) {
      console.error(`The card ${name} cannot be drawn`, error);
      works = false;
    }
    const note = root.querySelector(`[data-card=${name}] > .failed`);
    setText(note, works ? "" : t("live.failed"));
    note.hidden = works;
  }
}

function list(name) {
  return h("ul.bars", { "data-list": name, "data-empty": t("live.empty") });
}

function layout(root, { ranges, selects, chips }) {
  const parts = {
    notice: h("p.notice", { role: "status" }),
    closed: h("div"),
    fresh: h("span.fresh"),
    kpis: h("dl.kpis", { "aria-label": t("live.kpis.title") }),
    kpisCard: h("div", { "data-card": "kpis" }, h("p.note.failed", { role: "status", hidden: true })),
    chart: h("div.chart", { role: "img" }),
    findings: h("div", { "data-findings": "" }),
    findingsState: h("p.note", { role: "status", "data-findings-state": "" }),
    payments: list("payments"),
    issuers: list("issuers"),
    instalments: list("instalments"),
    map: h("div.map"),
    shares: mapped(SHARES, ({ section }) => list(section)),
    rising: list("rising"),
    falling: list("falling"),
    funnel: h("div"),
    ticker: h("ol", { "data-empty": t("live.empty") }),
  };
  const bodies = {
    ...mapped(parts.shares, (element) => [element]),
    payments: [parts.payments],
    provinces: [parts.map],
    issuers: [parts.issuers],
    funnel: [parts.funnel],
    ticker: [h("div.ticker", { tabindex: "0", role: "region", "aria-labelledby": "card-ticker" }, parts.ticker)],
    instalments: [parts.instalments],
    changes: [h("h3", {}, t("live.rising")), parts.rising, h("h3", {}, t("live.falling")), parts.falling],
  };
  parts.board = h(
    "div.board",
    {},
    card("series", "wide", parts.chart),
    card("findings", "narrow", parts.findingsState, parts.findings),
    ...STACKS.map((names) => h("div.stack", {}, ...names.map((name) => card(name, "", ...bodies[name])))),
  );
  parts.kpisCard.append(parts.kpis);
  root.classList.add("blank");
  root.append(
    h("h1.hidden", {}, t("shell.views.vivo")),
    h("div.filters", {}, ranges, h("div.chosen", {}, chips, parts.fresh), selects),
    parts.notice,
    parts.closed,
    parts.kpisCard,
    parts.board,
  );
  return parts;
}

function show(root, parts, found, state) {
  setText(parts.fresh, t("live.asOf", { time: format.time(found.end) }));
  const total = found.totals.current?.sales ?? 0;

  const share = (row) => ({
    figure: format.count(row.sales),
    note: total ? format.percent(row.sales / total, 0) : "",
  });
  // No filter selects the records without a value, so their row cannot be clicked.
  const chosen = (changes) =>
    Object.values(changes).includes(null) ? undefined : () => state.update(changes);
  const drill = (filter, row) => ({
    key: row.name,
    name: label(filter, row.name),
    onclick: chosen({ [filter]: row.name }),
  });
  const shares = (name) => {
    const { section, filter } = SHARES[name];
    const rows = found[section].slice(0, BARS);
    const largest = Math.max(1, ...rows.map((row) => row.sales));
    const named = (row) =>
      filter ? drill(filter, row) : { key: row.name, name: row.name ?? t("live.unknown") };
    bars(
      parts.shares[name],
      rows.map((row) => ({ ...share(row), ...named(row), share: (row.sales / largest) * 100 })),
    );
  };
  const approval = (row) => {
    const decided = row.approved + row.rejected;
    if (decided < ENOUGH) return { figure: "–", note: t("live.few"), share: 0 };
    const rate = row.approved / decided;
    return {
      figure: format.percent(rate, 0),
      note: t("live.of", { n: format.count(decided) }),
      share: rate * 100,
    };
  };
  const payments = () => {
    const largest = Math.max(1, ...found.payments.map((row) => row.sales));
    bars(
      parts.payments,
      found.payments.map((row) => ({
        ...share(row),
        ...drill("pago", row),
        share: (row.sales / largest) * 100,
        note: `${total ? format.percent(row.sales / total, 0) : ""} · ${t("live.approved", { rate: approval(row).figure })}`,
      })),
    );
  };
  const issuers = () =>
    bars(
      parts.issuers,
      found.issuers.slice(0, BARS).map((row) => ({
        ...approval(row),
        key: `${row.payment} ${row.name}`,
        name: `${row.name} · ${label("pago", row.payment)}`,
        onclick: chosen({ pago: row.payment, emisor: row.name }),
      })),
    );
  const instalments = () => {
    const credit = found.instalments.reduce((sum, row) => sum + row.sales, 0);
    bars(
      parts.instalments,
      found.instalments.map((row) => ({
        key: row.name,
        name:
          row.name === null
            ? t("live.unknown")
            : t("live.instalments", { n: row.name }),
        figure: format.count(row.sales),
        note: credit ? format.percent(row.sales / credit, 0) : "",
        share: credit ? (row.sales / credit) * 100 : 0,
        onclick: () => state.update({ pago: "credito" }),
      })),
    );
  };
  const changes = () => {
    for (const [name, mark] of [["rising", "up"], ["falling", "down"]]) {
      bars(
        parts[name],
        found[name].map((row) => ({
          ...drill("producto", row),
          figure: `${mark === "up" ? "▲" : "▼"} ${format.count(row.sales)}`,
          note: t("live.before", { n: format.count(row.before) }),
          tone: mark,
        })),
      );
    }
  };

  drawEach(
    root,
    {
      ...Object.fromEntries(Object.keys(SHARES).map((name) => [name, () => shares(name)])),
      kpis: () => kpis(parts.kpis, found, state.params.get("rango") ?? "1h", state),
      series: () => drawSeries(parts.chart, found, state),
      payments,
      issuers,
      funnel: () => funnel(parts.funnel, found.totals.current),
      provinces: () => map(parts.map, found.provinces, state),
      instalments,
      changes,
      ticker: () => ticker(parts.ticker, found.latest),
    },
    found.failed,
  );
}

function drawSeries(element, found, state) {
  const step = found.bucket_seconds * 1000;
  const first = Math.ceil((found.start - found.origin) / step) * step + found.origin;
  const points = new Map(found.series.map((point) => [point.moment, point]));
  const xs = [];
  const sales = [];
  const income = [];
  // A range may begin in the middle of a point: show only whole points, and the unfinished last one.
  for (let at = first; at < found.end; at += step) {
    xs.push(format.axisTime(at));
    sales.push(points.get(at)?.sales ?? 0);
    income.push((points.get(at)?.revenue_centavos ?? 0) / 100);
  }
  element.setAttribute(
    "aria-label",
    t("live.seriesSummary", {
      sales: format.count(found.totals.current.sales),
      income: format.money(found.totals.current.revenue_centavos),
      points: xs.length,
    }),
  );
  const last = xs.length - 1;
  draw(
    element,
    () => [
      {
        type: "bar",
        name: t("live.sales"),
        x: xs,
        y: sales,
        marker: { color: colour("accent"), opacity: xs.map((_, place) => (place === last ? 0.45 : 0.8)) },
      },
      {
        type: "scatter",
        mode: "lines",
        name: t("live.income"),
        x: xs,
        y: income,
        yaxis: "y2",
        hovertemplate: "$ %{y:,.0f}",
        line: { color: colour("second"), width: 2 },
      },
    ],
    () => ({
      xaxis: { type: "date", tickformat: step >= 86400000 ? "%d/%m" : step >= 3600000 ? "%d/%m %H:%M" : "%H:%M" },
      yaxis: { rangemode: "nonnegative", title: { text: t("live.sales") } },
      yaxis2: {
        overlaying: "y",
        side: "right",
        rangemode: "nonnegative",
        showgrid: false,
        ...moneyAxis(income),
        title: { text: t("live.income") },
      },
      bargap: 0.25,
    }),
    (place) => lookInto(first + place * step, step, state),
  );
}

/** Show the shortest range that contains a point of the chart and ends with it. */
function lookInto(start, step, state) {
  const rango = Object.keys(LENGTHS).find((range) => LENGTHS[range] >= step);
  state.update({ rango, hasta: new Date(start + step).toISOString() });
}
