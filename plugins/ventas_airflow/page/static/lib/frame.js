/**
 * The window around the page if Airflow shows it in a frame, otherwise null. The frame may not
 * navigate that window, but it has the same origin, so it can use links of Airflow's own document.
 */
function outer() {
  try {
    return window.parent === window || !window.parent.document ? null : window.parent;
  } catch {
    return null;
  }
}

/** Address of a page of Airflow, given its path, such as "/dags/sales_window". */
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

/** Open one of the page's own documents, such as "reports/…", in a window of its own. */
export function openApart(path) {
  const link = (outer() ?? window).document.createElement("a");
  Object.assign(link, { href: new URL(`../../${path}`, import.meta.url).href, target: "_blank", rel: "noopener" });
  link.click();
}

/** Parameters of the address: Airflow's if the page is in its frame, since people share that. */
export function readAddress() {
  return new URLSearchParams((outer() ?? window).location.search);
}

export function writeAddress(parameters) {
  const host = outer() ?? window;
  const url = new URL(host.location.href);
  url.search = parameters.toString();
  host.history.replaceState(host.history.state, "", url);
}

/** Open a view, inside Airflow's window if the page is in its frame. */
export function openView(path, parameters = new URLSearchParams()) {
  const search = parameters.size ? `?${parameters}` : "";
  if (outer()) openInAirflow(`/plugin/ventas-${path}${search}`);
  else window.location.assign(new URL(`../../${path}${search}`, import.meta.url));
}
