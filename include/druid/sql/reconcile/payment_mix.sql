-- How the sales of a run were paid.
SELECT tipo_pago, COUNT(*) AS sales, SUM(importe_centavos) AS revenue_centavos
FROM "{datasource}"
WHERE corrida = ? AND estado = 'aprobada'
GROUP BY tipo_pago
ORDER BY revenue_centavos DESC, tipo_pago
