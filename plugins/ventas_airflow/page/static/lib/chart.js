/** Plotly from its Python package, loaded with the first chart, in the page's colours. */
import { colour, onTheme } from "./theme.js";
import { get } from "./api.js";
import { axisMoney, separators } from "./format.js";

let loading;

function plotly() {
  loading ??= get("api/plotly").then(
    ({ src }) =>
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(src, new URL("../../", import.meta.url));
        script.onload = () => resolve(window.Plotly);
        script.onerror = () => {
          loading = undefined;
          reject(new Error(`plotly: ${script.src}`));
        };
        document.head.append(script);
      }),
  );
  return loading;
}

function themed(layout) {
  const axis = {
    gridcolor: colour("line"),
    linecolor: colour("line"),
    zerolinecolor: colour("line"),
    automargin: true,
    fixedrange: true,
  };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("text"), family: "inherit", size: 12 },
    margin: { l: 8, r: 8, t: 8, b: 8 },
    separators: separators(),
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour("surface"), bordercolor: colour("line") },
    legend: { orientation: "h", y: 1.12, x: 0 },
    ...layout,
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, ...layout.yaxis },
    ...(layout.yaxis2 ? { yaxis2: { ...axis, ...layout.yaxis2 } } : {}),
  };
}

/** Factors of a power of ten that people read easily as the step of an axis. */
const ROUND = [1, 2, 5, 10];

/** Round and whole steps of an axis, about `count`, that enclose `least` and `most`. */
export function steps(least, most, count) {
  const rough = (most - least) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, ROUND.find((factor) => factor * power >= rough) * power);
  const first = Math.floor(least / step);
  const last = Math.max(Math.ceil(most / step), 1);
  return Array.from({ length: last - first + 1 }, (_, n) => (first + n) * step);
}

/** What an axis of `pesos` needs: labels at round steps, such as "$ 0,5 M". */
export function moneyAxis(pesos) {
  const tickvals = steps(Math.min(...pesos, 0), Math.max(...pesos, 0), 5);
  return { tickmode: "array", tickvals, ticktext: axisMoney(tickvals) };
}

const drawn = new WeakMap();
const all = new Set();

/**
 * Draw or update a chart in an element. `traces` and `layout` are functions that return Plotly's
 * traces and layout; they are called again when the theme changes, so they may use `colour`.
 * `clicked` is called with the index of the clicked point in its trace.
 */
export async function draw(element, traces, layout = () => ({}), clicked = null) {
  drawn.set(element, [traces, layout, clicked]);
  all.add(element);
  const library = await plotly();
  if (!element.isConnected || drawn.get(element)?.[0] !== traces) return;
  const options = { displayModeBar: false, responsive: true };
  await library.react(element, traces(), themed(layout()), options);
  element.removeAllListeners("plotly_click");
  if (clicked) element.on("plotly_click", ({ points }) => clicked(points[0].pointIndex));
}

/** The chart in an element, as the text of an SVG that needs nothing of the page. */
export async function svgOf(element) {
  const library = await plotly();
  const { clientWidth: width, clientHeight: height } = element;
  const address = await library.toImage(element, { format: "svg", width, height });
  return decodeURIComponent(address.slice(address.indexOf(",") + 1));
}

onTheme(() => {
  for (const element of all) {
    if (element.isConnected) draw(element, ...drawn.get(element));
    else all.delete(element);
  }
});
