-- title: {es: Ventas pendientes, en: Pending sales}
-- description:
--   es: Ventas que siguen pendientes mucho después de empezar; las más viejas primero.
--   en: Sales that are still pending long after they began; the oldest first.
-- parameters:
--   - {name: desde, kind: time, default: -24h, label: {es: Desde, en: From}}
--   - {name: minutos, kind: number, default: 5, minimum: 1, maximum: 100000,
--       label: {es: Pendientes hace más de (minutos), en: Pending for more than (minutes)}}
-- columns:
--   - {name: id_venta, kind: text, title: {es: Venta, en: Sale}}
--   - {name: empezada, kind: time, title: {es: Empezada, en: Begun}}
--   - {name: sucursal, kind: text, title: {es: Sucursal, en: Store}}
--   - {name: tipo_pago, kind: text, title: {es: Tipo de pago, en: Payment type}}
--   - {name: importe_centavos, kind: money, title: {es: Importe, en: Amount}}
SELECT id_venta, empezada, sucursal, tipo_pago, importe_centavos
FROM (
  SELECT
    id_venta,
    sucursal,
    tipo_pago,
    MIN(__time) AS empezada,
    MAX(importe_centavos) AS importe_centavos,
    COUNT(*) FILTER (WHERE estado <> 'pendiente') AS pasos
  FROM "{datasource}"
  WHERE __time >= MILLIS_TO_TIMESTAMP(:desde)
  GROUP BY 1, 2, 3
)
WHERE pasos = 0 AND empezada < TIMESTAMPADD(MINUTE, -:minutos, CURRENT_TIMESTAMP)
ORDER BY empezada
LIMIT 1000
