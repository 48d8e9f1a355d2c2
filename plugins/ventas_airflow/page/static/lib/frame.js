/**
 * The page in Airflow's frame. The frame may not navigate the window, but it is of the same origin:
 * Airflow's own document does it instead.
 */
function outer() {
  try {
    return window.parent === window || !window.parent.document ? null : window.parent;
  } catch {
    return null;
  }
}

/** Where a page of Airflow is, such as "/dags/sales_window". */
export function airflowAddress(path) {
  return new URL(`../..${path}`, new URL("../", import.meta.url)).href;
}

/** Open a page of Airflow in the whole window. */
export function openInAirflow(path) {
  const host = outer() ?? window;
  const link = host.document.createElement("a");
  link.href = airflowAddress(path);
  host.document.body.append(link);
  link.click();
  link.remove();
}

/** Filters of the address: Airflow's if the page is in its frame, so that it can be shared. */
export function readAddress() {
  return new URLSearchParams((outer() ?? window).location.search);
}

export function writeAddress(parameters) {
  const host = outer() ?? window;
  const url = new URL(host.location.href);
  url.search = parameters.toString();
  host.history.replaceState(host.history.state, "", url);
}

/** Follow one of the views' links without leaving Airflow's frame around it. */
export function openView(path, parameters = new URLSearchParams()) {
  const search = parameters.size ? `?${parameters}` : "";
  if (outer()) openInAirflow(`/plugin/ventas-${path}${search}`);
  else window.location.assign(new URL(`../../${path}${search}`, import.meta.url));
}
