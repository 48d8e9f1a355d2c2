import { language, t } from "./texts.js";

const BASE = new URL("../../", import.meta.url);

/** Trouble in words; `status` is HTTP's, or 0 without an answer, and `code` says which words. */
export class Trouble extends Error {
  constructor(status, code, told) {
    const known = `shell.trouble.${code}`;
    super(t(known, { told }));
    this.status = status;
    this.code = code;
  }
}

/** The JSON of one of the page's own routes, such as "api/live". */
export async function get(path, parameters = {}, signal = undefined) {
  const url = new URL(path, BASE);
  for (const [name, value] of new URLSearchParams(parameters)) url.searchParams.set(name, value);
  return ask(url, { signal });
}

export async function post(path, body, signal = undefined) {
  return send("POST", new URL(path, BASE), body, signal);
}

export async function remove(path) {
  return ask(new URL(path, BASE), { method: "DELETE" });
}

/** Airflow's own API, with its own permissions: `airflow("GET", "dags/sales_window")`. */
export async function airflow(method, path, body = undefined) {
  const url = new URL(`../api/v2/${path}`, BASE);
  return body === undefined ? ask(url, { method }) : send(method, url, body);
}

function send(method, url, body, signal) {
  return ask(url, {
    method,
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
    signal,
  });
}

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, {
      ...options,
      headers: { Accept: "application/json", ...options.headers },
      credentials: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0, "offline", error.message);
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  let told = {};
  try {
    told = await answer.json();
  } catch {
    // A proxy's page, or nothing: the status says it.
  }
  const code = answer.status === 401 ? "login" : answer.status === 403 ? "access" : told.code;
  const detail = typeof told.detail === "string" ? told.detail : JSON.stringify(told.detail);
  const words = language() === "en" ? (told.error_en ?? told.error) : told.error;
  throw new Trouble(answer.status, code ?? "other", words ?? detail ?? answer.status);
}
