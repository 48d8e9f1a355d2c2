/** The last report's figures, for a page without sales to show because Druid is off. */
import { get } from "../../lib/api.js";
import { h } from "../../lib/dom.js";
import { language, t } from "../../lib/texts.js";
import { linkTo } from "../reports.js";

/** Show the report once; without a report, or if it cannot be read, show nothing. */
export async function showLastReport(container) {
  if (container.asked) return;
  container.asked = true;
  try {
    const { name, lines } = await get("api/reports/latest", { language: language() });
    if (!name || !container.asked) return;
    const [title, ...figures] = lines;
    container.replaceChildren(
      h(
        "section.card.last-report",
        { "aria-labelledby": "last-report" },
        h("h2", { id: "last-report" }, title),
        h("p.note", {}, t("reports.off")),
        h("ul", {}, figures.map((line) => h("li", {}, line))),
        h("p", {}, linkTo(name, "reports.open")),
      ),
    );
  } catch (error) {
    container.asked = false;
    console.error("The last report cannot be shown", error);
  }
}

export function hideLastReport(container) {
  container.asked = false;
  container.replaceChildren();
}
