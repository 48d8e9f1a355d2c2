/** The last report's figures, for a page that has no sales to show because Druid is off. */
import { airflow, get } from "../../lib/api.js";
import { h } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { openView } from "../../lib/frame.js";
import { language, t } from "../../lib/texts.js";
import { linkTo } from "../reports.js";

/** Show the report once; without a report, show when the next window opens. */
export async function showLastReport(container) {
  if (container.shown) return;
  container.shown = true;
  const [found, dag] = await Promise.all([
    tried(get("api/reports/latest", { language: language() })),
    tried(airflow("GET", "dags/sales_window")),
  ]);
  if (container.shown) container.replaceChildren(card(found, dag));
}

export function hideLastReport(container) {
  if (!container.shown) return;
  container.shown = false;
  container.replaceChildren();
}

async function tried(promise) {
  try {
    return await promise;
  } catch (error) {
    console.error("A part of the closed page cannot be read", error);
    return null;
  }
}

function card(found, dag) {
  const next = dag?.is_paused ? null : Date.parse(dag?.next_dagrun_run_after);
  return h(
    "section.card.last-report",
    { "aria-labelledby": "last-report" },
    h("h2", { id: "last-report" }, found?.title ?? t("reports.off")),
    found ? h("p.note", {}, t("reports.last")) : null,
    found ? h("dl.kpis", {}, found.figures.map(figure)) : null,
    found?.noticed.length ? h("p", {}, `${t("reports.noticed")}: ${found.noticed.join("; ")}`) : null,
    found?.warning ? h("p.notice", {}, found.warning) : null,
    next ? h("p", {}, t("reports.next", { when: `${format.date(next)}, ${format.hour(next)}` })) : null,
    h("p.links", {}, found ? linkTo(found.name, "reports.open") : null, health()),
  );
}

function figure({ name, value, changes }) {
  return h(
    "div.card.kpi",
    {},
    h("dt", {}, name),
    h("dd.value", {}, value),
    changes.map(({ text, tone, against }) => h(`dd.change${tone && `.${tone}`}`, {}, `${text} ${against}`)),
  );
}

function health() {
  const open = (event) => {
    event.preventDefault();
    openView("salud");
  };
  return h("a", { href: "salud", onclick: open }, t("reports.health"));
}
