import { get, patiently, post } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { poll } from "../lib/poll.js";
import { t } from "../lib/texts.js";
import { makeActions } from "./health/actions.js";
import { activeRuns, question, validations, windowDag } from "./health/airflow.js";
import * as bodies from "./health/bodies.js";
import { makeCard, showPart } from "./health/card.js";

const PAUSE = 5000;
const CARDS = ["windows", "cadence", "freshness", "ledger", "supervisor", "kafka", "vm", "validation"];

export function mount(root) {
  const summary = h("p.summary", { role: "status" });
  const asOf = h("p.note");
  const cards = Object.fromEntries(CARDS.map((name) => [name, makeCard(name)]));
  let permitted;
  /** The last answer of "api/health". */
  let flow = { windows: [], validations: [], can_resume: false };
  let seldom = seldomAsked();
  const actions = makeActions(
    () => permitted,
    () => {
      seldom = seldomAsked();
      polling.now();
    },
  );
  cards.windows.body.append(actions.element);
  root.append(
    h("h1.hidden", {}, t("shell.views.salud")),
    summary,
    asOf,
    h("div.health-board", {}, CARDS.map((name) => cards[name].card)),
  );

  const polling = poll(look, () => PAUSE, (error) => setText(summary, error.message));

  /** A request that fails affects only the cards that show its answer. */
  async function look(signal) {
    const [allowed, dag, active, validated] = await Promise.all([
      seldom.permissions(),
      seldom.dag(),
      settled(activeRuns()),
      seldom.validations(),
    ]);
    const asked = question(active, validated, dag);
    const found = await settled(patiently(() => post("api/health", asked, signal), signal));
    if (signal.aborted) return;
    permitted = allowed.run ?? permitted;
    const troubles = { windows: active.trouble, validation: validated.trouble };
    const parts = Object.fromEntries(
      CARDS.map((name) => [name, found.parts?.[name] ?? unread(troubles[name] ?? found.trouble)]),
    );
    for (const name of CARDS) showPart(cards[name], name, parts[name], bodies[name]);
    if (!found.trouble) {
      flow = found;
      showRuns(validated);
    }
    actions.show(flow.windows, flow.can_resume, dag.trouble ? null : dag);
    setText(summary, inWords(parts));
    setText(asOf, t("health.asOf", { time: format.time(Date.now()) }));
    summary.dataset.state = found.state ?? "none";
  }

  function showRuns(runs) {
    const shown = JSON.stringify([runs, flow.validations]);
    if (runs.trouble || shown === cards.validation.runs) return;
    cards.validation.runs = shown;
    cards.validation.body.replaceChildren(bodies.runs(runs, flow.validations));
  }

  return () => polling.stop();
}

/** Requests whose answers change seldom: they are kept, because each viewer asks Airflow. */
function seldomAsked() {
  return {
    permissions: kept(60, () => get("api/permissions")),
    dag: kept(30, windowDag),
    validations: kept(15, validations),
  };
}

/** Keep an answer for some seconds; after a failure, the next call asks again. */
function kept(seconds, ask) {
  let answer;
  let until = 0;
  return async () => {
    if (Date.now() >= until) {
      answer = settled(ask());
      until = Date.now() + seconds * 1000;
    }
    const found = await answer;
    if (found.trouble) until = 0;
    return found;
  };
}

/** The result of a promise, or `{trouble}`, its error; an abort is thrown. */
async function settled(promise) {
  try {
    return await promise;
  } catch (trouble) {
    if (trouble.name === "AbortError") throw trouble;
    return { trouble };
  }
}

/** The part for an answer that is missing. */
function unread({ code = "other", told, message }) {
  return { state: "none", reason: "trouble", since: null, numbers: { code, told: told ?? message } };
}

function inWords(parts) {
  const named = (state) => CARDS.filter((name) => parts[name].state === state).map((name) => t(`health.cards.${name}`));
  const told = ["bad", "attention"]
    .filter((state) => named(state).length)
    .map((state) => t(`health.summary.${state}`, { names: named(state).join(", ") }));
  if (told.length) return told.join(" ");
  return t(named("good").length ? "health.summary.good" : "health.summary.none");
}
