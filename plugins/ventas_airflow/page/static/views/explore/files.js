/** A split as files: its cells as CSV, its chart as PNG. */
import { csv, download } from "../../lib/csv.js";
import { svgOf } from "../../lib/chart.js";
import * as format from "../../lib/format.js";
import { colour } from "../../lib/theme.js";
import { namesOf } from "./answer.js";

const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
/** Pixels of the picture for one of the page's, and of the text above the chart. */
const SHARP = 2;
const HEAD = 62;
const EDGE = 16;

/** One line for each cell: the values of the split, the figure, and the one of the range before. */
export function saveCsv(name, found, measure) {
  const unit = found.unit === "money" ? `${measure}_centavos` : measure;
  const columns = [
    ...found.axes.map((axis) => ({ name: axis.name, kind: "text" })),
    { name: unit, kind: "number" },
    ...(found.before ? [{ name: `${unit}_antes`, kind: "number" }] : []),
  ];
  const values = found.axes.map((axis) => {
    const names = namesOf(axis);
    return names.map((shown, place) => (axis.kind === "moment" ? format.axisTime(axis.values[place]) : shown));
  });
  const rows = found.cells.flatMap((row, first) =>
    row.map((cell, second) => [
      values[0][first],
      ...(values[1] ? [values[1][second]] : []),
      cell[0],
      ...(found.before ? [cell[2]] : []),
    ]),
  );
  download(`${name}.csv`, csv(columns, rows));
}

/** The chart in an element with a title and a line of text above it. */
export async function savePng(name, element, title, note) {
  const { clientWidth: width, clientHeight: height } = element;
  // Alone, the SVG has no element from which it could inherit a font.
  const svg = (await svgOf(element)).replaceAll(/font-family:\s*inherit/g, `font-family: ${FONT.replaceAll('"', "'")}`);
  const picture = new Image();
  const loaded = new Promise((done, failed) => {
    picture.onload = done;
    picture.onerror = () => failed(new Error("The chart is no picture"));
  });
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await loaded;
  const canvas = document.createElement("canvas");
  canvas.width = (width + 2 * EDGE) * SHARP;
  canvas.height = (height + HEAD + EDGE) * SHARP;
  const pen = canvas.getContext("2d");
  pen.scale(SHARP, SHARP);
  pen.fillStyle = colour("surface");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = colour("text");
  pen.font = `650 16px ${FONT}`;
  pen.fillText(title, EDGE, 28, width);
  pen.fillStyle = colour("muted");
  pen.font = `13px ${FONT}`;
  pen.fillText(note, EDGE, 48, width);
  pen.drawImage(picture, EDGE, HEAD, width, height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  download(`${name}.png`, blob, "image/png");
}
