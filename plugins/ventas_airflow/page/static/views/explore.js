/** «Explorar»: a measure of the sales, split by one or two dimensions; every state is a link. */
import { get } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { poll } from "../lib/poll.js";
import { label, t } from "../lib/texts.js";
import { dimensionName, figuresOf } from "./explore/answer.js";
import { drawSplit } from "./explore/chart.js";
import { saveCsv, savePng } from "./explore/files.js";
import { tableOf } from "./explore/table.js";
import { filterBar, filtersOf, FILTERS } from "./filters.js";

const DEFAULTS = { medida: "facturacion", por: "categoria", y: "", contra: "", rango: "24h" };
const FORMS = ["barras", "lineas", "tabla", "calor"];
/** Milliseconds until the figures are asked for again, and until a first try is repeated. */
const PAUSE = 60000;
const AGAIN = 5000;
/** Up to this width the filters are folded, so that the figures are not far below. */
const NARROW = 700;

/** What the address asks the server for, with the view's defaults. */
function askedOf(params) {
  const asked = filtersOf(params);
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const chosen = params.get(name) ?? value;
    if (chosen) asked.set(name, chosen);
  }
  return asked;
}

export function mount(root, state) {
  const filters = filterBar(state, DEFAULTS.rango);
  const parts = layout(root, filters, state);
  let choices = { measures: [], dimensions: {}, against: [] };
  let options = {};
  let found = null;
  let told = null;
  setText(parts.notice, t("shell.loading"));

  const polling = poll(
    async (signal) => {
      const asked = askedOf(state.params);
      parts.result.setAttribute("aria-busy", "true");
      found = await get("api/explore", asked, signal);
      told = asked;
      setText(parts.notice, "");
      show();
    },
    () => (found ? PAUSE : AGAIN),
    (error) => {
      setText(parts.notice, error.message);
      parts.result.removeAttribute("aria-busy");
    },
  );

  function show() {
    parts.result.hidden = false;
    parts.result.removeAttribute("aria-busy");
    render(parts, found, told, state);
  }

  function fill() {
    fillChoices(parts, choices, state);
    filters.update(options);
  }

  let shown = askedOf(state.params).toString();
  state.changed = () => {
    fill();
    const asked = askedOf(state.params).toString();
    if (asked !== shown) polling.now();
    else if (found) show();
    shown = asked;
  };
  parts.save.csv.addEventListener("click", () => saveCsv(fileName(told), found, told.get("medida")));
  parts.save.png.addEventListener("click", () => {
    const { chart, title, note, total } = parts;
    savePng(fileName(told), chart, title.textContent, `${note.textContent} · ${total.textContent}`).catch((error) => setText(parts.notice, error.message));
  });
  fill();
  Promise.all([get("api/explore/choices"), get("api/options")])
    .then(([allChoices, allOptions]) => {
      [choices, options] = [allChoices, allOptions];
      fill();
    })
    .catch((error) => setText(parts.notice, error.message));
  return () => polling.stop();
}

function layout(root, { ranges, selects, chips }, state) {
  const choice = (name, key) => {
    const field = h("select", {
      name,
      // The second split may not go with another first one.
      onchange: () => state.update({ ...(name === "por" ? { y: "" } : {}), [name]: field.value }),
    });
    return { field, label: h("label", {}, t(key), field) };
  };
  const parts = {
    choices: {
      medida: choice("medida", "explore.measure"),
      por: choice("por", "explore.by"),
      y: choice("y", "explore.and"),
      contra: choice("contra", "explore.against"),
    },
    forms: FORMS.map((name) =>
      h("button", { type: "button", value: name, onclick: () => state.update({ forma: name }) }, t(`explore.forms.${name}`)),
    ),
    notice: h("p.notice", { role: "status" }),
    title: h("h2", { id: "explore-title" }),
    note: h("p.note"),
    total: h("p.total", { role: "status" }),
    rest: h("p.note"),
    chart: h("div.chart", { role: "img" }),
    table: h("div"),
    save: {
      csv: h("button", { type: "button" }, t("queries.csv")),
      png: h("button", { type: "button" }, t("explore.png")),
    },
  };
  parts.result = h(
    "section.card.explored",
    { hidden: true, "aria-labelledby": "explore-title" },
    parts.title,
    parts.note,
    parts.total,
    parts.chart,
    parts.table,
    parts.rest,
    h("div.filters.save", {}, parts.save.csv, parts.save.png),
  );
  root.append(
    h("h1.hidden", {}, t("shell.views.explorar")),
    h("div.filters.choices", {}, ...Object.values(parts.choices).map((one) => one.label), h("div.switch", { role: "group", "aria-label": t("explore.form") }, ...parts.forms)),
    h("div.filters", {}, ranges, h("details.more", { open: innerWidth > NARROW }, h("summary", {}, t("explore.filters")), selects)),
    chips,
    parts.notice,
    parts.result,
  );
  return parts;
}

function fillChoices(parts, { measures, dimensions, against }, state) {
  const chosen = (name) => state.params.get(name) ?? DEFAULTS[name];
  const isMoment = (name) => dimensions[name] === "moment";
  const named = Object.keys(dimensions).map((name) => [name, dimensionName(name)]);
  const first = chosen("por");
  const fits = ([name]) => name !== first && !(isMoment(name) && isMoment(first));
  const options = {
    medida: measures.map((name) => [name, t(`explore.measures.${name}`)]),
    por: named,
    y: [["", t("explore.nothing")], ...named.filter(fits)],
    contra: ["", ...against].map((name) => [name, t(`explore.compared.${name || "none"}`)]),
  };
  for (const [name, { field }] of Object.entries(parts.choices)) {
    field.replaceChildren(...options[name].map(([value, text]) => h("option", { value }, text)));
    field.value = chosen(name);
  }
  const form = formOf(state.params, [dimensions[first], dimensions[chosen("y")]].filter(Boolean));
  for (const button of parts.forms) button.setAttribute("aria-pressed", String(button.value === form));
}

/** The chosen form; without a choice, the one that suits axes of these kinds. */
function formOf(params, kinds) {
  const chosen = params.get("forma");
  if (FORMS.includes(chosen)) return chosen;
  if (kinds.includes("moment")) return "lineas";
  return kinds.length > 1 ? "calor" : "barras";
}

function fileName(asked) {
  return ["explorar", ...["medida", "por", "y"].map((name) => asked.get(name)).filter(Boolean)].join("-");
}

/** Show an answer and what it is the answer to. */
function render(parts, found, asked, state) {
  const measure = t(`explore.measures.${asked.get("medida")}`);
  const [by, and] = found.axes.map((axis) => dimensionName(axis.name).toLowerCase());
  const title = t(and ? "explore.titleOfTwo" : "explore.title", { measure, by, and });
  const figures = figuresOf(found);
  setText(parts.title, title);
  setText(parts.note, noteOf(found, asked));
  const total = figures.written(found.total);
  const change = figures.change(found.total);
  parts.total.replaceChildren(
    h("b", {}, total),
    found.before
      ? h("span", {}, change === null ? ` ${t("explore.noChange")}` : ` ${t("explore.told", { before: figures.before(found.total), change: figures.changed(found.total) })}`)
      : "",
  );
  const isEmpty = !found.total[0] && !found.total[2];
  const form = isEmpty ? null : formOf(state.params, found.axes.map((axis) => axis.kind));
  parts.table.replaceChildren();
  parts.table.hidden = form !== "tabla";
  parts.chart.hidden = isEmpty || form === "tabla";
  parts.save.png.disabled = parts.chart.hidden;
  parts.save.csv.disabled = isEmpty;
  const remarks = [
    isEmpty ? t("live.nothing") : "",
    t(`explore.means.${asked.get("medida")}`),
    form === "calor" && found.before ? t("explore.colours") : "",
    ...remarksOf(found, figures),
  ];
  setText(parts.rest, remarks.filter(Boolean).join(" "));
  const chosen = (places) => {
    const changes = Object.fromEntries(
      found.axes.map((axis, n) => [axis.name, axis.values[places[n]]]).filter(([name, value]) => FILTERS.includes(name) && value),
    );
    return Object.keys(changes).length ? () => state.update(changes) : null;
  };
  if (form === "tabla") {
    parts.table.replaceChildren(tableOf(found, title, measure, (place) => chosen([place])));
  } else if (form) {
    parts.chart.setAttribute("aria-label", t("explore.chartOf", { title, total }));
    drawSplit(parts.chart, found, form, measure, (places) => chosen(places)?.()).catch((error) => setText(parts.notice, error.message));
  }
}

/** The range, what it is compared with, and the filters. */
function noteOf({ start, end, before }, asked) {
  const between = ([from, to]) => t("explore.period", { from: format.moment(from), to: format.moment(to) });
  const filters = FILTERS.filter((name) => asked.get(name)).map(
    (name) => `${t(`live.filters.${name}`)}: ${label(name, asked.get(name))}`,
  );
  const compared = before ? [t("explore.versus", { period: between(before) })] : [];
  return [between([start, end]), ...compared, ...filters].join(" · ");
}

/** What a viewer must know about the axes: values that are summed up, and unfinished points. */
function remarksOf({ axes, rows, columns, start, end }, figures) {
  const sums = [rows, columns];
  const rests = axes.flatMap((axis, n) =>
    axis.rest
      ? t("explore.remark", {
          by: dimensionName(axis.name),
          shown: format.count(axis.values.length),
          rest: format.count(axis.rest),
          sum: figures.written(sums[n].at(-1)),
        })
      : [],
  );
  const isPartial = axes.some(({ kind, values: [first, second] }) => kind === "moment" && (first < start || (end - first) % (second - first)));
  return isPartial ? [...rests, t("explore.partial")] : rests;
}
