/** Names and figures of an answer of "api/explore", as people read them. */
import * as format from "../../lib/format.js";
import { has, label, t } from "../../lib/texts.js";

const DAY = 86400e3;
/** With fewer sales than this, a share means little. */
const ENOUGH = 5;
/** How much each kind of axis wants to be the horizontal one. */
const FLOWS = { moment: 3, hour: 2, weekday: 1, number: 1, value: 0 };

/** How figures are written: whole, short, and as the ticks of an axis, whose values are scaled. */
const UNITS = {
  count: { whole: format.count, short: format.count, ticks: (values) => values.map(format.count), scale: 1 },
  money: {
    whole: (value) => format.money(value),
    short: (value) => format.money(value, { short: true }),
    ticks: format.axisMoney,
    scale: 0.01,
  },
  share: {
    whole: (value) => format.percent(value),
    short: (value) => format.percent(value, 0),
    ticks: (values) => values.map((value) => format.percent(value / 100, 0)),
    scale: 100,
  },
};

export function dimensionName(name) {
  const key = `explore.dimensions.${name}`;
  return has(key) ? t(key) : t(`live.filters.${name}`);
}

/** Names of an axis's values, with one more for the rest if there is one. */
export function namesOf(axis) {
  const [first, second] = axis.values;
  const ofDays = (second ?? first + DAY) - first >= DAY && axis.name !== "hora";
  const names = axis.values.map((value) => nameOf(axis, value, ofDays));
  return axis.rest ? [...names, t("explore.rest", { n: format.count(axis.rest) })] : names;
}

function nameOf({ name, kind }, value, ofDays) {
  if (kind === "moment") return ofDays ? format.day(value) : format.moment(value);
  if (kind === "hour") return t("explore.hour", { n: value });
  if (kind === "weekday") return format.weekday(value);
  if (kind === "number" && value !== null) return format.count(value);
  return value === "" ? t("explore.none") : label(name, value);
}

/** Functions for the figures of an answer: of a cell `[value, base, before]`, null for none. */
export function figuresOf({ unit, before }) {
  const { whole, short, ticks, scale } = UNITS[unit];
  const isFew = (base) => unit === "share" && base < ENOUGH;
  const value = ([now, base]) => (now === null || isFew(base) ? null : now);
  const change = (cell) => {
    const [now, then] = [value(cell), cell[2]];
    if (now === null || then === null || (unit !== "share" && then === 0)) return null;
    return unit === "share" ? now - then : now / then - 1;
  };
  return {
    scale,
    short,
    ticks,
    value,
    change,
    isCompared: Boolean(before),
    written: (cell) => (isFew(cell[1]) && cell[1] ? t("live.few") : writtenBy(whole, value(cell))),
    before: (cell) => writtenBy(whole, cell[2]),
    changed: (cell) => writtenBy((by) => changeText(by, unit), change(cell)),
    /** Whether the values of a split add up to those of their sum. */
    isSum: (cell) => cell[1] === null,
  };
}

function writtenBy(write, value) {
  return value === null ? "–" : write(value);
}

function changeText(by, unit) {
  if (unit === "share") return `${format.signed(by * 100, format.decimal)} ${t("live.points")}`;
  if (by >= 9.95) return `× ${format.count(by + 1)}`;
  return format.signed(by, (part) => format.percent(part, part < 0.1 ? 1 : 0));
}

/** The answer with its axes in the order in which a chart shows them: time goes to the right. */
export function acrossTime(found, form) {
  const [first, second] = found.axes;
  // Names are easier to read beside the rows of a heat map than below its columns.
  const isLater = second && FLOWS[second.kind] - FLOWS[first.kind] + (form === "calor" && first.kind === "value" ? 1 : 0) > 0;
  return isLater ? turned(found) : found;
}

function turned(found) {
  return {
    ...found,
    axes: found.axes.toReversed(),
    rows: found.columns,
    columns: found.rows,
    cells: found.columns.map((_, column) => found.cells.map((row) => row[column])),
  };
}

/** The answer without the place that sums up what the first axis does not show. */
export function withoutRest(found) {
  const [first, ...others] = found.axes;
  const count = first.values.length;
  return {
    ...found,
    axes: [{ ...first, rest: 0 }, ...others],
    rows: found.rows.slice(0, count),
    cells: found.cells.slice(0, count),
  };
}
