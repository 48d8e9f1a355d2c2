-- title: {es: Aprobación por hora, en: Approval by hour}
-- description:
--   es: Porcentaje aprobado de las ventas decididas en cada hora local, de un tipo de pago o de
--     todos.
--   en: Approved share of the sales decided in each local hour, for one payment type or all.
-- parameters:
--   - {name: desde, kind: time, default: -7d, label: {es: Desde, en: From}}
--   - {name: hasta, kind: time, default: now, label: {es: Hasta, en: Until}}
--   - {name: tipo_pago, kind: choice, default: todos,
--       choices: [todos, efectivo, debito, credito, transferencia, qr, billetera],
--       label: {es: Tipo de pago, en: Payment type}}
-- columns:
--   - {name: hora, kind: time, title: {es: Hora, en: Hour}}
--   - {name: decididas, kind: number, title: {es: Decididas, en: Decided}}
--   - {name: aprobacion, kind: percent, title: {es: Aprobación, en: Approval}}
-- chart: {kind: line, x: hora, y: [aprobacion]}
SELECT
  TIME_FLOOR(__time, 'PT1H', NULL, 'America/Argentina/Buenos_Aires') AS hora,
  COUNT(*) AS decididas,
  ROUND(100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada') / COUNT(*), 2) AS aprobacion
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(:desde) AND __time < MILLIS_TO_TIMESTAMP(:hasta)
  AND estado IN ('aprobada', 'rechazada')
  AND (:tipo_pago = 'todos' OR tipo_pago = :tipo_pago)
GROUP BY 1
ORDER BY 1
