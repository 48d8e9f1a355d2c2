/** «Reportes»: the reports written at the windows' ends, the latest first, and «¿Qué habría pasado?». */
import { get } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";
import * as format from "../lib/format.js";
import { openApart } from "../lib/frame.js";
import { poll } from "../lib/poll.js";
import { language, t } from "../lib/texts.js";
import { whatIf } from "./what_if.js";

const PAUSE = 30000;

export function mount(root, state) {
  const notice = h("p.notice", { role: "status" }, t("shell.loading"));
  const list = h("ul.reports");
  const compared = whatIf(state);
  // The list, which arrives later, would move it.
  compared.card.hidden = true;
  let shown = "";
  root.append(
    h("h1.hidden", {}, t("shell.views.reportes")),
    h("p.note", {}, t("reports.note")),
    notice,
    list,
    compared.card,
  );
  const polling = poll(
    async (signal) => {
      const found = await get("api/reports", {}, signal);
      compared.card.hidden = false;
      setText(notice, found.length ? "" : t("reports.none"));
      if (shown === JSON.stringify(found)) return;
      shown = JSON.stringify(found);
      list.replaceChildren(...found.map(item));
    },
    () => PAUSE,
    (error) => {
      compared.card.hidden = false;
      setText(notice, error.message);
    },
  );
  return () => {
    polling.stop();
    compared.stop();
  };
}

function item({ name, end }) {
  return h(
    "li.card",
    {},
    h("h2", {}, format.date(end - 1)),
    h("p.note", {}, t("reports.until", { time: format.hour(end) })),
    h("p", {}, linkTo(name, "reports.open"), linkTo(name, "reports.stores", { stores: "true" })),
  );
}

/** A link to a report, in the viewer's language, that opens a window of its own. */
export function linkTo(name, key, parameters = {}) {
  const path = `reports/${name}?${new URLSearchParams({ language: language(), ...parameters })}`;
  return h(
    "a",
    {
      href: path,
      target: "_blank",
      rel: "noopener",
      onclick(event) {
        event.preventDefault();
        openApart(path);
      },
    },
    t(key),
  );
}
