/**
 * The live page while Druid is off: the last report's figures, the next opening, and a form that
 * opens a window. The steps of a window that opens are shown until its first sale.
 */
import { get } from "../../lib/api.js";
import { h, keyed, setText } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { openView } from "../../lib/frame.js";
import { poll } from "../../lib/poll.js";
import { language, t } from "../../lib/texts.js";
import { runPath, windowState } from "../health/airflow.js";
import { link } from "../health/bodies.js";
import { reasonOf } from "../health/card.js";
import { flowReader, settled } from "../health/flow.js";
import { teller, windowForm } from "../health/window_form.js";
import { linkTo } from "../reports.js";

const WINDOW = "sales_window";
/** Milliseconds between looks while a window opens, and while none does. */
const SOON = 2000;
const SELDOM = 15000;
/** Stages of a window, before its first sale, that end with sales. */
const OPENING = ["queued", "opening", "publishing", "retrying"];
const FAILED = ["failed", "upstream_failed"];

/** `onOff` is called when the VM turns out to be off while the page still shows older figures. */
export function closedPage(container, onOff) {
  const reader = flowReader({ withValidations: false });
  let parts = null;
  let polling = null;
  let answers = false;
  let permitted;
  /** The window that opens, or null, and the id of the last one that failed before its first sale. */
  let opening = null;
  let failed = "";

  async function look(signal) {
    const { allowed, dag, active, found } = await reader.read(signal);
    if (signal.aborted) return;
    permitted = allowed.run ?? permitted;
    if (!active.trouble) await follow(active, found.windows ?? []);
    if (signal.aborted) return;
    if (answers && !opening) return hide();
    if (!parts && ["vm_off", "vm_missing"].includes(found.parts?.vm.reason)) {
      show();
      onOff();
    }
    if (parts) update(dag.trouble ? null : dag, found.parts ?? {});
  }

  async function follow(active, told) {
    const before = opening?.run;
    const states = new Map(told.map((state) => [state.run, state]));
    const sells = ({ dag_run_id }) => states.get(dag_run_id)?.committed?.reason === "selling";
    const run = active
      .filter(({ dag_id, dag_run_id }) => dag_id === WINDOW && OPENING.includes(states.get(dag_run_id)?.stage ?? "opening"))
      .find((each) => !answers || !sells(each));
    const isFailing = run?.tasks.some(({ state }) => FAILED.includes(state));
    opening = run && !isFailing ? { run: run.dag_run_id, tasks: run.tasks, sells: sells(run) } : null;
    if (opening) failed = "";
    else if (isFailing) failed = run.dag_run_id;
    else if (before && !states.has(before) && (await settled(windowState(before))) === "failed") failed = before;
  }

  function show() {
    parts = layout(
      () => permitted,
      () => {
        reader.forget();
        polling?.now();
      },
    );
    container.replaceChildren(parts.card);
    showReport(parts);
  }

  function hide() {
    if (!polling) return;
    polling.stop();
    polling = null;
    parts = null;
    container.replaceChildren();
  }

  function update(dag, flow) {
    setText(parts.title, t(opening ? "closed.opening" : "closed.title"));
    setText(parts.next, nextOpening(dag));
    parts.next.hidden = Boolean(opening) || !dag;
    parts.form.show(dag);
    parts.form.element.hidden = !permitted || Boolean(opening);
    if (opening) setText(parts.outcome, "");
    const queued = opening && flow.windows?.reason === "stage_held";
    setText(parts.waits, queued ? reasonOf("windows", flow.windows) : "");
    keyed(parts.steps, opening ? stepsOf(opening, flow.vm) : [], ({ name }) => name, makeStep, updateStep);
    const shown = failed ? [t("closed.failed"), " ", link(runPath(WINDOW, failed), t("closed.run"))] : [];
    if (parts.failed.dataset.run !== failed) parts.failed.replaceChildren(...shown);
    parts.failed.dataset.run = failed;
    // Below are the live figures.
    parts.report.hidden = answers;
    parts.links.hidden = answers;
  }

  return {
    /** Druid does not answer; returns whether the closed page is shown for it. */
    off(hasFigures) {
      answers = false;
      if (!hasFigures && !parts) show();
      polling ??= poll(look, () => (opening ? SOON : SELDOM), (error) => console.error("The closed page", error));
      return Boolean(parts);
    },
    /** Druid answers; returns whether the closed page stays alone until the first sale. */
    on(hasSales) {
      if (parts && opening && !hasSales) return true;
      answers = true;
      if (!opening) hide();
      return false;
    },
    stop: hide,
  };
}

function layout(permitted, done) {
  const outcome = h("p.outcome", { role: "status" });
  const parts = {
    title: h("h2", { id: "closed-title" }, t("closed.title")),
    next: h("p.next"),
    waits: h("p.note"),
    form: windowForm(permitted, teller(outcome, done)),
    outcome,
    failed: h("p.notice", { role: "alert", "data-run": "" }),
    steps: h("ol.steps", { "aria-live": "polite" }),
    report: h("div.report"),
    links: h("p.links", {}, viewLink("salud", "closed.health"), viewLink("reportes", "closed.reports")),
  };
  parts.form.element.hidden = true;
  const { title, next, form, failed, waits, steps, report } = parts;
  parts.card = h(
    "section.card.closed",
    { "aria-labelledby": "closed-title" },
    title,
    next,
    failed,
    waits,
    steps,
    form.element,
    outcome,
    report,
    parts.links,
  );
  return parts;
}

function nextOpening(dag) {
  if (!dag || dag.paused || !dag.next) return t("closed.noNext");
  return t("closed.next", { when: `${format.date(dag.next)}, ${format.hour(dag.next)}` });
}

/** The steps of a window that opens, each with its state: done, current or waiting. */
function stepsOf({ tasks, sells }, vm) {
  const succeeded = (name) => tasks.some(({ task_id, state }) => task_id === name && state === "success");
  const steps = [
    ["vm", succeeded("start_vm") || ["vm_on", "vm_idle"].includes(vm?.reason)],
    ["druid", succeeded("start_vm")],
    ["ingestion", succeeded("submit_supervisor")],
    ["sale", sells],
  ];
  const undone = steps.findIndex(([, done]) => !done);
  const current = undone < 0 ? steps.length : undone;
  return steps.map(([name], place) => ({
    name,
    state: place < current ? "done" : place === current ? "current" : "waiting",
  }));
}

const SIGNS = { done: "✓", current: "…", waiting: "○" };

function makeStep({ name }) {
  return h("li", {}, h("span.sign", { "aria-hidden": "true" }), h("span", {}, t(`closed.steps.${name}`)), h("span.hidden"));
}

function updateStep(item, { state }) {
  item.className = state;
  const [sign, , told] = item.children;
  setText(sign, SIGNS[state]);
  setText(told, `: ${t(`closed.states.${state}`)}`);
}

async function showReport({ report, links }) {
  const found = await settled(get("api/reports/latest", { language: language() }));
  if (found === null) {
    report.replaceChildren(h("p.empty", {}, t("closed.none")));
  } else if (!found.trouble) {
    links.prepend(linkTo(found.name, "reports.open"), linkTo(found.name, "reports.stores", { stores: "true" }));
    report.replaceChildren(
      h("h3", {}, found.title),
      h("p.note", {}, t("closed.last")),
      h("dl.kpis", {}, found.figures.map(figure)),
      ...(found.noticed.length ? [h("p", {}, `${t("closed.noticed")}: ${found.noticed.join("; ")}.`)] : []),
      ...(found.warning ? [h("p.notice", {}, found.warning)] : []),
    );
  }
}

function figure({ name, value, changes }) {
  return h(
    "div.card.kpi",
    {},
    h("dt", {}, name),
    h("dd.value", {}, value),
    changes.map(({ text, tone, against }) => h(`dd.change${tone && `.${tone}`}`, {}, `${text} ${against}`)),
  );
}

function viewLink(path, key) {
  const open = (event) => {
    event.preventDefault();
    openView(path);
  };
  return h("a", { href: path, onclick: open }, t(key));
}
