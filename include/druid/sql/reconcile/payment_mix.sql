-- How the sales of a run were paid.
SELECT tipo_pago, COUNT(*) AS ventas, SUM(importe_centavos) AS facturado_centavos
FROM "{datasource}"
WHERE corrida = ? AND estado = 'aprobada'
GROUP BY tipo_pago
ORDER BY facturado_centavos DESC, tipo_pago
