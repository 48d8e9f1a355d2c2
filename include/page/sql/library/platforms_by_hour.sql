-- title_es: Plataformas según la hora
-- title_en: Platforms by hour of the day
-- description_es: Ventas empezadas por plataforma y hora del día, de todos los días del lapso.
-- description_en: Sales begun by platform and hour of the day, over all days of the period.
-- parameter: desde time -7d; Desde; From
-- parameter: hasta time now; Hasta; Until
-- column: hora number; Hora del día; Hour of the day
-- column: en_local number; En el local; In store
-- column: web number; Web; Web
-- column: app number; App; App
-- column: marketplace number; Marketplace; Marketplace
-- column: whatsapp number; WhatsApp; WhatsApp
-- chart: line hora: en_local, web, app, marketplace, whatsapp
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
