-- The products that brought most in a run.
SELECT producto, SUM(cantidad) AS unidades, SUM(importe_centavos) AS facturado_centavos
FROM "{datasource}"
WHERE corrida = ? AND estado = 'aprobada'
GROUP BY producto
ORDER BY facturado_centavos DESC, producto
LIMIT 5
