-- Events of some states and the sum of a column, by the values of one or two dimensions.
SELECT {keys}estado, COUNT(*) AS events, SUM({column}) AS amount
FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)
  AND estado IN ({states}){where}
GROUP BY {places}
