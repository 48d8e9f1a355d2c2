const KEPT = "ventas.language";
const BASE = new URL("../texts/", import.meta.url);
const texts = {};

export const LANGUAGES = { es: "Español", en: "English" };
let current = localStorage.getItem(KEPT) in LANGUAGES ? localStorage.getItem(KEPT) : "es";

export function language() {
  return current;
}

export function setLanguage(name) {
  current = name;
  localStorage.setItem(KEPT, name);
  document.documentElement.lang = name;
}

/** Load the texts of some views: `t` knows only loaded texts. */
export async function loadTexts(...views) {
  document.documentElement.lang = current;
  await Promise.all(
    views.map(async (view) => {
      if (texts[view]) return;
      const answer = await fetch(new URL(`${view}.json`, BASE), { credentials: "same-origin" });
      if (!answer.ok) throw new Error(`${view}.json: ${answer.status}`);
      texts[view] = await answer.json();
    }),
  );
}

/** Whether there is a text with this key. */
export function has(key) {
  return typeof find(key) === "string";
}

/** The text of "view.key", with its `{names}` filled in. */
export function t(key, values = {}) {
  const text = find(key);
  if (typeof text !== "string") return key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

function find(key) {
  const [view, ...path] = key.split(".");
  // A key may end with a record's value such as "constructor", which every object inherits.
  const own = (found, name) => (Object.hasOwn(Object(found), name) ? found[name] : undefined);
  return path.reduce(own, texts[view]?.[current]);
}
