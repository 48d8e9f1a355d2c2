-- title_es: Eventos repetidos
-- title_en: Repeated events
-- description_es: Eventos que están más de una vez, con cuántas. Sin fallas a propósito, no hay
--   ninguno.
-- description_en: Events that are there more than once, and how often. Without faults on purpose
--   there are none.
-- parameter: desde time -24h; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: id_evento text; Evento; Event
-- column: corrida text; Corrida; Run
-- column: veces number; Veces; Times
-- column: primera time; Momento; Time
SELECT id_evento, corrida, COUNT(*) AS veces, MIN(__time) AS primera
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1, 2
HAVING COUNT(*) > 1
ORDER BY veces DESC, id_evento
LIMIT 1000
