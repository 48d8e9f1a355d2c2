/** A field for a local moment, written day first whatever the browser's locale, with a calendar. */
import { h } from "./dom.js";
import { t } from "./texts.js";

const WRITTEN = /^(\d{1,2})\/(\d{1,2})\/(\d{4})[\s,]+(\d{1,2}):(\d{2})$/;

/**
 * `value` is a local time such as "2026-11-24T21:00", or "", and so are the arguments of `changed`
 * and `set`, and the result of `value()`. The other attributes are those of the text field.
 */
export function momentField({ label, value, changed = () => {}, ...attributes }) {
  const calendar = h("input", {
    type: "datetime-local",
    tabindex: -1,
    "aria-hidden": "true",
    value,
    onchange() {
      text.value = shown(calendar.value);
      typed();
    },
  });
  const text = h("input", {
    type: "text",
    placeholder: t("shell.moment.pattern"),
    value: shown(value),
    onchange: typed,
    ...attributes,
  });

  function typed() {
    const found = parsed(text.value.trim());
    text.setCustomValidity(found === null ? t("shell.moment.invalid") : "");
    if (!text.reportValidity()) return;
    calendar.value = found;
    text.value = shown(found);
    changed(found);
  }

  const open = h("button.calendar", {
    type: "button",
    "aria-label": t("shell.moment.pick", { label }),
    onclick: () => calendar.showPicker(),
  });
  function set(local) {
    if (local === calendar.value) return;
    calendar.value = local;
    text.value = shown(local);
    text.setCustomValidity("");
  }

  return { element: h("span.moment", {}, text, open, calendar), text, value: () => calendar.value, set };
}

/** "2026-11-24T21:00" as "24/11/2026 21:00". */
export function shown(local) {
  const [date, time] = local.split("T");
  return local ? `${date.split("-").reverse().join("/")} ${time.slice(0, 5)}` : "";
}

/** The reverse of `shown`; null if the text is no moment. */
export function parsed(text) {
  if (!text) return "";
  const [, day, month, year, hour, minute] = WRITTEN.exec(text) ?? [];
  if (!year) return null;
  const two = (part) => part.padStart(2, "0");
  const local = `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}`;
  // JavaScript reads 31/02 as the 3rd of March.
  const read = new Date(`${local}Z`);
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(local) ? local : null;
}
