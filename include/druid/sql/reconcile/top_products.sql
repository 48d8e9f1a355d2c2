-- The products that brought most in a run.
SELECT producto, SUM(cantidad) AS units, SUM(importe_centavos) AS revenue_centavos
FROM "{datasource}"
WHERE corrida = ? AND estado = 'aprobada'
GROUP BY producto
ORDER BY revenue_centavos DESC, producto
LIMIT 5
