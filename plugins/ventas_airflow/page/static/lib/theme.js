/** Dark or light theme as in Airflow, read from the frame's parent or from Airflow's storage. */
const watchers = new Set();

function parentRoot() {
  try {
    return window.parent === window ? null : window.parent.document.documentElement;
  } catch {
    return null;
  }
}

function isDark() {
  const root = parentRoot();
  const named = root?.dataset.theme ?? root?.className ?? localStorage.getItem("theme") ?? "";
  if (/\bdark\b/.test(named)) return true;
  if (/\blight\b/.test(named)) return false;
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function apply() {
  const name = isDark() ? "dark" : "light";
  if (document.documentElement.dataset.theme === name) return;
  document.documentElement.dataset.theme = name;
  for (const watcher of watchers) watcher(name);
}

export function followTheme() {
  apply();
  const root = parentRoot();
  if (root) {
    new MutationObserver(apply).observe(root, { attributeFilter: ["class", "data-theme"] });
  }
  addEventListener("storage", apply);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}

/** Call `watcher` when the theme changes; returns a function that ends this. */
export function onTheme(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** A colour of the page, by the name of its CSS variable. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
