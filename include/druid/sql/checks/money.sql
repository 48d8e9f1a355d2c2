-- severity: error
-- bounds:
--   - {column: importe_incorrecto, minimum: 0, maximum: 0}
--   - {column: iva_incorrecto, minimum: 0, maximum: 0}
-- faults:
--   importe_incorrecto: [importe_absurdo, tipo_erroneo]
--   iva_incorrecto: [importe_absurdo]
SELECT
  COUNT(*) AS ventas,
  COUNT(*) FILTER (
    WHERE importe_centavos <> cantidad * precio_unitario_centavos - descuento_centavos
  ) AS importe_incorrecto,
  COUNT(*) FILTER (
    WHERE iva_centavos <> (2 * importe_centavos * alicuota_iva + 10000 + alicuota_iva)
      / NULLIF(2 * (10000 + alicuota_iva), 0)
  ) AS iva_incorrecto
FROM "{datasource}"
WHERE __time >= TIMESTAMPADD(MINUTE, -{lookback_minutes}, CURRENT_TIMESTAMP)
