/** Language that the viewer chose last; without it, the server chooses. */
const KEPT = "ventas.language";
const ADDRESS = new URL("../../api/texts", import.meta.url);

let current = { language: "", locale: "", languages: {}, page: {} };
let asked = 0;

export function language() {
  return current.language;
}

/** Locale for `Intl`, such as "es-AR". */
export function locale() {
  return current.locale;
}

/** Name of each language that the server has, by its code: `{es: "Español"}`. */
export function languages() {
  return current.languages;
}

/** Load the texts of a language; a language that the server does not have becomes its own. */
export async function loadTexts(code = localStorage.getItem(KEPT) ?? "") {
  asked += 1;
  const mine = asked;
  const url = new URL(ADDRESS);
  url.searchParams.set("language", code);
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`texts: ${answer.status}`);
  const found = await answer.json();
  // Another language may have been asked for while this answer was on its way.
  if (mine === asked) current = found;
  document.documentElement.lang = current.language;
}

export async function setLanguage(code) {
  await loadTexts(code);
  localStorage.setItem(KEPT, current.language);
}

/** Whether there is a text with this key. */
export function has(key) {
  return typeof find(key) === "string";
}

/** The text of "view.key", with its `{names}` filled in; `{n|sale|sales}` is "sale" for 1. */
export function t(key, values = {}) {
  const text = find(key);
  if (typeof text !== "string") return key;
  return text.replace(/\{(\w+)(?:\|([^{}|]*)\|([^{}|]*))?\}/g, (all, name, one, other) => {
    if (!(name in values)) return all;
    const value = String(values[name]);
    return one === undefined ? value : value === "1" ? one : other;
  });
}

/** The filter of a field, where its name differs. */
const FILTERS = { tipo_pago: "pago" };

/**
 * The name that people read of a value of a filter or field, such as "Crédito" for "credito", also
 * with more after it, such as an issuer; null stands for a missing value.
 */
export function label(field, value) {
  if (value === null || value === undefined) return t("live.unknown");
  const [, name, more] = /^(\S*)(.*)$/s.exec(value);
  const key = `live.values.${FILTERS[field] ?? field}.${name}`;
  return has(key) ? t(key) + more : value;
}

function find(key) {
  // A key may end with a record's value such as "constructor", which every object inherits.
  const own = (found, name) => (Object.hasOwn(Object(found), name) ? found[name] : undefined);
  return key.split(".").reduce(own, current.page);
}
