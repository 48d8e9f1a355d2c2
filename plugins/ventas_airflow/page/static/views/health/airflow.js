/** Requests to Airflow's own API about windows and validations, with the viewer's permissions. */
import { airflow } from "../../lib/api.js";

const WINDOW = "sales_window";
const VALIDATION = "sales_validation";
const SHOWN = 8;
/** Windows that can be compared. */
const LISTED = 50;
/** Most characters of a form's value that is sent to be judged: a request has a limited size. */
const SHORT = 40;
const path = encodeURIComponent;
const RUN = ["dag_id", "dag_run_id", "state", "run_type", "run_after", "queued_at", "start_date", "data_interval_end"];
/** Fields of the form that decide what a window sold, if the ledger does not have them. */
const SOLD = ["mode", "duration_minutes", "starts_at", "stores", "seconds_per_day", "incidents"];

/** Summary and tasks of each run that has ended: they do not change any more. */
const summaries = new Map();

/** The queued and running runs of all DAGs; a running window has its tasks. */
export async function activeRuns() {
  const asked = "dags/~/dagRuns?state=queued&state=running&order_by=run_after&limit=100";
  const runs = (await airflow("GET", asked)).dag_runs;
  return Promise.all(
    runs.map(async (run) => {
      const begun = run.dag_id === WINDOW && run.state === "running";
      return { ...run, tasks: begun ? await tasksOf(WINDOW, run.dag_run_id) : [] };
    }),
  );
}

/** The DAG of the window: whether it is paused, the form's defaults and limits, and the next run. */
export async function windowDag() {
  const found = await airflow("GET", `dags/${WINDOW}/details`);
  return { paused: found.is_paused, params: found.params, next: Date.parse(found.next_dagrun_run_after) };
}

/** The last runs, newest first, with `summary` or null, and with tasks unless all checks passed. */
export async function validations() {
  const asked = `dags/${VALIDATION}/dagRuns?order_by=-run_after&limit=${SHOWN}`;
  const runs = (await airflow("GET", asked)).dag_runs;
  for (const known of summaries.keys()) {
    if (!runs.some((run) => keyOf(run) === known)) summaries.delete(known);
  }
  return Promise.all(runs.map(async (run) => ({ ...run, ...(await summaryOf(run)) })));
}

/** The body of "api/health": what the server needs of each answer; null for a failed one. */
export function question(runs, validated, dag) {
  const params = dag.params ?? {};
  return {
    runs: runs.trouble ? null : runs.map((run) => briefly(run, params)),
    validations: validated.trouble
      ? null
      : validated.map((run) => ({ ...pick(run, ["state", "run_after", "end_date"]), totals: run.summary?.totals ?? null })),
    defaults: shortValues(valuesOf(params)),
  };
}

/** The last windows, newest first, each with the form's defaults: bodies of "api/what-if". */
export async function lastWindows() {
  const asked = `dags/${WINDOW}/dagRuns?order_by=-run_after&limit=${LISTED}`;
  const [dag, listed] = await Promise.all([windowDag(), airflow("GET", asked)]);
  const defaults = valuesOf(pick(dag.params, SOLD));
  return listed.dag_runs
    .filter((run) => run.start_date)
    .map((run) => ({ run: { ...pick(run, RUN), conf: pick(run.conf ?? {}, SOLD) }, defaults }));
}

function valuesOf(params) {
  return Object.fromEntries(Object.entries(params).map(([name, param]) => [name, param.value]));
}

function briefly(run, params) {
  return {
    ...pick(run, RUN),
    conf: shortValues(pick(run.conf ?? {}, Object.keys(params))),
    tasks: run.tasks.map((task) => pick(task, ["task_id", "state", "start_date"])),
  };
}

function pick(values, names) {
  return Object.fromEntries(names.filter((name) => name in values).map((name) => [name, values[name]]));
}

function shortValues(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => JSON.stringify(value).length <= SHORT));
}

/** With the end in the key, since a run that is cleared and run again ends at another moment. */
function keyOf(run) {
  return `${run.dag_run_id} ${run.end_date}`;
}

async function summaryOf(run) {
  if (!run.end_date) return { summary: null, tasks: [] };
  if (!summaries.has(keyOf(run))) {
    const summary = await summaryXcom(run.dag_run_id);
    const { error = 0, warning = 0 } = summary?.totals ?? {};
    const tasks = error + warning ? await tasksOf(VALIDATION, run.dag_run_id) : [];
    summaries.set(keyOf(run), { summary, tasks });
  }
  return summaries.get(keyOf(run));
}

async function summaryXcom(run) {
  try {
    const asked = `dags/${VALIDATION}/dagRuns/${path(run)}/taskInstances/summary/xcomEntries/return_value`;
    return (await airflow("GET", asked)).value;
  } catch (error) {
    // A run that was skipped, or failed earlier, has no summary.
    if (error.status === 404) return null;
    throw error;
  }
}

async function tasksOf(dag, run) {
  const asked = `dags/${dag}/dagRuns/${path(run)}/taskInstances?limit=100`;
  return (await airflow("GET", asked)).task_instances;
}

/** State of a run of the window, such as "failed". */
export async function windowState(run) {
  return (await airflow("GET", `dags/${WINDOW}/dagRuns/${path(run)}`)).state;
}

/** Trigger a window; `unpause` lets a paused DAG run. Returns the run's id. */
export async function openWindow(conf, unpause) {
  if (unpause) await airflow("PATCH", `dags/${WINDOW}`, { is_paused: false });
  const run = await airflow("POST", `dags/${WINDOW}/dagRuns`, { logical_date: null, conf });
  return run.dag_run_id;
}

/** Stop a run by marking its publishing task as failed. */
export async function stopWindow({ run, publisher }) {
  const asked = `dags/${WINDOW}/dagRuns/${path(run)}/taskInstances/${publisher}`;
  await airflow("PATCH", asked, { new_state: "failed" });
}

export function runPath(dag, run) {
  return `/dags/${dag}/runs/${path(run)}`;
}

/** Path of the log of the task that produced a result of a validation run. */
export function logPath(run, result) {
  const base = `${runPath(VALIDATION, run.dag_run_id)}/tasks`;
  if (result.name === "ledger") return `${base}/check_ledger`;
  const task = run.tasks.find(
    (each) => each.task_id === "run_check" && each.rendered_map_index === result.title,
  );
  return task ? `${base}/run_check/mapped/${task.map_index}` : `${base}/summary`;
}
