/** The range and the filters of the sales, which «Ventas» and «Explorar» share. */
import { h, keyed, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { momentField } from "../lib/moment_field.js";
import { label, t } from "../lib/texts.js";

/** Length of each range, in milliseconds. */
export const LENGTHS = { "15m": 900e3, "1h": 3600e3, "6h": 21600e3, "24h": 86400e3, "7d": 604800e3, "30d": 2592000e3 };
const CHOSEN = ["provincia", "sucursal", "categoria", "pago", "plataforma"];
export const FILTERS = [...CHOSEN, "producto", "emisor"];

/** The filters among the address's parameters: Airflow's own address may have others. */
export function filtersOf(params) {
  const kept = new URLSearchParams();
  for (const name of ["rango", "hasta", ...FILTERS]) {
    if (params.get(name)) kept.set(name, params.get(name));
  }
  return kept;
}

/**
 * The elements `ranges`, `selects` and `chips`, which `update(options)` makes show the address and
 * the values to choose from. They are updated in place, so that the focus stays where it is.
 * `fallback` is the range without a choice.
 */
export function filterBar(state, fallback = "1h") {
  const buttons = Object.keys(LENGTHS).map((range) =>
    h("button", { type: "button", value: range, onclick: () => state.update({ rango: range }) }, t(`live.ranges.${range}`)),
  );
  const fields = CHOSEN.map((name) =>
    h("select", { name, onchange: (event) => state.update({ [name]: event.target.value }) }),
  );
  const until = momentField({
    id: "until",
    label: t("live.untilField"),
    value: "",
    changed: (local) => state.update({ hasta: format.fromField(local) }),
  });
  const ranges = h("div.switch", { role: "group", "aria-label": t("live.range") }, ...buttons);
  const selects = h(
    "div.filters",
    {},
    ...fields.map((field) => h("label", {}, t(`live.filters.${field.name}`), field)),
    h("div.field", {}, h("label", { for: "until" }, t("live.untilField")), until.element),
  );
  const chips = h("div.chips");

  function update(options) {
    const chosen = (name) => state.params.get(name) ?? "";
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.value === (chosen("rango") || fallback)));
    }
    for (const field of fields) {
      const { name } = field;
      const values = [...new Set(["", ...(options[name] ?? []), chosen(name)])];
      keyed(field, values, (value) => value, () => h("option"), (option, value) => {
        option.value = value;
        setText(option, value ? label(name, value) : t("live.all"));
      });
      field.value = chosen(name);
    }
    const hasta = chosen("hasta");
    until.set(hasta ? format.fieldTime(Date.parse(hasta)) : "");
    const hadFocus = chips.contains(document.activeElement);
    const shown = [...FILTERS, "hasta"].filter(chosen);
    keyed(chips, shown, (name) => name, (name) => makeChip(name, state), (chip, name) => updateChip(chip, name, chosen(name)));
    // The chip with the focus is gone: the focus would go to the page's beginning.
    if (hadFocus && !chips.contains(document.activeElement)) (chips.lastElementChild ?? fields[0]).focus();
  }

  return { ranges, selects, chips, update };
}

function makeChip(name, state) {
  return h("button", { type: "button", onclick: () => state.update({ [name]: "" }) });
}

function updateChip(chip, name, value) {
  if (name === "hasta") {
    setText(chip, `${t("live.until", { until: format.moment(Date.parse(value)) })} ✕`);
    return;
  }
  const told = { name: t(`live.filters.${name}`), value: label(name, value) };
  chip.setAttribute("aria-label", t("live.remove", told));
  setText(chip, `${told.name}: ${told.value} ✕`);
}
