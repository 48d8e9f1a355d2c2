-- What the stores sold in a run; only an approved sale is revenue.
SELECT
  COUNT(*) AS ventas,
  SUM(CASE WHEN estado = 'aprobada' THEN 1 ELSE 0 END) AS aprobadas,
  SUM(CASE WHEN estado = 'aprobada' THEN importe_centavos ELSE 0 END) AS facturado_centavos
FROM "{datasource}"
WHERE corrida = ?
