/** The answer of a query: a chart, a table that can be sorted, and a CSV download. */
import { draw, moneyAxis } from "../../lib/chart.js";
import { csv, download } from "../../lib/csv.js";
import { h, setText } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { label, locale, t } from "../../lib/texts.js";
import { colour } from "../../lib/theme.js";

/** Rows that the table shows at first, and adds with each click for more. */
const PAGE = 200;
const MOST_LINES = 7;
const MOST_BARS = 60;
const NUMBERS = ["number", "decimal", "money", "percent"];
const MOMENTS = ["time", "day"];
const COLOURS = ["accent", "second", "good", "bad", "warn", "muted", "text"];
const OWN_COLOUR = { aprobadas: "good", rechazadas: "bad" };
/** Length in milliseconds from which an axis shows days only, without hours. */
const DAYS = 3 * 86400e3;

export function resultOf() {
  const status = h("p.note", { role: "status" });
  const body = h("div");
  const element = h("section.card.result", { hidden: true, "aria-label": t("queries.result") }, status, body);

  return {
    element,
    clear() {
      element.hidden = true;
      element.classList.remove("stale");
      body.replaceChildren();
      setText(status, "");
    },
    busy() {
      element.hidden = false;
      element.classList.add("stale");
      setText(status, t("queries.running"));
    },
    /** `chart`: that of a library query; undefined to choose it by the columns. `title`: the query's. */
    show(answer, name, chart, title) {
      const { columns, rows } = answer;
      element.hidden = false;
      element.classList.remove("stale");
      const told = { rows: format.count(rows.length), seconds: format.decimal(answer.elapsed_ms / 1000, 2) };
      setText(status, t(answer.truncated ? "queries.truncated" : "queries.rows", told));
      const drawn = chart === undefined ? chartOf(columns) : chart;
      body.replaceChildren(
        h(
          "div.filters",
          {},
          h(
            "button",
            {
              type: "button",
              disabled: !rows.length,
              onclick: () => download(`${name}.csv`, csv(columns, rows)),
            },
            t("queries.csv"),
          ),
        ),
        ...(rows.length ? [] : [h("p.empty", {}, t("queries.empty"))]),
        ...(rows.length > 1 && drawn ? [chartElement(answer, drawn, title)] : []),
        ...(rows.length ? [tableElement(columns, rows, title)] : []),
        h(
          "details",
          {},
          h("summary", {}, t("queries.sqlShown")),
          h("pre", { tabindex: "0" }, h("code", {}, answer.sql)),
          answer.parameters.length
            ? h("p.note", {}, t("queries.bound", { values: JSON.stringify(answer.parameters) }))
            : null,
        ),
      );
    },
  };
}

/** A chart of the numeric columns over the first column, or null if it cannot be drawn. */
function chartOf(columns) {
  const [x, ...others] = columns;
  const y = others.filter((column) => NUMBERS.includes(column.kind)).map((column) => column.name);
  if (!x || !y.length || x.kind === "decimal" || x.kind === "money") return null;
  return { kind: x.kind === "text" ? "bar" : "line", x: x.name, y: y.slice(0, MOST_LINES) };
}

function chartElement({ columns, rows }, chart, title) {
  const element = h("div.chart", { role: "img", "aria-label": t("queries.chartOf", { title }) });
  const at = (name) => columns.findIndex((column) => column.name === name);
  const x = at(chart.x);
  const shown = chart.kind === "bar" ? rows.slice(0, MOST_BARS) : rows;
  const isMoment = MOMENTS.includes(columns[x].kind);
  const points = shown.map((row) => (isMoment ? format.axisTime(Date.parse(row[x])) : label(chart.x, row[x])));
  const lines = chart.y.map((name, n) => ({
    column: columns[at(name)],
    values: shown.map((row) => scaled(row[at(name)], columns[at(name)].kind)),
    colour: OWN_COLOUR[name] ?? COLOURS[n % COLOURS.length],
  }));
  const span = isMoment ? Math.abs(Date.parse(shown.at(-1)[x]) - Date.parse(shown[0][x])) : 0;
  const moments = { type: "date", tickformat: span > DAYS ? "%d/%m" : "%H:%M\n%d/%m", hoverformat: "%d/%m %H:%M" };
  // Different kinds, such as counts and money, have no common scale: the second has its own axis.
  const [first] = lines;
  const second = lines.find((line) => line.column.kind !== first.column.kind);
  draw(
    element,
    () =>
      lines.map((line) => ({
        type: chart.kind === "bar" ? "bar" : "scatter",
        mode: "lines",
        name: line.column.title,
        x: points,
        y: line.values,
        yaxis: second && line.column.kind !== first.column.kind ? "y2" : "y",
        ...(second && chart.kind === "bar" ? { offsetgroup: line.column.name } : {}),
        ...(line.column.kind === "money" ? { hovertemplate: "$ %{y:,.0f}" } : {}),
        marker: { color: colour(line.colour) },
        line: { color: colour(line.colour), width: 2 },
      })),
    () => ({
      barmode: "group",
      showlegend: lines.length > 1,
      xaxis: isMoment ? moments : chart.kind === "bar" ? { type: "category", tickangle: -40 } : {},
      yaxis: axis(lines, first, lines.length > 1 && !second),
      ...(second ? { yaxis2: { ...axis(lines, second, false), overlaying: "y", side: "right", showgrid: false } } : {}),
    }),
    // If the chart cannot be drawn, the table has the same numbers.
  ).catch(() => element.remove());
  return element;
}

/** The axis of the lines of one kind, that of `column`. */
function axis(lines, { column }, isShared) {
  const values = lines.filter((line) => line.column.kind === column.kind).flatMap((line) => line.values);
  return {
    title: { text: isShared ? "" : column.title },
    rangemode: "tozero",
    ...(column.kind === "money" ? moneyAxis(values) : {}),
    ...(column.kind === "percent" ? { ticksuffix: " %" } : {}),
  };
}

/** The value for a chart: money in pesos instead of centavos. */
function scaled(value, kind) {
  return kind === "money" && value !== null ? value / 100 : value;
}

function tableElement(columns, rows, title) {
  const head = h("tr");
  const body = h("tbody");
  const more = h("button", { type: "button", onclick: () => fill(body.children.length + PAGE) });
  let order = null;
  let sorted = rows;

  function fill(count) {
    body.replaceChildren(...sorted.slice(0, count).map((row) => line(columns, row)));
    more.hidden = count >= rows.length;
    setText(more, t("queries.more", { shown: format.count(Math.min(count, rows.length)), rows: format.count(rows.length) }));
  }

  function sort(n) {
    order = { n, down: order?.n === n ? !order.down : NUMBERS.includes(columns[n].kind) };
    const way = order.down ? -1 : 1;
    sorted = [...rows].sort((a, b) => way * compare(a[n], b[n]));
    [...head.children].forEach((cell, each) => {
      const told = order.down ? "descending" : "ascending";
      if (each === n) cell.setAttribute("aria-sort", told);
      else cell.removeAttribute("aria-sort");
    });
    fill(PAGE);
  }

  head.append(
    ...columns.map((column, n) =>
      h(
        NUMBERS.includes(column.kind) ? "th.number" : "th",
        { scope: "col" },
        h("button.sort", { type: "button", title: t("queries.sort"), onclick: () => sort(n) }, column.title),
      ),
    ),
  );
  fill(PAGE);
  return h(
    "div",
    {},
    h(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": title },
      h("table.data", {}, h("caption.hidden", {}, title), h("thead", {}, head), body),
    ),
    more,
  );
}

function line(columns, row) {
  return h(
    "tr",
    {},
    ...row.map((value, n) => {
      const { kind } = columns[n];
      const shown = kind === "text" && value !== null ? label(columns[n].name, value) : value;
      return h(NUMBERS.includes(kind) ? "td.number" : "td", MOMENTS.includes(kind) ? { title: value } : {}, cell(shown, kind));
    }),
  );
}

function cell(value, kind) {
  if (value === null) return "–";
  if (MOMENTS.includes(kind)) {
    const milliseconds = Date.parse(value);
    return kind === "day" ? format.day(milliseconds) : `${format.day(milliseconds)} ${format.time(milliseconds)}`;
  }
  if (typeof value === "number") {
    if (kind === "number") return format.count(value);
    if (kind === "decimal") return format.decimal(value, Number.isInteger(value) ? 0 : 2);
    if (kind === "money") return format.money(value);
    if (kind === "percent") return format.percent(value / 100, 1);
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function compare(a, b) {
  if (a === null || b === null) return (a !== null) - (b !== null);
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), locale(), { numeric: true });
}
