-- title: {es: Eventos repetidos, en: Repeated events}
-- description:
--   es: Eventos que están más de una vez en Druid, y cuántas veces. Sin fallas a propósito no hay
--     ninguno.
--   en: Events that are in Druid more than once, and how often. Without injected faults there are
--     none.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: id_evento, kind: text, title: {es: Evento, en: Event}}
--   - {name: corrida, kind: text, title: {es: Corrida, en: Run}}
--   - {name: veces, kind: number, title: {es: Veces, en: Times}}
--   - {name: primera, kind: time, title: {es: Momento, en: Time}}
SELECT id_evento, corrida, COUNT(*) AS veces, MIN(__time) AS primera
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1, 2
HAVING COUNT(*) > 1
ORDER BY veces DESC, id_evento
LIMIT 1000
