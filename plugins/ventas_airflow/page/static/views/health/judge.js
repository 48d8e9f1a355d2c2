/**
 * What one part alone cannot know of itself: whether a window publishes, whether the VM is on. All
 * pure: a part is `{state, reason, since, numbers}`, or `{trouble}` if it could not be asked.
 */
import { publisher } from "./airflow.js";

const ORDER = ["none", "good", "attention", "bad"];
/** Seconds that a window has, from when it begins to publish, to its first sales. */
const OPENING = 60;

export function worst(states) {
  return states.reduce((one, other) => (ORDER.indexOf(other) > ORDER.indexOf(one) ? other : one), "none");
}

/** How far a window is, by its tasks. */
export function stageOf(run) {
  if (run.state === "queued") return "queued";
  const task = publisher(run);
  if (!task) return "opening";
  return { running: "publishing", up_for_retry: "retrying", failed: "stopped", success: "closing" }[task.state];
}

const STAGES = {
  queued: "attention",
  opening: "good",
  publishing: "good",
  retrying: "attention",
  stopped: "attention",
  closing: "good",
};

/** The part «ventanas», of what `activeRuns` found. */
export function windowsPart(active) {
  if (active.trouble) return active;
  if (!active.windows.length) return { state: "none", reason: "no_windows", since: null, numbers: {} };
  const stages = active.windows.map(stageOf);
  const state = worst(stages.map((stage) => STAGES[stage]));
  const main = stages.find((stage) => STAGES[stage] === state);
  const since = active.windows[stages.indexOf(main)].start_date;
  return { state, reason: `stage_${main}`, since, numbers: {} };
}

/** The part «validaciones», of what `validations` found. */
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
  const { error, warning } = run.summary.totals;
  return error ? "bad" : warning ? "attention" : "good";
}

/** Every part of `found`, judged by what the others say. */
export function judged(found, now) {
  const { active, vm } = found;
  const known = !active.trouble;
  const publishing = known ? active.windows.filter((run) => stageOf(run) === "publishing") : [];
  const parts = { ...found, windows: windowsPart(active), validation: validationPart(found.runs) };
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

/** Whether a window sells at the pace that the check of cadence is for. */
function hasUsualPace(run) {
  const { mode = "cadence", minimum_gap = 1, maximum_gap = 2 } = run.conf ?? {};
  const calm = !(run.conf?.bursts_pct || run.conf?.silences_pct || run.conf?.late_pct);
  return mode === "cadence" && Number(minimum_gap) === 1 && Number(maximum_gap) === 2 && calm;
}

/** What cannot be asked: nothing is wrong with it while the VM is off and nothing is sold. */
function troubled(error, vm, selling) {
  const numbers = { told: error.message };
  if (error.code !== "unreachable") {
    return { state: "none", reason: "trouble", since: null, numbers };
  }
  const off = ["vm_off", "vm_missing"].includes(vm.reason);
  if (off && !selling) return { state: "none", reason: "druid_off", since: vm.since, numbers };
  if (vm.reason === "vm_changing") return { state: "attention", reason: "druid_starts", since: vm.since, numbers };
  return { state: "bad", reason: "druid_unreachable", since: null, numbers };
}
