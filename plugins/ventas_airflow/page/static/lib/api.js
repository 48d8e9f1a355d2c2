import { language, t } from "./texts.js";

const BASE = new URL("../../", import.meta.url);

/**
 * Trouble in words; `status` is HTTP's, or 0 without an answer, and `code` says which words.
 * `retryAfter`: seconds after which it may be tried again, if the server says so.
 */
export class Trouble extends Error {
  constructor(status, code, told, retryAfter = 0) {
    const known = `shell.trouble.${code}`;
    super(t(known, { told }));
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Times that a look is asked for again while the server has too much to do. */
const AGAIN = 5;

/**
 * The JSON of one of the page's own routes, such as "api/live". While the server is busy (429) it
 * is asked for again, as late as the server says: the view keeps its old figures meanwhile.
 */
export async function get(path, parameters = {}, signal = undefined) {
  const url = new URL(path, BASE);
  for (const [name, value] of new URLSearchParams(parameters)) url.searchParams.set(name, value);
  for (let left = AGAIN; ; left -= 1) {
    try {
      return await ask(url, { signal });
    } catch (error) {
      if (error.code !== "busy" || left === 0) throw error;
      await new Promise((done) => setTimeout(done, error.retryAfter * 1000));
      signal?.throwIfAborted();
    }
  }
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
  const retryAfter = Number(answer.headers.get("Retry-After"));
  throw new Trouble(answer.status, code ?? "other", words ?? detail ?? answer.status, retryAfter);
}
