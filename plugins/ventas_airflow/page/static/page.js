import { h } from "./lib/dom.js";
import { openView, readAddress, writeAddress } from "./lib/frame.js";
import { language, languages, loadTexts, setLanguage, t } from "./lib/texts.js";
import { followTheme } from "./lib/theme.js";

/** Module of each view, by its path. */
const VIEWS = {
  vivo: "./views/live.js",
  explorar: "./views/explore.js",
  salud: "./views/health.js",
  consultas: "./views/queries.js",
  reportes: "./views/reports.js",
};

const name = location.pathname.split("/").pop();
let unmount = () => {};

/** The address's parameters, for the view; `update` changes some of them and updates the view. */
const state = {
  params: readAddress(),
  update(changes) {
    for (const [key, value] of Object.entries(changes)) {
      if (value) state.params.set(key, value);
      else state.params.delete(key);
    }
    writeAddress(state.params);
    state.changed();
  },
  changed() {},
};

function show() {
  unmount();
  state.changed = () => {};
  const main = document.getElementById("view");
  document.title = `${t(`shell.views.${name}`)} · Airflow`;
  document.getElementById("skip").textContent = t("shell.skip");
  const nav = document.getElementById("views");
  nav.setAttribute("aria-label", t("shell.nav"));
  nav.replaceChildren(
    ...Object.keys(VIEWS).map((path) =>
      h(
        "a",
        {
          href: path,
          "aria-current": path === name ? "page" : null,
          onclick(event) {
            event.preventDefault();
            openView(path);
          },
        },
        t(`shell.views.${path}`),
      ),
    ),
  );
  document.getElementById("switches").replaceChildren(
    h(
      "div.switch",
      { role: "group", "aria-label": t("shell.language") },
      ...Object.entries(languages()).map(([code, label]) =>
        h(
          "button",
          {
            type: "button",
            lang: code,
            title: label,
            "aria-label": label,
            "aria-pressed": String(code === language()),
            onclick() {
              setLanguage(code).then(show);
            },
          },
          code.toUpperCase(),
        ),
      ),
    ),
  );
  main.replaceChildren();
  unmount = module.mount(main, state);
}

followTheme();
const [module] = await Promise.all([import(VIEWS[name]), loadTexts()]);
show();
