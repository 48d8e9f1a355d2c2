-- What the stores sold in a run: approved sales, less what was given back.
SELECT
  SUM(CASE WHEN estado = 'pendiente' THEN 1 ELSE 0 END) AS sales,
  SUM(CASE WHEN estado = 'aprobada' THEN 1 ELSE 0 END) AS approved,
  SUM(
    CASE
      WHEN estado = 'aprobada' THEN importe_centavos
      WHEN estado IN ('reembolsada', 'contracargo') THEN -importe_centavos
      ELSE 0
    END
  ) AS revenue_centavos
FROM "{datasource}"
WHERE corrida = ?
