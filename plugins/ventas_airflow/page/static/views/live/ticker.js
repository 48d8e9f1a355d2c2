/** The latest events, newest first. */
import { h, keyed } from "../../lib/dom.js";
import * as format from "../../lib/format.js";
import { label, t } from "../../lib/texts.js";

const TONE = { aprobada: "good", rechazada: "bad", reembolsada: "warn", contracargo: "bad" };

export function ticker(list, events) {
  const rows = events.map((event, place) => ({ ...event, key: `${event.id_evento} ${event.moment}`, place }));
  const unique = [...new Map(rows.map((row) => [row.key, row])).values()];
  keyed(list, unique, (row) => row.key, make, () => {});
}

function make(event) {
  // Any field of a record may be missing.
  const value = (name) => (event[name] ? label(name, event[name]) : "–");
  const paid = [value("tipo_pago"), event.emisor].filter(Boolean).join(" ");
  const instalments = event.cuotas > 1 ? ` · ${t("live.instalments", { n: event.cuotas })}` : "";
  const why = event.motivo ? `${label("motivo", event.motivo)} · ` : "";
  const units = event.cantidad > 1 ? `${event.cantidad} × ` : "";
  return h(
    "li",
    {},
    h("time", { datetime: new Date(event.moment).toISOString() }, format.time(event.moment)),
    h("span.what", {}, `${units}${event.producto ?? "–"}`),
    h("span.sum", {}, format.money(event.importe_centavos ?? 0)),
    h("span.where", {}, `${why}${event.sucursal ?? "–"} · ${value("plataforma")} · ${paid}${instalments}`),
    h("span.sum", {}, h(`span.badge.${TONE[event.estado] ?? "plain"}`, {}, value("estado"))),
  );
}
