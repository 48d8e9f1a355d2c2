/** The form that opens a window, in the health view and on the closed live page. */
import { h, setText } from "../../lib/dom.js";
import { t } from "../../lib/texts.js";
import { openWindow } from "./airflow.js";
import { gaps } from "./card.js";

const MODES = ["cadence", "curve"];

/** A function that runs an action, writes its outcome into `outcome`, and calls `done` after it. */
export function teller(outcome, done) {
  return async (doing, text) => {
    setText(outcome, t("health.asking"));
    try {
      setText(outcome, t(text, { done: await doing() }));
      done();
    } catch (error) {
      // The text of an unknown error says that the page goes on trying; an action does not.
      setText(outcome, t("health.failed", { told: error.code === "other" ? error.told : error.message }));
    }
  };
}

/** The name of a mode of the form, with the form's default gaps once they are known. */
function modeText(mode, params = {}) {
  return t(`health.modes.${mode}`, gaps([params.minimum_gap?.value, params.maximum_gap?.value]));
}

/**
 * The form that opens a window. `permitted()` says whether the viewer may; `tell` is of `teller`;
 * `why` is the id of the text that says why the button is disabled, if there is one.
 */
export function windowForm(permitted, tell, why) {
  const minutes = h("input", { type: "number", name: "minutes", required: true, step: "any" });
  const mode = h("select", { name: "mode" }, MODES.map((each) => h("option", { value: each }, modeText(each))));
  const unpause = h("input", { type: "checkbox", name: "unpause", checked: true });
  const unpauseLine = h("label.check", { hidden: true }, unpause, t("health.unpause"));
  // Disabled until the page knows whether the DAG is paused and whether the viewer may use it.
  const button = h("button.primary", { type: "submit", disabled: true, "aria-describedby": why }, t("health.open"));
  const element = h(
    "form.open",
    { "aria-label": t("health.open"), onsubmit: submit },
    h("label", {}, t("health.minutesField"), minutes),
    h("label", {}, t("health.modeField"), mode),
    unpauseLine,
    button,
  );
  let paused = false;

  function submit(event) {
    event.preventDefault();
    const conf = { duration_minutes: minutes.valueAsNumber, mode: mode.value };
    tell(() => openWindow(conf, paused && unpause.checked), "health.opened");
  }

  function show(dag) {
    button.disabled = !permitted() || !dag;
    button.title = permitted() === false ? t("health.notAllowed") : "";
    if (!dag) return;
    paused = dag.paused;
    unpauseLine.hidden = !paused;
    for (const option of mode.options) setText(option, modeText(option.value, dag.params));
    const { value, schema } = dag.params.duration_minutes;
    if (!minutes.value) minutes.value = value;
    minutes.min = schema.minimum;
    minutes.max = schema.maximum;
  }
  return { element, show };
}
