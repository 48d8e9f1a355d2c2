/** The state of the flow, as the server judges it with what Airflow says about the runs. */
import { get, patiently, post } from "../../lib/api.js";
import { activeRuns, question, validations, windowDag } from "./airflow.js";

/**
 * A function that reads the flow: `{allowed, dag, active, validated, found}`, each of which is an
 * answer or its `{trouble}`. Answers that change seldom are kept, because each viewer asks Airflow;
 * `forget` drops them.
 */
export function flowReader({ withValidations = true } = {}) {
  let seldom;

  function forget() {
    seldom = {
      permissions: kept(60, () => get("api/permissions")),
      dag: kept(30, windowDag),
      validations: withValidations ? kept(15, validations) : async () => ({ trouble: "not asked" }),
    };
  }

  async function read(signal) {
    const [allowed, dag, active, validated] = await Promise.all([
      seldom.permissions(),
      seldom.dag(),
      settled(activeRuns()),
      seldom.validations(),
    ]);
    const asked = question(active, validated, dag);
    const found = await settled(patiently(() => post("api/health", asked, signal), signal));
    return { allowed, dag, active, validated, found };
  }

  forget();
  return { read, forget };
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
export async function settled(promise) {
  try {
    return await promise;
  } catch (trouble) {
    if (trouble.name === "AbortError") throw trouble;
    return { trouble };
  }
}
