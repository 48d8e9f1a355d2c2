-- title_es: Ventas sin decidir
-- title_en: Undecided sales
-- description_es: Ventas que siguen pendientes mucho después de empezar; las más viejas primero.
-- description_en: Sales that are still pending long after they began; the oldest first.
-- parameter: desde time -24h; Desde; From
-- parameter: minutos number 5 1..100000; Pendientes hace más de (minutos); Pending for more than (minutes)
-- column: id_venta text; Venta; Sale
-- column: empezada time; Empezada; Begun
-- column: sucursal text; Sucursal; Store
-- column: tipo_pago text; Tipo de pago; Payment type
-- column: importe_centavos money; Importe; Amount
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
