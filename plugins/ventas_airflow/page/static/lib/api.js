import { language, t } from "./texts.js";

const BASE = new URL("../../", import.meta.url);

/**
 * A failed request. `status` is the HTTP status, or 0 without an answer; `code` is the key of the
 * message's text. `retryAfter`: seconds after which the server allows another try, or 0.
 */
export class Trouble extends Error {
  constructor(status, code, told, retryAfter = 0) {
    super(explained({ code, told }));
    this.status = status;
    this.code = code;
    this.told = told;
    this.retryAfter = retryAfter;
  }
}

/** The text for the `code` of a failure, with what was `told` of it. */
export function explained({ code, told }) {
  return t(`shell.trouble.${code}`, { told });
}

/** Retries of a request while the server is busy. */
const AGAIN = 5;

/** The JSON of one of the page's own routes, such as "api/live"; patient, as `patiently` says. */
export async function get(path, parameters = {}, signal = undefined) {
  const url = new URL(path, BASE);
  for (const [name, value] of new URLSearchParams(parameters)) url.searchParams.set(name, value);
  return patiently(() => ask(url, { signal }), signal);
}

/**
 * The result of `send`. While the server is busy (429), the request is sent again after the time
 * that the server names; the view keeps its old figures.
 */
export async function patiently(send, signal) {
  for (let left = AGAIN; ; left -= 1) {
    try {
      return await send();
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

/** Request to Airflow's own API, with its permissions: `airflow("GET", "dags/sales_window")`. */
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
      headers: {
        Accept: "application/json",
        "Accept-Language": language(),
        ...options.headers,
      },
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
    // The body is not JSON, but a proxy's page or empty: the status has to do.
  }
  const code = answer.status === 401 ? "login" : answer.status === 403 ? "access" : told.code;
  const detail = typeof told.detail === "string" ? told.detail : JSON.stringify(told.detail);
  const retryAfter = Number(answer.headers.get("Retry-After"));
  throw new Trouble(answer.status, code ?? "other", told.error ?? detail ?? answer.status, retryAfter);
}
