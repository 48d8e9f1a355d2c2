-- Every event of a run and how often it is there: exact, since grouped and not counted distinct.
SELECT id_evento, COUNT(*) AS copies
FROM "{datasource}"
WHERE corrida = ?
GROUP BY id_evento
