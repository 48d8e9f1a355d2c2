import { h } from "./lib/dom.js";
import { openView, readAddress, writeAddress } from "./lib/frame.js";
import { LANGUAGES, language, loadTexts, setLanguage, t } from "./lib/texts.js";
import { followTheme } from "./lib/theme.js";

/** Module and texts of each view, by its path. */
const VIEWS = {
  vivo: { module: "./views/live.js", texts: ["live", "findings"] },
  salud: { module: "./views/health.js", texts: ["health"] },
  consultas: { module: "./views/queries.js", texts: ["queries"] },
};

const name = location.pathname.split("/").pop();
const view = VIEWS[name];
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

async function show() {
  unmount();
  state.changed = () => {};
  const main = document.getElementById("view");
  const [module] = await Promise.all([import(view.module), loadTexts("shell", ...view.texts)]);
  document.title = `${t(`shell.views.${name}`)} · Ventas`;
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
      ...Object.entries(LANGUAGES).map(([code, label]) =>
        h(
          "button",
          {
            type: "button",
            lang: code,
            title: label,
            "aria-label": label,
            "aria-pressed": String(code === language()),
            onclick() {
              setLanguage(code);
              show();
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
show();
