-- parameters:
--   - {name: desde, kind: time, default: -24h}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: id_evento, kind: text}
--   - {name: corrida, kind: text}
--   - {name: veces, kind: number}
--   - {name: primera, kind: time}
SELECT id_evento, corrida, COUNT(*) AS veces, MIN(__time) AS primera
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
GROUP BY 1, 2
HAVING COUNT(*) > 1
ORDER BY veces DESC, id_evento
LIMIT 1000
