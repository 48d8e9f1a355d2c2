/** The query library: a search for named queries, and a form for their parameters. */
import { get, post } from "../../lib/api.js";
import { h, setText } from "../../lib/dom.js";
import { has, locale, t } from "../../lib/texts.js";
import { field } from "./field.js";
import { resultOf } from "./result.js";

/** Prefix of a parameter's name in the address. */
const VALUE = "p.";

export function library(state) {
  const notice = h("p.notice", { role: "status" });
  const search = h("input", {
    type: "search",
    id: "query-search",
    placeholder: t("queries.search"),
    "aria-label": t("queries.search"),
    oninput: fill,
  });
  const list = h("ul.query-list");
  const none = h("p.empty", { hidden: true }, t("queries.noneFound"));
  const about = h("div");
  const result = resultOf();
  const element = h(
    "div.queries",
    {},
    h("section.card", { "aria-labelledby": "library-title" }, h("h2", { id: "library-title" }, t("queries.library")), search, list, none),
    h("div.query", {}, notice, about, result.element),
  );
  let queries = [];
  let options = {};
  let controller;
  let shownName;

  function chosen() {
    return queries.find((query) => query.name === state.params.get("consulta")) ?? queries[0];
  }

  function fill() {
    const wanted = plain(search.value);
    const found = queries.filter((query) =>
      plain(`${textOf(query, "title")} ${textOf(query, "description")} ${query.name}`).includes(wanted),
    );
    none.hidden = found.length > 0 || !queries.length;
    list.replaceChildren(
      ...found.map((query) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              title: textOf(query, "description"),
              "data-query": query.name,
              onclick: () => choose(query, {}),
            },
            textOf(query, "title"),
          ),
        ),
      ),
    );
    mark();
  }

  /** Mark the button of the shown query; the buttons are kept, since one may have the focus. */
  function mark() {
    const { name } = chosen() ?? {};
    for (const button of list.querySelectorAll("button")) {
      if (button.dataset.query === name) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  /** Show a query, with the values that are not the default in the address. */
  function choose(query, values) {
    const changes = { consulta: query.name };
    for (const key of [...state.params.keys()]) if (key.startsWith(VALUE)) changes[key] = null;
    for (const parameter of query.parameters) {
      const value = values[parameter.name];
      if (value !== undefined && value !== parameter.default) changes[VALUE + parameter.name] = value;
    }
    state.update(changes);
  }

  function valuesOf(query) {
    const values = {};
    for (const { name } of query.parameters) {
      const value = state.params.get(VALUE + name);
      if (value !== null) values[name] = value;
    }
    return values;
  }

  function form(query) {
    const values = valuesOf(query);
    const fields = query.parameters.map((parameter) =>
      field(
        parameter,
        textOf(query, `parameter.${parameter.name}`),
        values[parameter.name] ?? parameter.default,
        options[parameter.name],
      ),
    );
    about.replaceChildren(
      h(
        "section.card",
        { "aria-labelledby": "query-title" },
        h("h2", { id: "query-title" }, textOf(query, "title")),
        h("p.note", {}, textOf(query, "description")),
        h(
          "form.filters",
          {
            onsubmit(event) {
              event.preventDefault();
              choose(query, Object.fromEntries(fields.map((each) => [each.name, each.value()])));
            },
          },
          ...fields.map((each) => each.element),
          h("button.primary", { type: "submit" }, t("queries.run")),
        ),
      ),
    );
  }

  async function run(query) {
    controller?.abort();
    controller = new AbortController();
    const { signal } = controller;
    setText(notice, "");
    result.busy();
    try {
      const answer = await post(`api/queries/${query.name}`, { values: valuesOf(query) }, signal);
      for (const column of answer.columns) column.title = textOf(query, `column.${column.name}`);
      result.show(answer, query.name, query.chart, textOf(query, "title"));
    } catch (error) {
      if (signal.aborted) return;
      result.clear();
      setText(notice, error.message);
    }
  }

  function changed() {
    if (!queries.length) return;
    const query = chosen();
    mark();
    if (shownName !== query.name) {
      form(query);
      result.clear();
    }
    shownName = query.name;
    run(query);
  }

  get("api/queries")
    .then((found) => {
      queries = found.sort((a, b) => textOf(a, "title").localeCompare(textOf(b, "title"), locale()));
      fill();
      changed();
    })
    .catch((error) => setText(notice, error.message));
  get("api/options")
    .then((found) => {
      options = found;
      if (queries.length) form(chosen());
    })
    // Without the options, people type the values.
    .catch(() => {});

  return { element, changed, unmount: () => controller?.abort() };
}

/** A text of a query, such as "title" or "column.ventas": its own, that of all queries, or the name. */
function textOf(query, part) {
  const key = [`library.query.${query.name}.${part}`, `library.${part}`].find(has);
  return key ? t(key) : part.split(".").at(-1);
}

/** A text without accents and capitals, for the search. */
function plain(text) {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();
}
