-- title: {es: Plataformas según la hora, en: Platforms by hour of the day}
-- description:
--   es: Ventas empezadas por plataforma y hora del día, de todos los días del lapso.
--   en: Sales begun by platform and hour of the day, over all days of the period.
-- parameters:
--   - {name: desde, kind: time, default: -7d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
-- columns:
--   - {name: hora, kind: number, title: {es: Hora del día, en: Hour of the day}}
--   - {name: en_local, kind: number, title: {es: En el local, en: In store}}
--   - {name: web, kind: number, title: {es: Web, en: Web}}
--   - {name: app, kind: number, title: {es: App, en: App}}
--   - {name: marketplace, kind: number, title: {es: Marketplace, en: Marketplace}}
--   - {name: whatsapp, kind: number, title: {es: WhatsApp, en: WhatsApp}}
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
