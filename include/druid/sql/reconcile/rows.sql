-- How many rows some runs have together; their names come as one text, a line each.
SELECT COUNT(*) AS row_count
FROM "{datasource}"
WHERE SCALAR_IN_ARRAY(corrida, STRING_TO_ARRAY(?, U&'\000A'))
