/** The last records of the Kafka topic, unchanged. */
import { get } from "../../lib/api.js";
import { h, setText } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { label, t } from "../../lib/texts.js";

const COUNTS = ["20", "50", "100", "200"];

export function topicTail(state) {
  const notice = h("p.notice", { role: "status" });
  const status = h("p.note", { role: "status" });
  const body = h("tbody");
  const count = h(
    "select",
    { id: "tail-count", onchange: () => state.update({ n: count.value === COUNTS[0] ? null : count.value }) },
    ...COUNTS.map((each) => h("option", { value: each }, each)),
  );
  const refresh = h("button.primary", { type: "button", onclick: look }, t("queries.refresh"));
  const heads = ["time", "place", "state", "sale", "product", "store", "amount"];
  const element = h(
    "section.card",
    { "aria-labelledby": "tail-title" },
    h("h2", { id: "tail-title" }, t("queries.tail")),
    h("p.note", {}, t("queries.tailHelp")),
    h("div.filters", {}, h("div.field", {}, h("label", { for: "tail-count" }, t("queries.count")), count), refresh),
    notice,
    status,
    h(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": t("queries.tail") },
      h(
        "table.data.tail",
        {},
        h("caption.hidden", {}, t("queries.tail")),
        h("thead", {}, h("tr", {}, ...heads.map((each) => h(each === "amount" ? "th.number" : "th", { scope: "col" }, t(`queries.tailColumns.${each}`))))),
        body,
      ),
    ),
  );
  let controller;

  async function look() {
    controller?.abort();
    controller = new AbortController();
    const { signal } = controller;
    setText(status, t("queries.running"));
    try {
      const found = await get("api/tail", { n: count.value }, signal);
      setText(notice, found.complete ? "" : t("queries.tailCut"));
      const malformed = found.records.filter((record) => !record.event).length;
      const told = [t("queries.tailFound", { records: format.count(found.records.length), topic: found.topic })];
      if (malformed) told.push(t("queries.tailMalformed", { malformed: format.count(malformed) }));
      setText(status, told.join(" "));
      body.replaceChildren(...found.records.map(line));
    } catch (error) {
      if (signal.aborted) return;
      setText(status, "");
      setText(notice, error.message);
    }
  }

  return {
    element,
    changed() {
      const asked = state.params.get("n");
      count.value = COUNTS.includes(asked) ? asked : COUNTS[0];
      look();
    },
    unmount: () => controller?.abort(),
  };
}

function line({ partition, offset, timestamp, event, text, problem }) {
  const at = h("td", {}, `${format.day(timestamp)} ${format.time(timestamp)}`);
  const place = h("td", {}, `${partition}:${offset}`);
  if (!event) {
    return h("tr.malformed", {}, at, place, h("td", { colspan: 5 }, h("span.badge.bad", {}, t("queries.malformed")), " ", h("code", {}, text), " ", h("small", {}, problem)));
  }
  return h(
    "tr",
    {},
    at,
    place,
    h(`td`, {}, h(`span.badge${TONES[event.estado] ?? ""}`, {}, label("estado", event.estado)), event.motivo ? ` ${label("motivo", event.motivo)}` : ""),
    h("td", {}, h("code", {}, event.id_venta)),
    h("td", {}, `${event.cantidad} × ${event.producto}`),
    h("td", {}, event.sucursal),
    h("td.number", {}, format.money(event.importe_centavos)),
  );
}

const TONES = { aprobada: ".good", rechazada: ".bad", contracargo: ".bad", reembolsada: ".warn" };
