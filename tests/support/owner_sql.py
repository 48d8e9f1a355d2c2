"""Queries that a store owner may write in the SQL box: Druid must answer all of them."""

from typing import Final

ORDINARY: Final = {
    "everything": "SELECT * FROM ventas LIMIT 20",
    "count": "SELECT COUNT(*) FROM ventas",
    "quoted names and a semicolon": 'SELECT "producto", "cantidad" FROM "ventas" LIMIT 5;',
    "comments": "-- lo mío\nSELECT COUNT(*) /* todas */ FROM ventas",
    "top products": """
        SELECT producto, SUM(importe_centavos) / 100.0 AS pesos
        FROM ventas WHERE estado = 'aprobada' GROUP BY producto ORDER BY pesos DESC LIMIT 10""",
    "group by number": "SELECT provincia, COUNT(*) AS n FROM ventas GROUP BY 1 ORDER BY 2 DESC",
    "last day": """
        SELECT COUNT(*) FROM ventas WHERE __time >= CURRENT_TIMESTAMP - INTERVAL '24' HOUR""",
    "by hour": """
        SELECT TIME_FLOOR(__time, 'PT1H') AS hora, COUNT(*) AS empezadas
        FROM ventas WHERE estado = 'pendiente' GROUP BY 1 ORDER BY 1""",
    "local hour": """
        SELECT TIME_FLOOR(__time, 'PT1H', NULL, 'America/Argentina/Buenos_Aires') AS hora,
          SUM(cantidad) AS unidades
        FROM ventas GROUP BY 1""",
    "local hour of the day": """
        SELECT TIME_EXTRACT(__time, 'HOUR', 'America/Argentina/Buenos_Aires') AS hora, COUNT(*)
        FROM ventas GROUP BY 1 ORDER BY 1""",
    "day of the week": """
        SELECT EXTRACT(DOW FROM __time) AS dia, AVG(importe_centavos) FROM ventas GROUP BY 1""",
    "floor to": """
        SELECT FLOOR(__time TO DAY) AS dia, COUNT(*) FROM ventas GROUP BY FLOOR(__time TO DAY)""",
    "written day": """
        SELECT TIME_FORMAT(__time, 'yyyy-MM-dd') AS dia, COUNT(*) FROM ventas GROUP BY 1""",
    "between dates": """
        SELECT COUNT(*) FROM ventas
        WHERE __time BETWEEN TIMESTAMP '2026-11-01 00:00:00' AND TIMESTAMP '2026-12-01 00:00:00'""",
    "approval": """
        SELECT tipo_pago,
          ROUND(100.0 * COUNT(*) FILTER (WHERE estado = 'aprobada')
            / NULLIF(COUNT(*) FILTER (WHERE estado IN ('aprobada', 'rechazada')), 0), 1) AS tasa
        FROM ventas GROUP BY tipo_pago ORDER BY tasa DESC NULLS LAST""",
    "having": """
        SELECT sucursal, COUNT(*) AS n FROM ventas GROUP BY sucursal
        HAVING COUNT(*) > 10 AND SUM(importe_centavos) > 100000 ORDER BY n DESC""",
    "case": """
        SELECT CASE WHEN importe_centavos < 500000 THEN 'chica'
            WHEN importe_centavos < 5000000 THEN 'media' ELSE 'grande' END AS compra, COUNT(*)
        FROM ventas GROUP BY 1""",
    "case of a value": """
        SELECT CASE plataforma WHEN 'local' THEN 'En sucursal' ELSE 'En línea' END, COUNT(*)
        FROM ventas GROUP BY 1""",
    "sum of a case": """
        SELECT SUM(CASE WHEN estado IN ('reembolsada', 'contracargo') THEN -importe_centavos
            WHEN estado = 'aprobada' THEN importe_centavos ELSE 0 END) AS neto FROM ventas""",
    "distinct count": "SELECT COUNT(DISTINCT cliente) FROM ventas WHERE cliente <> ''",
    "distinct rows": "SELECT DISTINCT categoria, alicuota_iva FROM ventas ORDER BY categoria",
    "quantiles": """
        SELECT plataforma, APPROX_QUANTILE_DS(importe_centavos, 0.5) AS mediana
        FROM ventas GROUP BY 1""",
    "subquery": """
        SELECT veces, COUNT(*) AS clientes FROM (
          SELECT cliente, COUNT(*) AS veces FROM ventas
          WHERE estado = 'aprobada' AND cliente <> '' GROUP BY cliente)
        GROUP BY veces ORDER BY veces""",
    "with": """
        WITH por_producto AS (
          SELECT producto, SUM(importe_centavos) AS importe FROM ventas GROUP BY producto)
        SELECT COUNT(*), MAX(importe) FROM por_producto WHERE importe > 1000000""",
    "two withs joined": """
        WITH vendido AS (SELECT producto, SUM(cantidad) AS n FROM ventas
            WHERE estado = 'aprobada' GROUP BY 1),
          devuelto AS (SELECT producto, SUM(cantidad) AS n FROM ventas
            WHERE estado = 'reembolsada' GROUP BY 1)
        SELECT v.producto, v.n AS vendido, COALESCE(d.n, 0) AS devuelto
        FROM vendido v LEFT JOIN devuelto d ON v.producto = d.producto""",
    "share of the whole": """
        SELECT provincia, 100.0 * COUNT(*) / (SELECT COUNT(*) FROM ventas) AS parte
        FROM ventas GROUP BY provincia""",
    "in a subquery": """
        SELECT id_venta, estado FROM ventas
        WHERE id_venta IN (SELECT id_venta FROM ventas WHERE estado = 'contracargo')""",
    "last sales": """
        SELECT __time, sucursal, producto, importe_centavos FROM ventas
        ORDER BY __time DESC LIMIT 50""",
    "like": "SELECT DISTINCT producto FROM ventas WHERE LOWER(producto) LIKE '%yerba%'",
    "texts joined": """
        SELECT DISTINCT ciudad || ' (' || provincia || ')' AS lugar, CONCAT(tipo_pago, ' ', emisor)
        FROM ventas""",
    "list of values": "SELECT COUNT(*) FROM ventas WHERE provincia IN ('Salta', 'Jujuy', 'Chaco')",
    "union": """
        SELECT 'hoy' AS cuando, COUNT(*) AS n FROM ventas
        WHERE __time >= FLOOR(CURRENT_TIMESTAMP TO DAY)
        UNION ALL SELECT 'antes', COUNT(*) FROM ventas
        WHERE __time < FLOOR(CURRENT_TIMESTAMP TO DAY)""",
    "first and last": "SELECT MIN(__time), MAX(__time), COUNT(DISTINCT corrida) FROM ventas",
    "age in hours": """
        SELECT TIMESTAMPDIFF(HOUR, MAX(__time), CURRENT_TIMESTAMP) AS horas FROM ventas""",
    "cast": "SELECT CAST(cuotas AS VARCHAR) AS cuotas, COUNT(*) FROM ventas GROUP BY 1",
    "plan": "EXPLAIN PLAN FOR SELECT COUNT(*) FROM ventas",
}
"""Statements by their purpose."""
