/** A split as bars, lines or a heat map. */
import { draw } from "../../lib/chart.js";
import * as format from "../../lib/format.js";
import { t } from "../../lib/texts.js";
import { colour } from "../../lib/theme.js";
import { acrossTime, figuresOf, namesOf } from "./answer.js";

const COLOURS = ["accent", "second", "good", "bad", "warn", "muted", "text"];
/** Height in pixels of a bar and of a row of the heat map, and of what is above and below. */
const ROW = 26;
const FRAME = 90;
const LOWEST = 320;
/** Least pixels of a cell of the heat map that has its figure in it. */
const WRITTEN = 44;
/** Most steps of an axis of figures. */
const STEPS = 5;

/** Draw the split in an element; `clicked(places)` gets the place in each of the answer's axes. */
export function drawSplit(element, found, form, measure, clicked) {
  const shown = acrossTime(found);
  const order = shown === found ? [0, 1] : [1, 0];
  const figures = figuresOf(found);
  const names = shown.axes.map(namesOf);
  const { traces, layout, height } = FORMS[form](shown, figures, names, measure, element.clientWidth);
  element.style.height = `${height}px`;
  return draw(element, traces, layout, (index) => {
    const places = Array.isArray(index) ? [index[1], index[0]] : [index];
    clicked(order.map((place) => places[place]));
  });
}

const FORMS = { barras: bars, lineas: lines, calor: heat };

/** One series for each value of the second axis, or one for now and one for the range before. */
function seriesOf(found, figures, names, measure) {
  const along = (cells, name, extra = {}) => ({
    name,
    values: cells.map((cell) => scaled(figures.value(cell), figures)),
    told: cells.map((cell, place) => told(cell, figures, [names[0][place], extra.second])),
    ...extra,
  });
  if (found.axes.length > 1) {
    return found.columns.map((_, place) =>
      along(found.cells.map((row) => row[place]), names[1][place], {
        second: names[1][place],
        tone: () => toneOf(place, found.columns.length, place === found.axes[1].values.length),
      }),
    );
  }
  const cells = found.rows;
  const now = along(cells, measure, { tone: () => colour("accent") });
  if (!figures.isCompared) return [now];
  const before = along(cells, t("explore.before"), { tone: () => colour("muted"), isBefore: true });
  before.values = cells.map((cell) => scaled(cell[2], figures));
  return [before, now];
}

function scaled(value, figures) {
  return value === null ? null : value * figures.scale;
}

function told(cell, figures, names) {
  const lines = [names.filter(Boolean).join(" · "), `<b>${figures.written(cell)}</b>`];
  if (figures.isCompared) {
    lines.push(t("explore.told", { before: figures.before(cell), change: figures.changed(cell) }));
  }
  return lines.join("<br>");
}

function toneOf(place, count, isRest) {
  if (isRest) return colour("muted");
  const named = COLOURS.filter((name) => name !== "muted");
  if (count <= named.length) return colour(named[place]);
  return `hsl(${Math.round((place * 360) / count + 215) % 360} 55% 52%)`;
}

function bars(found, figures, names, measure) {
  const series = seriesOf(found, figures, names, measure);
  const isList = found.axes[0].kind === "value";
  const [along, across] = isList ? ["y", "x"] : ["x", "y"];
  const isStack = found.axes.length > 1 && found.rows.every(figures.isSum);
  const each = isStack ? 1 : series.length;
  const length = names[0].length * (isList ? Math.max(ROW, each * 13) : 0);
  return {
    height: Math.max(LOWEST, length + FRAME),
    traces: () =>
      series.map((one) => ({
        type: "bar",
        orientation: isList ? "h" : "v",
        name: one.name,
        [along]: names[0],
        [across]: one.values,
        hovertext: one.told,
        hoverinfo: "text",
        textposition: "none",
        marker: { color: one.tone(), opacity: one.isBefore ? 0.55 : 0.9 },
      })),
    layout: () => ({
      barmode: isStack ? "relative" : "group",
      ...framed(series),
      [`${along}axis`]: { type: "category", ...(isList ? { autorange: "reversed" } : { nticks: 16 }) },
      [`${across}axis`]: scaleOf(series, figures, isStack),
    }),
  };
}

function lines(found, figures, names, measure) {
  const series = seriesOf(found, figures, names, measure);
  const isTime = found.axes[0].kind === "moment";
  const places = isTime ? found.axes[0].values.map(format.axisTime) : names[0];
  return {
    height: LOWEST + FRAME / 2,
    traces: () =>
      series.map((one) => ({
        type: "scatter",
        mode: places.length > 60 ? "lines" : "lines+markers",
        name: one.name,
        x: places,
        y: one.values,
        hovertext: one.told,
        hoverinfo: "text",
        marker: { color: one.tone(), size: 5 },
        line: { color: one.tone(), width: 2, dash: one.isBefore ? "dot" : "solid" },
      })),
    layout: () => ({
      ...framed(series),
      xaxis: isTime ? { type: "date", tickformat: dates(found) } : { type: "category" },
      yaxis: scaleOf(series, figures, false),
    }),
  };
}

function dates({ start, end }) {
  const days = (end - start) / 86400e3;
  return days > 3 ? "%d/%m" : days > 1 ? "%H:%M\n%d/%m" : "%H:%M";
}

function framed(series) {
  return {
    hovermode: "closest",
    showlegend: series.length > 1,
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", traceorder: "normal" },
  };
}

/** An axis whose steps are whole, written as the page writes the figures. */
function scaleOf(series, figures, isStack) {
  const columns = series.map((one) => one.values.map((value) => value ?? 0));
  const sums = isStack ? [columns[0].map((_, n) => columns.reduce((sum, one) => sum + Math.max(0, one[n]), 0))] : columns;
  const most = Math.max(0, ...sums.flat());
  const least = Math.min(0, ...columns.flat());
  const tickvals = stepsOf(least, most, figures.unit === "count" ? 1 : 0);
  return {
    rangemode: "tozero",
    tickvals,
    ticktext: tickvals.map((value) => figures.short(value / figures.scale)),
  };
}

/** Multiples of 1, 2 or 5 times a power of ten, from `least` to `most`. */
function stepsOf(least, most, smallest) {
  const rough = (most - least) / STEPS || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(smallest, [1, 2, 5, 10].find((times) => times * power >= rough) * power);
  const first = Math.ceil(least / step);
  return Array.from({ length: Math.floor(most / step) - first + 1 }, (_, n) => (first + n) * step);
}

function heat(found, figures, names, measure, width) {
  const [x, y] = [names[0], found.axes.length > 1 ? names[1] : [measure]];
  const across = (make) => y.map((_, row) => found.rows.map((_, column) => make(found.cells[column][row])));
  const { isCompared } = figures;
  const values = across(isCompared ? figures.change : figures.value);
  const most = Math.max(...values.flat().map((value) => Math.abs(value ?? 0)), 0);
  const limit = isCompared ? Math.min(most, 1) || 1 : most || 1;
  const isWritten = width / (x.length + 3) >= WRITTEN;
  const short = (cell) => writtenShort(figures.value(cell), figures);
  const scale = () =>
    isCompared
      ? [[0, colour("second")], [0.5, colour("raised")], [1, colour("accent")]]
      : [[0, colour("raised")], [1, colour("accent")]];
  return {
    height: Math.max(LOWEST / 2, y.length * ROW) + FRAME,
    traces: () => [
      {
        type: "heatmap",
        x,
        y,
        z: values,
        zmin: isCompared ? -limit : 0,
        zmax: limit,
        xgap: 2,
        ygap: 2,
        colorscale: scale(),
        showscale: false,
        text: across(isCompared ? figures.changed : short),
        texttemplate: isWritten ? "%{text}" : "",
        hovertext: y.map((second, row) =>
          x.map((first, column) => told(found.cells[column][row], figures, [first, second])),
        ),
        hoverinfo: "text",
      },
    ],
    layout: () => ({
      hovermode: "closest",
      xaxis: { type: "category", showgrid: false },
      yaxis: { type: "category", showgrid: false, autorange: "reversed" },
    }),
  };
}

function writtenShort(value, figures) {
  return value === null ? "" : figures.short(value);
}
