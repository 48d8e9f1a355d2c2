-- parameters:
--   - {name: desde, kind: time, default: -7d}
--   - {name: hasta, kind: time, default: now}
-- columns:
--   - {name: hora, kind: number}
--   - {name: en_local, kind: number}
--   - {name: web, kind: number}
--   - {name: app, kind: number}
--   - {name: marketplace, kind: number}
--   - {name: whatsapp, kind: number}
-- chart: {kind: line, x: hora, y: [en_local, web, app, marketplace, whatsapp]}
SELECT
  TIME_EXTRACT(__time, 'HOUR', 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) FILTER (WHERE plataforma = 'local') AS en_local,
  COUNT(*) FILTER (WHERE plataforma = 'web') AS web,
  COUNT(*) FILTER (WHERE plataforma = 'app') AS app,
  COUNT(*) FILTER (WHERE plataforma = 'marketplace') AS marketplace,
  COUNT(*) FILTER (WHERE plataforma = 'whatsapp') AS whatsapp
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado = 'pendiente'
GROUP BY 1
ORDER BY 1
