/** Numbers and moments as the viewer's locale writes them; moments are in the stores' time zone. */
import { locale, t } from "./texts.js";

const ZONE = "America/Argentina/Buenos_Aires";
/** Between a number and its sign, so that both stay on one line. */
const SPACE = "\u00a0";

const made = new Map();
function numbers(options) {
  const key = `${locale()} ${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Intl.NumberFormat(locale(), options));
  return made.get(key);
}
function moments(options) {
  const key = `${locale()} at ${JSON.stringify(options)}`;
  if (!made.has(key)) {
    made.set(key, new Intl.DateTimeFormat(locale(), { timeZone: ZONE, hour12: false, ...options }));
  }
  return made.get(key);
}

/** The last moment of a JavaScript Date, in milliseconds; a record may have a later one. */
const LAST = 8.64e15;

/** Format a moment; "–" if it is not valid. */
function written(options, milliseconds) {
  return Math.abs(milliseconds) <= LAST ? moments(options).format(milliseconds) : "–";
}

export function count(value) {
  return numbers({ maximumFractionDigits: 0 }).format(value);
}

export function decimal(value, digits = 1) {
  return numbers({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** The decimal and the group separator in one text, as Plotly wants them. */
export function separators() {
  const parts = numbers({ minimumFractionDigits: 1 }).formatToParts(12345.6);
  return ["decimal", "group"].map((type) => parts.find((part) => part.type === type).value).join("");
}

/** 0.123 as "12,3 %". */
export function percent(share, digits = 1) {
  return `${decimal(share * 100, digits)}${SPACE}%`;
}

/** Centavos as whole pesos; a large amount is shortened to thousands or millions. */
export function money(centavos, { short = false } = {}) {
  const pesos = centavos / 100;
  if (short && Math.abs(pesos) >= 1e9) return `$${SPACE}${decimal(pesos / 1e6, 0)}${SPACE}M`;
  if (short && Math.abs(pesos) >= 1e6) return `$${SPACE}${decimal(pesos / 1e6, 1)}${SPACE}M`;
  if (short && Math.abs(pesos) >= 1e4) return `$${SPACE}${decimal(pesos / 1e3, 0)}${SPACE}${t("shell.thousands")}`;
  return `$${SPACE}${count(pesos)}`;
}

/** Labels for the ticks of an axis of pesos, all in the unit of the largest tick. */
export function axisMoney(ticks) {
  const units = [[1e6, 1e6, "M"], [1e4, 1e3, t("shell.thousands")], [-Infinity, 1, ""]];
  const largest = Math.max(...ticks.map(Math.abs));
  const [, divisor, sign] = units.find(([least]) => largest >= least);
  const digits = ticks.every((tick) => tick % divisor === 0) ? 0 : 1;
  return ticks.map((tick) => (tick ? `$ ${decimal(tick / divisor, digits)} ${sign}`.trimEnd() : "$ 0"));
}

/** Centavos as pesos, to the centavo. */
export function exactMoney(centavos) {
  return `$${SPACE}${decimal(centavos / 100, 2)}`;
}

/** A difference with its sign; `write` formats its amount. */
export function signed(difference, write) {
  const sign = difference > 0 ? "+" : difference < 0 ? "−" : "";
  return `${sign}${write(Math.abs(difference))}`;
}

export function time(milliseconds) {
  return written({ hour: "2-digit", minute: "2-digit", second: "2-digit" }, milliseconds);
}

export function hour(milliseconds) {
  return written({ hour: "2-digit", minute: "2-digit" }, milliseconds);
}

export function day(milliseconds) {
  return written({ day: "2-digit", month: "2-digit" }, milliseconds);
}

/** A day of the week, such as "lun"; 0 is Monday. */
export function weekday(number) {
  // Monday, 5 January 1970, at noon of the stores.
  return written({ weekday: "short" }, (4 + number) * 86400e3 + 54000e3);
}

/** A day with its weekday, such as "martes, 24 de noviembre de 2026". */
export function date(milliseconds) {
  return written({ dateStyle: "full" }, milliseconds);
}

export function moment(milliseconds) {
  return `${day(milliseconds)} ${hour(milliseconds)}`;
}

/** Seconds as "45 s", "3 min", "2 h 5 min", "3 d". */
export function duration(seconds) {
  if (seconds < 60) return `${count(seconds)} s`;
  if (seconds < 3600) return `${count(seconds / 60)} min`;
  if (seconds < 172800) {
    const minutes = Math.floor((seconds % 3600) / 60);
    return `${count(Math.floor(seconds / 3600))} h${minutes ? ` ${minutes} min` : ""}`;
  }
  return `${count(seconds / 86400)} d`;
}

/** Not for people to read, so the same in every language. */
const AXIS = new Intl.DateTimeFormat("en-GB", {
  timeZone: ZONE,
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** Local time without its zone, as Plotly's axes require it; null if the moment is not valid. */
export function axisTime(milliseconds) {
  if (!(Math.abs(milliseconds) <= LAST)) return null;
  const parts = Object.fromEntries(
    AXIS.formatToParts(milliseconds).map((part) => [part.type, part.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}`;
}

/** Local time to the minute, as a field of type datetime-local requires it. */
export function fieldTime(milliseconds) {
  return (axisTime(milliseconds) ?? "").slice(0, 16).replace(" ", "T");
}

/** The moment of such a field in ISO 8601, or "" if it is empty; the zone has no summer time. */
export function fromField(text) {
  return text ? new Date(`${text}-03:00`).toISOString() : "";
}
