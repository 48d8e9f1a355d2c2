/** «¿Por qué cambió?»: a panel that explains the change of a key figure. */
import { get } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { openView } from "../lib/frame.js";
import { t } from "../lib/texts.js";
import { filled, subject } from "./findings.js";

/** A number and its sign stay on one line. */
const unbroken = (text) => text.replaceAll(" ", "\u00a0");
const pesos = (value) => unbroken(format.money(value, { short: true }));
const points = (value) => unbroken(`${format.decimal(value * 100)} ${t("live.points")}`);
const percent = (share) => unbroken(format.percent(share, share < 0.1 ? 1 : 0));

/** Figures: how the figure and a difference of it are written. */
const FIGURES = {
  sales: [format.count, format.count],
  income: [pesos, pesos],
  ticket: [(value) => unbroken(format.money(value, { short: value >= 1e7 })), pesos],
  approval: [(value) => unbroken(format.percent(value)), points],
  refunds: [format.count, format.count],
  chargebacks: [format.count, format.count],
};

/** Button of a key figure that asks why it changed. */
export function whyButton(figure, state) {
  return h(
    "button.why",
    {
      type: "button",
      "data-why": figure,
      "aria-label": `${t("why.title")} ${t(`why.figures.${figure}`)}`,
      onclick: () => state.update({ porque: figure }),
    },
    t("why.title"),
  );
}

/**
 * The panel, as a dialog. The address names the figure, `porque`, and the earlier range, `contra`;
 * `filtersOf` returns the page's filters of the address.
 */
export function whyPanel(root, state, filtersOf) {
  let controller = new AbortController();
  let asked = "";
  let figure = "";
  let answer = null;
  const summary = h("p.told", { role: "status" });
  const body = h("div");
  const figures = select("porque", "why.figure");
  const earlier = select("contra", "why.against");
  const dialog = h(
    "dialog.why-panel",
    { "aria-labelledby": "why-title", onclose: () => figure && state.update({ porque: "", contra: "", segun: "" }) },
    h(
      "div.head",
      {},
      h("h2", { id: "why-title" }, t("why.title")),
      h("button.close", { type: "button", "aria-label": t("why.close"), onclick: () => dialog.close() }, "✕"),
    ),
    h("div.filters", {}, figures.label, earlier.label),
    summary,
    body,
  );
  root.append(dialog);

  function select(name, key) {
    const field = h("select", { name, onchange: () => state.update({ [name]: field.value, segun: "" }) });
    const fill = (options, chosen) =>
      field.replaceChildren(
        ...options.map(({ value, text }) => h("option", { value, selected: value === chosen }, text)),
      );
    return { fill, label: h("label", {}, t(key), field) };
  }

  function close() {
    // The button may have been made after the panel was opened by its address.
    const opener = root.querySelector(`[data-why="${figure}"]`);
    figure = "";
    asked = "";
    controller.abort();
    if (dialog.open) dialog.close();
    opener?.focus();
  }

  async function changed() {
    const wanted = state.params.get("porque");
    if (!Object.hasOwn(FIGURES, wanted ?? "")) {
      if (figure) close();
      return;
    }
    figure = wanted;
    if (!dialog.open) dialog.showModal();
    figures.fill(Object.keys(FIGURES).map((value) => ({ value, text: t(`why.figures.${value}`) })), figure);
    const query = filtersOf(state.params);
    const contra = state.params.get("contra") || "before";
    query.set("contra", contra);
    if (query.toString() !== asked) await look(query, contra);
    else if (answer) show(answer);
  }

  async function look(query, contra) {
    asked = query.toString();
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    answer = null;
    body.replaceChildren();
    setText(summary, t("why.looking"));
    try {
      answer = await get("api/why", query, signal);
      const range = state.params.get("rango") ?? "1h";
      const named = { before: t(`live.against.${range}`), yesterday: t("live.against.yesterday"), week: t("why.week") };
      earlier.fill(answer.comparisons.map((value) => ({ value, text: named[value] })), contra);
      show(answer);
    } catch (error) {
      if (signal.aborted) return;
      asked = "";
      setText(summary, error.message);
    }
  }

  function show(found) {
    const explained = found.figures[figure];
    setText(summary, sentence(figure, explained));
    const chosen = state.params.get("segun");
    const split = explained.splits.find(({ dimension }) => dimension.join(" ") === chosen) ?? explained.splits[0];
    body.replaceChildren(
      h("p.note", {}, t("why.ranges", { now: span(found.now), before: span(found.before) })),
      ...(split ? [...effects(explained, split, found, state), ...causes(explained, found)] : []),
    );
  }

  function effects({ splits }, { dimension, effects }, { queries }) {
    const amounts = Object.entries(effects);
    if (amounts.length < 2) return [];
    const largest = Math.max(...amounts.map(([, amount]) => Math.abs(amount))) || 1;
    const by = h(
      "select",
      { name: "segun", onchange: () => state.update({ segun: by.value }) },
      splits.map((each) =>
        h(
          "option",
          { value: each.dimension.join(" "), selected: each.dimension === dimension },
          each.dimension.map((name) => t(`live.filters.${name}`)).join(" + "),
        ),
      ),
    );
    return [
      h("div.part", {}, h("h3", {}, t("why.effects.title")), h("label", {}, t("why.by"), by)),
      h("ul.bars.effects", {}, amounts.map(([name, amount]) => bar(t(`why.effects.${name}`), amount, largest))),
      h("p.note", {}, t("why.sum"), " ", link(queries[dimension.map((name) => `${name}=`).join("&")])),
    ];
  }

  function bar(name, amount, largest) {
    const fill = h(amount < 0 ? "span.fill.low" : "span.fill");
    fill.style.setProperty("--share", ((Math.abs(amount) / largest) * 100).toFixed(1));
    return h(
      "li.row",
      {},
      h("span.name", {}, name),
      h("span.figure", {}, format.signed(amount, FIGURES[figure][1])),
      h("span.track", {}, fill),
    );
  }

  function causes({ causes, counted }, { queries }) {
    if (!causes.length) return [h("p", {}, t("why.none"))];
    return [
      h("div.part", {}, h("h3", {}, t("why.causes.title"))),
      h("p.note", {}, t("why.causes.note")),
      h(
        "ol.causes",
        {},
        causes.map((cause) =>
          h(
            "li",
            {},
            h(
              "div.head",
              {},
              h("b", {}, capital(phrase(figure, cause))),
              h("span.figure", {}, format.signed(cause.contribution, FIGURES[figure][1])),
            ),
            h("p", {}, numbers(figure, cause, counted)),
            h(
              "p.links",
              {},
              h("button", { type: "button", onclick: () => state.update({ ...cause.subject, porque: "", contra: "", segun: "" }) }, t("why.only")),
              link(queries[Object.entries(cause.subject).map(([name, value]) => `${name}=${value}`).join("&")]),
            ),
          ),
        ),
      ),
    ];
  }

  changed();
  return { changed, stop: () => controller.abort() };
}

/** Link that opens a query in the SQL box. */
function link(query) {
  const parameters = new URLSearchParams({ parte: "sql", sql: filled(query) });
  const open = (event) => {
    event.preventDefault();
    openView("consultas", parameters);
  };
  return h("a", { href: `consultas?${parameters}`, onclick: open }, t("why.query"));
}

/** A figure's change and its reason in one sentence. */
function sentence(figure, { now, before, reason, splits, causes }) {
  if (now === null || before === null || !splits.length) return t("why.noComparison");
  const [written, different] = FIGURES[figure];
  const change = now - before;
  const told = t(`why.told.${figure}.${change > 0 ? "up" : change < 0 ? "down" : "same"}`, {
    change: different(Math.abs(change)),
    percent: before && figure !== "approval" ? ` (${format.signed(change / before, percent)})` : "",
    now: written(now),
    before: written(before),
  });
  const [first] = causes.map((cause) => ({
    cause: phrase(figure, cause),
    amount: format.signed(cause.contribution, different),
  }));
  if (reason === "cause") return `${told}: ${t("why.mostly", first)}.`;
  const amounts = splits[0].effects;
  const mostly = reason && Object.keys(amounts).length > 1 && {
    cause: t(`why.because.${reason}.${amounts[reason] > 0 ? "up" : "down"}`),
    amount: format.signed(amounts[reason], different),
  };
  const why = mostly ? `: ${t("why.mostly", mostly)}` : first ? "" : `: ${t("why.alike")}`;
  return `${told}${why}.${first ? ` ${t("why.unlike", first)}` : ""}`;
}

/** The text key of a cause's effect: returns are refunds or chargebacks. */
function kind(figure, { effect }) {
  return effect === "returns" ? figure : effect;
}

function phrase(figure, cause) {
  const way = cause.grown === null || cause.grown > 1 ? "up" : "down";
  return t(`why.causes.${kind(figure, cause)}.${way}`, { what: subject(cause) });
}

/** The numbers of a cause in plain words. */
function numbers(figure, cause, counted) {
  const values = { counted: t(`why.counted.${counted}`) };
  for (const [side, sums] of [["now", cause.now], ["before", cause.before]]) {
    const rate = (of, all, write) => (sums[all] ? write(sums[of] / sums[all]) : "–");
    values[side] = {
      mix: () => format.count(sums[counted]),
      approval: () => rate("approved", "decided", format.percent),
      units: () => rate("units", "approved", (value) => format.decimal(value, 2)),
      price: () => rate("listed", "units", (value) => format.money(value)),
      discount: () => rate("discounted", "approved", format.percent),
      refunds: () => format.count(sums.refunded),
      chargebacks: () => format.count(sums.charged_back),
    }[kind(figure, cause)]();
    values[`${side}_n`] = format.count(sums[kind(figure, cause) === "approval" ? "decided" : "approved"]);
  }
  const text = t(`why.numbers.${kind(figure, cause)}`, values);
  if (cause.grown === null) return text;
  return `${text} ${t("why.grown", { grown: format.signed(cause.grown - 1, percent) })}`;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function span([start, end]) {
  return `${format.moment(start)} – ${format.moment(end)}`;
}
