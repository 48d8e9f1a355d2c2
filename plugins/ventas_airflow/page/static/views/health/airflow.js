/** Requests to Airflow's own API about windows and validations, with the viewer's permissions. */
import { airflow } from "../../lib/api.js";

const WINDOW = "sales_window";
const VALIDATION = "sales_validation";
/** The DAGs whose runs need the VM. */
const USERS = [WINDOW, "sales_backfill"];
const PUBLISHERS = ["publish_sales", "load_sales"];
const SHOWN = 8;
const path = encodeURIComponent;

/** Summary and tasks of each run that has ended: they do not change any more. */
const summaries = new Map();

/** `{windows, users}`: the queued and running windows, and the number of runs that need the VM. */
export async function activeRuns() {
  const asked = "dags/~/dagRuns?state=queued&state=running&order_by=run_after&limit=100";
  const runs = (await airflow("GET", asked)).dag_runs.filter((run) => USERS.includes(run.dag_id));
  const windows = await Promise.all(
    runs
      .filter((run) => run.dag_id === WINDOW)
      .map(async (run) => ({ ...run, tasks: await tasksOf(WINDOW, run.dag_run_id) })),
  );
  return { windows, users: runs.length };
}

/** The DAG of the window: whether it is paused, and the form's defaults and limits. */
export async function windowDag() {
  const found = await airflow("GET", `dags/${WINDOW}/details`);
  return { paused: found.is_paused, params: found.params };
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

/** Trigger a window; `unpause` lets a paused DAG run. Returns the run's id. */
export async function openWindow(conf, unpause) {
  if (unpause) await airflow("PATCH", `dags/${WINDOW}`, { is_paused: false });
  const run = await airflow("POST", `dags/${WINDOW}/dagRuns`, { logical_date: null, conf });
  return run.dag_run_id;
}

/** Stop the publishing task of a run, by marking it as failed. */
export async function stopWindow(run) {
  const task = publisher(run)?.task_id ?? PUBLISHERS[0];
  const asked = `dags/${WINDOW}/dagRuns/${path(run.dag_run_id)}/taskInstances/${task}`;
  await airflow("PATCH", asked, { new_state: "failed" });
}

/** The task of a run that publishes: of the tasks for each mode, the one that is not skipped. */
export function publisher(run) {
  const tasks = run.tasks.filter((task) => PUBLISHERS.includes(task.task_id));
  const going = (task) => ["running", "up_for_retry", "failed", "success"].indexOf(task.state);
  const begun = tasks.filter((task) => going(task) >= 0);
  return begun.sort((one, other) => going(one) - going(other))[0] ?? null;
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
