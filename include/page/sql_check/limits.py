"""Limits of a statement of free SQL, each with the harm that it prevents."""

from typing import Final

MOST_NESTED: Final = 12
"""Most levels of parentheses, CASEs and function calls inside each other."""

MOST_LEVELS: Final = 5
"""Most levels of queries inside each other, WITH included."""

MOST_READS: Final = 6
"""Most reads of a table plus SELECTs without one; each use of a WITH query counts again."""

MOST_COLUMNS: Final = 60
"""Most columns of one SELECT, GROUP BY or ORDER BY; a ``*`` counts all its columns."""

SUBQUERY_ROWS: Final = 10_000
"""Most rows that the broker may hold for a statement's subqueries; Druid's default is 100,000."""

JOINED_WORK: Final = 240_000_000
"""Limit of (subquery rows)² × words of the statement, if a FROM begins with a derived table and
joins it.

The broker then evaluates every word for up to rows² / 4 pairs of rows. Druid 33 stops this neither
at the time-out nor when the query is cancelled; it evaluates 40 million words of pairs per second.
A join that begins with a datasource runs where the segments are, and stops at the time-out.
"""

MOST_LISTED: Final = 250
"""Most values of one IN."""

MOST_WEIGHT: Final = 600
"""Most words of one expression after Calcite has expanded it.

Calcite replaces each column of a derived table by its expression, and repeats the operands that
NULLIF, COALESCE, BETWEEN, IN, IS DISTINCT FROM and CASE compare: 15 nested NULLIFs become 32,768
operands, and Druid 33 plans them for longer than anybody waits. Druid overflows its stack at 600
summands, which are 1,200 words; it plans 300 summands in a second.
"""

MOST_SIZE: Final = 3_000
"""Most words of all expanded expressions; each use of a WITH query counts again."""

MOST_PIECES: Final = 30
"""Most long texts, formats and pieces of concatenations in all columns, after the expansion.

Druid holds the 10,000 rows of an answer in its heap. Four simultaneous answers of 59 columns with
97 characters that the query itself made ended a broker of 320 MiB.
"""

MOST_SKETCHES: Final = 8
"""Most calls of COUNT(DISTINCT) and of the approximate functions, which use sketches.

A sketch takes kilobytes per group: four simultaneous queries with 58 sketches, grouped by id, ended
a historical of 384 MiB, and an indexer.
"""

LONG_TEXT: Final = 20
"""Characters above which a text in the query counts as a piece; texts of sales are shorter."""

MOST_DIGITS: Final = 18
"""Most digits of `ROUND` and `TRUNCATE`, before or after the decimal point."""

LARGEST_LIMIT: Final = 10_000
"""Most rows of LIMIT and OFFSET: the page shows no more, and Druid sorts them in its heap."""

MOST_WILDCARDS: Final = 8
"""Most ``%`` signs in the pattern of one LIKE."""
