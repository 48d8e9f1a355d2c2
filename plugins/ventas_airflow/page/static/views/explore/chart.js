/** A split as bars, lines or a heat map. */
import { draw, steps } from "../../lib/chart.js";
import * as format from "../../lib/format.js";
import { t } from "../../lib/texts.js";
import { colour } from "../../lib/theme.js";
import { acrossTime, figuresOf, namesOf, withoutRest } from "./answer.js";

const COLOURS = ["accent", "second", "good", "bad", "text"];
/** Height in pixels of a bar and of a row of the heat map, and of what is above and below. */
const ROW = 26;
const FRAME = 90;
const LOWEST = 320;
/** Least pixels of a cell of the heat map that has its figure in it. */
const WRITTEN = 44;
/** Pixels from one step of an axis to the next: beside each other and above each other. */
const STEP = { x: 90, y: 50 };
/** Below this width, names beside bars have at most so many characters; upright ones always. */
const NARROW = 700;
const NAME = 17;
/** Pixels of a character, and of the least column with its name in a line. */
const CHARACTER = 7.5;
const COLUMN = 56;

/** Draw the split in an element; `clicked(places)` gets the place in each of the answer's axes. */
export function drawSplit(element, found, form, measure, clicked) {
  const turned = acrossTime(found, form);
  // The sum of all that is not shown would make every other bar or line tiny.
  const shown = form === "calor" ? turned : withoutRest(turned);
  const { traces, layout, height } = FORMS[form](shown, figuresOf(found), shown.axes.map(namesOf), measure, element.clientWidth);
  element.style.height = `${height}px`;
  return draw(element, traces, layout, (index) => {
    const places = Array.isArray(index) ? index.toReversed() : [index];
    clicked(turned === found ? places : [places[1], places[0]]);
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
  if (count <= COLOURS.length) return colour(COLOURS[place]);
  return `hsl(${Math.round((place * 360) / count + 215) % 360} 55% 52%)`;
}

function bars(found, figures, names, measure, width) {
  const series = seriesOf(found, figures, names, measure);
  const isList = found.axes[0].kind === "value";
  const [along, across] = isList ? ["y", "x"] : ["x", "y"];
  const isStack = found.axes.length > 1 && found.rows.every(figures.isSum);
  const each = isStack ? 1 : series.length;
  const height = Math.max(LOWEST, FRAME + (isList ? names[0].length * Math.max(ROW, each * 13) : 0));
  const room = isList ? width * 0.6 : height - FRAME;
  const axis = axisOf(found.axes[0], names[0], isList ? height : width, width, along);
  return {
    height,
    traces: () =>
      series.map((one) => ({
        type: "bar",
        orientation: isList ? "h" : "v",
        name: one.name,
        [along]: axis.places,
        [across]: one.values,
        hovertext: one.told,
        hoverinfo: "text",
        textposition: "none",
        marker: { color: one.tone(), opacity: one.isBefore ? 0.55 : 0.9 },
      })),
    layout: () => ({
      barmode: isStack ? "relative" : "group",
      ...framed(series),
      [`${along}axis`]: axis.layout,
      [`${across}axis`]: scaleOf(series, figures, isStack, room / STEP[across]),
    }),
  };
}

function lines(found, figures, names, measure, width) {
  const series = seriesOf(found, figures, names, measure);
  const height = LOWEST + FRAME / 2;
  const axis = axisOf(found.axes[0], names[0], width, width, "x");
  return {
    height,
    traces: () =>
      series.map((one) => ({
        type: "scatter",
        mode: axis.places.length > 60 ? "lines" : "lines+markers",
        name: one.name,
        x: axis.places,
        y: one.values,
        hovertext: one.told,
        hoverinfo: "text",
        marker: { color: one.tone(), size: 5 },
        line: { color: one.tone(), width: 2, dash: one.isBefore ? "dot" : "solid" },
      })),
    layout: () => ({
      ...framed(series),
      xaxis: axis.layout,
      yaxis: scaleOf(series, figures, false, (height - FRAME) / STEP.y),
    }),
  };
}

/** Places of an axis's values, and its layout: dates as such, other names at whole numbers. */
function axisOf({ kind, values }, names, length, width, direction) {
  if (kind === "moment") {
    const days = (values.at(-1) - values[0]) / 86400e3;
    const tickformat = days > 3 ? "%d/%m" : days > 1 ? "%H:%M\n%d/%m" : "%H:%M";
    const nticks = Math.ceil(length / STEP.x);
    return { places: values.map(format.axisTime), layout: { type: "date", tickformat, nticks } };
  }
  const places = names.map((_, place) => place);
  const step = length / names.length;
  const longest = Math.max(...names.map((name) => name.length), 1);
  const isUpright = direction === "x" && step < COLUMN && longest > 5;
  const most = direction === "x" && step >= COLUMN ? Math.floor(step / CHARACTER) - 1 : width < NARROW || isUpright ? NAME : longest;
  const room = direction === "x" && !isUpright && step < COLUMN ? (longest + 1) * CHARACTER : ROW / 2;
  const every = Math.ceil(room / step);
  const tickvals = places.filter((place) => place % every === 0);
  return {
    places,
    layout: {
      tickvals,
      ticktext: tickvals.map((place) => cut(names[place], most)),
      tickangle: isUpright ? -90 : 0,
      showgrid: false,
      zeroline: false,
      ...(direction === "y" ? { autorange: "reversed" } : {}),
    },
  };
}

function cut(name, most) {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

function framed(series) {
  return {
    hovermode: "closest",
    showlegend: series.length > 1,
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", traceorder: "normal" },
  };
}

/** An axis with about so many steps, each a round figure, written as the page writes figures. */
function scaleOf(series, figures, isStack, count) {
  const columns = series.map((one) => one.values.map((value) => value ?? 0));
  const sums = isStack ? [columns[0].map((_, n) => columns.reduce((sum, one) => sum + Math.max(0, one[n]), 0))] : columns;
  const most = Math.max(0, ...sums.flat());
  const least = Math.min(0, ...columns.flat());
  const tickvals = steps(least, most, Math.max(2, count));
  return {
    // Plotly leaves out a step at the very end.
    range: [tickvals[0], tickvals.at(-1) * 1.01],
    tickvals,
    ticktext: figures.ticks(tickvals),
    tickangle: 0,
  };
}

function heat(found, figures, names, measure, width) {
  const [x, y] = [names[0], found.axes.length > 1 ? names[1] : [measure]];
  const across = (make) => y.map((_, row) => found.rows.map((_, column) => make(found.cells[column][row])));
  const { isCompared } = figures;
  const values = across(isCompared ? figures.change : figures.value);
  // The sums of what is not shown may be larger than all others: they do not set the colours.
  const [broad, high] = [found.axes[0].values.length, found.axes[1]?.values.length ?? 1];
  const named = values.slice(0, high).flatMap((row) => row.slice(0, broad));
  const most = Math.max(...named.map((value) => Math.abs(value ?? 0)), 0);
  const limit = isCompared ? Math.min(most, 1) || 1 : most || 1;
  const beside = Math.max(...y.map((name) => (width < NARROW ? Math.min(name.length, NAME) : name.length)));
  const room = width - beside * CHARACTER - WRITTEN;
  const isWritten = room / x.length >= WRITTEN;
  const short = (cell) => writtenShort(figures.value(cell), figures);
  const columns = axisOf({}, x, room, width, "x");
  const rows = axisOf({}, y, y.length * ROW, width, "y");
  const colours = () =>
    isCompared
      ? [[0, colour("second")], [0.5, colour("raised")], [1, colour("accent")]]
      : [[0, colour("raised")], [1, colour("accent")]];
  return {
    height: Math.max(LOWEST / 2, y.length * ROW) + FRAME,
    traces: () => [
      {
        type: "heatmap",
        x: columns.places,
        y: rows.places,
        z: values,
        zmin: isCompared ? -limit : 0,
        zmax: limit,
        xgap: 2,
        ygap: 2,
        colorscale: colours(),
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
      xaxis: columns.layout,
      yaxis: rows.layout,
    }),
  };
}

function writtenShort(value, figures) {
  return value === null ? "" : figures.short(value);
}
