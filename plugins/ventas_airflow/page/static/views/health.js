import { h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { poll } from "../lib/poll.js";
import { t } from "../lib/texts.js";
import { makeActions } from "./health/actions.js";
import * as bodies from "./health/bodies.js";
import { makeCard, showPart } from "./health/card.js";
import { flowReader } from "./health/flow.js";

const PAUSE = 5000;
const CARDS = ["windows", "cadence", "freshness", "ledger", "supervisor", "kafka", "vm", "validation"];

export function mount(root) {
  const summary = h("p.summary", { role: "status" });
  const asOf = h("p.note");
  const cards = Object.fromEntries(CARDS.map((name) => [name, makeCard(name)]));
  let permitted;
  /** The last answer of "api/health". */
  let flow = { windows: [], validations: [], can_resume: false };
  const reader = flowReader();
  const actions = makeActions(
    () => permitted,
    () => {
      reader.forget();
      polling.now();
    },
  );
  cards.windows.body.append(actions.element);
  // The cards are shown with their first answers, which would move them.
  const board = h("div.health-board", { hidden: true }, CARDS.map((name) => cards[name].card));
  setText(summary, t("shell.loading"));
  root.append(
    h("h1.hidden", {}, t("shell.views.salud")),
    summary,
    asOf,
    board,
  );

  const polling = poll(look, () => PAUSE, (error) => setText(summary, error.message));

  /** A request that fails affects only the cards that show its answer. */
  async function look(signal) {
    const { allowed, dag, active, validated, found } = await reader.read(signal);
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
    board.hidden = false;
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
