/** The viewer's actions: open a window, stop a window, resume the ingestion. */
import { post } from "../../lib/api.js";
import { h, keyed, setText } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { t } from "../../lib/texts.js";
import { runPath, stopWindow } from "./airflow.js";
import { link } from "./bodies.js";
import { reasonOf, when } from "./card.js";
import { teller, windowForm } from "./window_form.js";

/**
 * The buttons of the card of windows. `permitted()` says whether the viewer may use them;
 * `done()` is called after each action.
 */
export function makeActions(permitted, done) {
  const outcome = h("p.outcome", { role: "status", tabindex: "-1" });
  const why = h("p.note", { id: "health-why" });
  const runs = h("ul.windows");
  const tell = teller(outcome, done);
  const form = windowForm(permitted, tell, "health-why");
  const resume = h("button", { type: "button", disabled: true, "aria-describedby": "health-why", onclick: resumeIngestion }, t("health.resume"));

  function resumeIngestion() {
    return tell(() => post("api/supervisor/resume", {}), "health.resumed");
  }

  function show(windows, canResume, dag) {
    const allowed = permitted();
    setText(why, allowed === undefined ? "" : allowed ? "" : t("health.notAllowed"));
    why.hidden = allowed !== false;
    form.show(dag);
    resume.disabled = !allowed || !canResume;
    resume.title = !allowed ? t("health.notAllowed") : resume.disabled ? t("health.notSuspended") : "";
    keyed(runs, windows, (each) => each.run, makeRun, (item, run) => item.show(run, allowed));
  }

  function makeRun() {
    const line = h("span.what");
    const buttons = h("span.buttons");
    const item = h("li", {}, line, buttons);
    let current;
    const stop = h("button.danger", { type: "button", "aria-describedby": "health-why", onclick: () => ask(true) }, t("health.stop"));
    const yes = h("button.danger", { type: "button", onclick: stopIt }, t("health.stopYes"));
    const no = h("button", { type: "button", onclick: () => ask(false) }, t("health.stopNo"));
    const question = h("span", { role: "group", "aria-label": t("health.stopSure") }, t("health.stopSure"), " ", yes, " ", no);

    function ask(open) {
      buttons.replaceChildren(open ? question : stop);
      (open ? no : stop).focus();
    }
    function stopIt() {
      ask(false);
      // The button disappears, so the focus moves to the text with the outcome.
      outcome.focus();
      return tell(() => stopWindow(current), "health.stopped");
    }
    buttons.replaceChildren(stop);
    item.show = (shown, allowed) => {
      current = shown;
      const text = JSON.stringify(shown);
      if (item.shown !== text) {
        item.shown = text;
        line.replaceChildren(
          link(runPath("sales_window", shown.run), shown.run),
          h("span.badge", {}, t(`health.stages.${shown.stage}`)),
          h("span.note", {}, soFar(shown)),
        );
      }
      stop.disabled = !allowed || !shown.can_stop;
      stop.title = !allowed ? t("health.notAllowed") : stop.disabled ? t("health.notPublishing") : "";
    };
    return item;
  }

  return { element: h("div", {}, runs, form.element, resume, why, outcome), show };
}

/** Text with a window's sales by the ledger, and when it ends. */
function soFar({ committed, ends }) {
  const told = [];
  if (committed?.reason === "selling") {
    const { sales, events, revenue_centavos } = committed.numbers;
    told.push(
      t("health.committed", {
        sales: format.count(sales),
        events: format.count(events),
        income: format.money(revenue_centavos, { short: true }),
      }),
    );
  } else if (committed && !["no_sales", "no_topic"].includes(committed.reason)) {
    told.push(reasonOf("windows", committed));
  }
  if (ends) told.push(t("health.ends", { when: when(ends) }));
  return told.join(" · ");
}
