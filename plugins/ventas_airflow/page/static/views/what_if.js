/** «¿Qué habría pasado?»: a window with and without incidents of business. */
import { patiently, post } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { label, t } from "../lib/texts.js";
import { lastWindows } from "./health/airflow.js";

const COUNTS = ["sales", "approved", "units"];
const MONEY = ["revenue_centavos", "discount_centavos", "returned_centavos"];
/** Figures of a store, product or payment method that are shown as differences only. */
const DIFFERENCES = ["sales", "units", "discount_centavos", "returned_centavos"];

/**
 * A card for a view. The address names the window, `corrida`, the incident left out, `sin`, and the
 * incident that the window did not have, `probar`, as a line of the form.
 */
export function whatIf(state) {
  const notice = h("p.notice", { role: "status" }, t("shell.loading"));
  const windows = select("corrida", "whatIf.window", state);
  const incidents = select("sin", "whatIf.without", state);
  const tried = h("input", {
    name: "probar",
    maxlength: 400,
    placeholder: "promocion; qr; 25; 0; 180",
    value: state.params.get("probar"),
    onchange: () => state.update({ probar: tried.value.trim() }),
  });
  const choices = h(
    "div.choices",
    { hidden: true },
    windows.label,
    incidents.label,
    h("label", {}, t("whatIf.also"), tried),
    h("p.note", {}, t("whatIf.line")),
  );
  const result = h("div");
  const card = h(
    "section.card.what-if",
    {},
    h("h2", {}, t("whatIf.title")),
    h("p.note", {}, t("whatIf.note")),
    choices,
    notice,
    result,
  );
  let listed = [];
  let controller = new AbortController();

  async function look() {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    const planted = listed.find(({ run }) => run.conf.incidents?.length);
    const wanted = state.params.get("corrida") ?? (planted ?? listed[0]).run.dag_run_id;
    windows.field.value = wanted;
    const asked = listed.find(({ run }) => run.dag_run_id === wanted);
    if (!asked) {
      result.replaceChildren();
      setText(notice, t("whatIf.unlisted"));
      return;
    }
    const without = state.params.get("sin") ?? "";
    const also = state.params.get("probar") ?? "";
    incidents.field.disabled = Boolean(also);
    setText(notice, t("whatIf.looking"));
    try {
      const body = { ...asked, without: without ? Number(without) : null, also };
      const found = await patiently(() => post("api/what-if", body, signal), signal);
      incidents.fill([
        { value: "", text: t("whatIf.all") },
        ...found.incidents.map((incident, n) => ({ value: String(n), text: named(incident) })),
      ]);
      incidents.field.value = without;
      result.replaceChildren(...shown(found));
      setText(notice, "");
    } catch (error) {
      if (signal.aborted) return;
      result.replaceChildren();
      setText(notice, error.message);
    }
  }

  async function list() {
    try {
      listed = await lastWindows();
    } catch (error) {
      setText(notice, error.message);
      return;
    }
    choices.hidden = !listed.length;
    setText(notice, listed.length ? "" : t("whatIf.none"));
    windows.fill(listed.map(({ run }) => ({ value: run.dag_run_id, text: opened(run) })));
    if (!listed.length || controller.signal.aborted) return;
    state.changed = look;
    await look();
  }

  list();
  return { card, stop: () => controller.abort() };
}

/** A labelled choice that writes its value to the address. */
function select(name, key, state) {
  const field = h("select", {
    name,
    onchange() {
      // Another window has other incidents.
      state.update({ ...(name === "corrida" ? { sin: "" } : {}), [name]: field.value });
    },
  });
  const fill = (options) =>
    field.replaceChildren(...options.map(({ value, text }) => h("option", { value }, text)));
  return { field, fill, label: h("label", {}, t(key), field) };
}

function opened(run) {
  const lines = run.conf.incidents?.map((line) => line.replace(/^[^;]*/, (kind) => kindOf(kind.trim())));
  return `${format.moment(Date.parse(run.run_after))} · ${lines?.join(" · ") ?? run.dag_run_id}`;
}

function kindOf(kind) {
  return label("incidente", kind).replaceAll("_", " ");
}

function named({ tipo, sujeto, tamano }) {
  return [kindOf(tipo), sujeto && label("pago", sujeto), `${format.count(tamano)} %`].filter(Boolean).join(" · ");
}

function shown({ changing, first_ts, last_ts, equal, comparison }) {
  const { total, fields } = comparison;
  return [
    h("p.told", {}, sentence(changing, total)),
    h(
      "p.note",
      {},
      t("whatIf.period", { from: format.moment(Date.parse(first_ts)), to: format.moment(Date.parse(last_ts)) }),
      " ",
      t(equal ? "whatIf.equal" : "whatIf.differs"),
    ),
    figures(total),
    ...Object.entries(fields).map(([field, pairs]) => byValue(field, pairs)),
  ];
}

function sentence(changing, total) {
  const one = changing[0].tipo === "promocion" ? "promotion" : "one";
  const kind = changing.length > 1 ? "several" : one;
  return t(`whatIf.told.${kind}`, {
    without: format.exactMoney(total.without.revenue_centavos),
    planted: format.exactMoney(total.planted.revenue_centavos),
    change: difference(total, "revenue_centavos"),
    cost: format.exactMoney(total.planted.discount_centavos - total.without.discount_centavos),
  });
}

function written(figure) {
  return figure.endsWith("_centavos") ? format.exactMoney : format.count;
}

function difference({ planted, without }, figure) {
  return format.signed(planted[figure] - without[figure], written(figure));
}

function figures(total) {
  const head = ["", t("whatIf.side.without"), t("whatIf.side.planted"), t("whatIf.difference")];
  const rows = [...COUNTS, ...MONEY].map((figure) => [
    t(`whatIf.figures.${figure}`),
    written(figure)(total.without[figure]),
    written(figure)(total.planted[figure]),
    difference(total, figure),
  ]);
  return table(t("whatIf.total"), head, rows);
}

function byValue(field, pairs) {
  const title = t(`whatIf.fields.${field}`);
  if (!pairs.length) return h("p.note", {}, `${title}: ${t("whatIf.unchanged")}`);
  const revenue = t("whatIf.figures.revenue_centavos");
  const head = [
    "",
    `${revenue}, ${t("whatIf.side.without").toLowerCase()}`,
    `${revenue}, ${t("whatIf.side.planted").toLowerCase()}`,
    t("whatIf.difference"),
    ...DIFFERENCES.map((figure) => `${t(`whatIf.figures.${figure}`)}, ${t("whatIf.difference").toLowerCase()}`),
  ];
  const rows = pairs.map((pair) => [
    label(field, pair.value),
    format.exactMoney(pair.without.revenue_centavos),
    format.exactMoney(pair.planted.revenue_centavos),
    ...["revenue_centavos", ...DIFFERENCES].map((figure) => difference(pair, figure)),
  ]);
  return table(title, head, rows);
}

function table(title, head, rows) {
  return h(
    "div",
    {},
    h("h3", {}, title),
    h(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": title },
      h(
        "table.data",
        {},
        h("thead", {}, h("tr", {}, head.map((name, n) => h(n ? "th.number" : "td", { scope: n ? "col" : null }, name)))),
        h(
          "tbody",
          {},
          rows.map(([name, ...cells]) =>
            h("tr", {}, h("th", { scope: "row" }, name), cells.map((cell) => h("td.number", {}, cell))),
          ),
        ),
      ),
    ),
  );
}
