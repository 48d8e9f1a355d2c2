/**
 * Judges each part by the others: whether a window publishes, and whether the VM is on. All
 * functions are pure. A part is `{state, reason, since, numbers}`, or `{trouble}` if its request
 * failed.
 */
import { publisher } from "./airflow.js";

const ORDER = ["none", "good", "attention", "bad"];
/** Seconds that a window may take from the start of its publishing task to its first sales. */
const OPENING = 60;
/** Seconds that Druid may take to start once its VM is on, as in the validation. */
const STARTING = 180;
/** Seconds in which Airflow starts a queued run if nothing holds the run back. */
const QUEUED = 30;

export function worst(states) {
  return states.reduce((one, other) => (ORDER.indexOf(other) > ORDER.indexOf(one) ? other : one), "none");
}

/** The stage of a window, by its tasks. */
export function stageOf(run) {
  if (run.state === "queued") return "queued";
  const task = publisher(run);
  if (!task) return "opening";
  return { running: "publishing", up_for_retry: "retrying", failed: "stopped", success: "closing" }[task.state];
}

const STAGES = {
  queued: "good",
  held: "attention",
  opening: "good",
  publishing: "good",
  retrying: "attention",
  stopped: "attention",
  closing: "good",
};

/** The part «ventanas», from the result of `activeRuns`. */
export function windowsPart(active, now) {
  if (active.trouble) return active;
  if (!active.windows.length) return { state: "none", reason: "no_windows", since: null, numbers: {} };
  const stages = active.windows.map((run) => {
    const held = now - Date.parse(run.queued_at ?? run.run_after) > QUEUED * 1000;
    return stageOf(run) === "queued" && held ? "held" : stageOf(run);
  });
  const state = worst(stages.map((stage) => STAGES[stage]));
  const main = stages.find((stage) => STAGES[stage] === state);
  const one = active.windows[stages.indexOf(main)];
  const since = one.start_date ?? one.queued_at;
  return { state, reason: `stage_${main}`, since, numbers: {} };
}

/** The part «validaciones», from the result of `validations`. */
export function validationPart(runs) {
  if (runs.trouble) return runs;
  const ended = runs.filter((run) => run.end_date);
  if (!ended.length) return { state: "none", reason: "no_runs", since: null, numbers: {} };
  const states = ended.map(stateOfRun);
  const until = states.findIndex((state) => state !== states[0]);
  const oldest = ended[(until < 0 ? ended.length : until) - 1];
  return {
    state: states[0],
    reason: `validation_${states[0]}`,
    since: oldest.run_after,
    numbers: ended[0].summary?.totals ?? {},
  };
}

export function stateOfRun(run) {
  if (!run.summary) return run.state === "failed" ? "bad" : "none";
  const { error, warning, ok } = run.summary.totals;
  return error ? "bad" : warning ? "attention" : ok ? "good" : "none";
}

/** All parts of `found`, each judged by the others too. */
export function judged(found, now) {
  const { active, vm } = found;
  const known = !active.trouble;
  const publishing = known ? active.windows.filter((run) => stageOf(run) === "publishing") : [];
  const parts = { ...found, windows: windowsPart(active, now), validation: validationPart(found.runs) };
  delete parts.active;
  delete parts.runs;

  for (const name of ["cadence", "freshness"]) {
    if (parts[name].trouble || !known) continue;
    if (!publishing.length) parts[name] = without(parts[name], "no_window");
    else if (publishing.every((run) => now - Date.parse(publisher(run).start_date) < OPENING * 1000)) {
      parts[name] = without(parts[name], "window_opens");
    } else if (name === "cadence" && parts[name].reason === "beyond" && !publishing.every(hasUsualPace)) {
      parts[name] = without(parts[name], "other_pace");
    }
  }
  if (!parts.supervisor.trouble && parts.supervisor.reason === "suspended" && publishing.length) {
    parts.supervisor = { ...parts.supervisor, state: "bad", reason: "suspended_selling" };
  }
  if (known && vm.reason === "vm_on" && !active.users) {
    parts.vm = { ...vm, state: "attention", reason: "vm_idle" };
  }
  if (["vm_off", "vm_missing"].includes(vm.reason) && publishing.length) {
    parts.vm = { ...vm, state: "bad", reason: "vm_off_selling" };
  }
  for (const [name, part] of Object.entries(parts)) {
    if (part.trouble) parts[name] = troubled(part.trouble, vm, publishing.length > 0);
  }
  return parts;
}

function without(part, reason) {
  return { ...part, state: "none", reason };
}

/** Whether a window sells at the pace that the cadence check expects. */
function hasUsualPace(run) {
  const { mode = "cadence", minimum_gap = 1, maximum_gap = 2 } = run.conf ?? {};
  const calm = !(run.conf?.bursts_pct || run.conf?.silences_pct || run.conf?.late_pct);
  return mode === "cadence" && Number(minimum_gap) === 1 && Number(maximum_gap) === 2 && calm;
}

/** The part for a failed request: no fault while the VM is off and no window sells. */
function troubled(error, vm, selling) {
  const part = (state, reason, since = null) => ({ state, reason, since, numbers: { told: error.message } });
  if (!["unreachable", "refused"].includes(error.code)) return part("none", "trouble");
  const off = ["vm_off", "vm_missing"].includes(vm.reason);
  if (off && !selling) return part("none", "druid_off", vm.since);
  const young = ["vm_on", "vm_idle"].includes(vm.reason) && vm.numbers.segundos < STARTING;
  if (vm.reason === "vm_changing" || young) return part("none", "druid_starts", vm.since);
  // Druid answers, in part at least, and says what is wrong.
  if (error.code === "refused") return part("attention", "trouble");
  return part("bad", "druid_unreachable");
}
