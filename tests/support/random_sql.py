"""Random statements of the SQL box's grammar with extreme numbers, the same for the same seed."""

from collections.abc import Sequence
from random import Random

from include.page.sql_check.words import TYPES, UNITS, functions

NUMBERS = ("0", "1", "-1", "18", "2147483647", "9223372036854775807", "1e300", "1e-300", "0.1")
WHOLE = ("0", "1", "-1", "18", "2147483647", "cantidad", "secuencia", "CAST(__time AS BIGINT)")
NUMERIC = ("cantidad", "secuencia", "importe_centavos", "iva_centavos", "cuotas")
TEXTS = ("producto", "sku", "provincia", "id_evento", "estado", "'x'", "'%'", "''")
MOMENTS = (
    "__time",
    "CURRENT_TIMESTAMP",
    "TIMESTAMP '1000-01-01 00:00:00'",
    "TIMESTAMP '9999-12-31'",
)
PERIODS = ("'PT1S'", "'PT9999S'", "'P1D'", "'P9999Y'")

#: Expressions that the SQL box must refuse before Druid sees them.
POISONS = (
    "REPEAT('x', 1000000000)",
    "LPAD(producto, 1000000000, ' ')",
    "REGEXP_EXTRACT(producto, '(a|a)*b')",
    "(SELECT COUNT(*) FROM sys.segments a, sys.segments b)",
    "(SELECT COUNT(*) FROM INFORMATION_SCHEMA.COLUMNS a, INFORMATION_SCHEMA.COLUMNS b)",
    "ROUND(1.5, 1000000000)",
    "1e1000000000",
    "SUM(cantidad) OVER ()",
    "CAST(1 AS DECIMAL(1000000000, 0))",
    "ARRAY_AGG(producto, 1000000000)",
    "LOOKUP(producto, 'x')",
    "\"REPEAT\"('x', 1000000000)",
    "U&'x'",
    "?",
)

_AGGREGATIONS = ("SUM", "AVG", "MIN", "MAX", "COUNT", "ANY_VALUE")
_DISTINCT = tuple(name for name in functions() if name.startswith("APPROX_COUNT"))
_TEXT_FUNCTIONS = (
    *("CONCAT", "UPPER", "LOWER", "TRIM", "BTRIM", "LTRIM", "RTRIM"),
    *("SUBSTRING", "SUBSTR", "LEFT", "RIGHT"),
)
_TEXT_MEASURES = ("CHAR_LENGTH", "LENGTH", "STRPOS")
_MOMENT_FUNCTIONS = ("TIME_FLOOR", "TIME_CEIL", "TIME_SHIFT")
_NUMBER_FUNCTIONS = tuple(
    name
    for name, kinds in functions().items()
    if name not in (*_AGGREGATIONS, *_DISTINCT, *_TEXT_FUNCTIONS, *_TEXT_MEASURES)
    and not name.startswith(("TIME", "MILLIS", "APPROX"))
    and {*kinds} <= {"any", "any...", "digits?"}
)


class RandomSql:
    """Makes statements; a `poison` replaces one expression."""

    def __init__(self, seed: int, table: str = "ventas") -> None:
        self._random = Random(seed)
        self._table = table
        self._poison = ""

    def statement(self, poison: str = "") -> str:
        """Return a statement; it always contains `poison`."""
        while True:
            self._poison = poison
            text = self._query(self._random.randint(0, 2))
            if poison in text:
                return text

    def _pick(self, choices: Sequence[str]) -> str:
        return self._random.choice(choices)

    def _is(self, chance: float) -> bool:
        return self._random.random() < chance

    def _query(self, depth: int) -> str:
        grouped = self._is(0.6)
        items = [self._any(2) for _ in range(self._random.choice((1, 2, 5)))]
        keys = ", ".join(str(n) for n in range(1, len(items) + 1))
        if grouped:
            items += [self._aggregation() for _ in range(self._random.choice((1, 3, 8)))]
        named = ", ".join(f"{item} AS c{n}" for n, item in enumerate(items))
        text = f"SELECT {named} FROM {self._source(depth)}"  # noqa: S608
        text += f" WHERE {self._condition(2)}" if self._is(0.6) else ""
        text += f" GROUP BY {keys}" if grouped else ""
        text += f" HAVING {self._aggregation()} > {self._pick(NUMBERS)}" if grouped else ""
        text += f" ORDER BY {len(items)} DESC" if grouped and self._is(0.3) else ""
        text += f" LIMIT {self._pick(('1', '1000', '10000'))}" if self._is(0.5) else ""
        return text

    def _source(self, depth: int) -> str:
        """Return the tables after FROM; the first one has all columns of a sale."""
        if depth <= 0:
            return self._table
        other = f"(SELECT cantidad AS n, provincia AS p FROM {self._table} LIMIT 900)"  # noqa: S608
        match self._random.randrange(4):
            case 0:
                joined = f" CROSS JOIN {other} b"
            case 1:
                joined = f" JOIN {other} b ON a.provincia = b.p"
            case 2:
                joined = f" LEFT JOIN {other} b ON a.cantidad < b.n"
            case _:
                # A subquery may only be part of a join of two tables.
                return f"{self._table} a, ({self._query(depth - 1)}) b"
        if self._is(0.5):
            return f"{self._table} a{joined}"
        return f"(SELECT * FROM {self._table} LIMIT 900) a{joined}"  # noqa: S608

    def _any(self, depth: int) -> str:
        if self._poison and self._is(0.2):
            poison, self._poison = self._poison, ""
            return poison
        kind = self._random.randrange(3)
        return (self._number, self._text, self._moment)[kind](depth)

    def _call(self, name: str, depth: int, first: str) -> str:
        arguments = [first]
        for kind in functions()[name][1:]:
            if kind.endswith("?") and self._is(0.5):
                break
            match kind.rstrip("?."):
                case "digits":
                    arguments.append(self._pick(("-18", "0", "18")))
                case "period":
                    arguments.append(self._pick(PERIODS))
                case "text":
                    arguments.append("'UTC'" if name.startswith("TIME") else "'x'")
                case "concat":
                    arguments += [self._text(depth - 1) for _ in range(3)]
                case _ if name in ("TIME_FLOOR", "TIME_CEIL"):
                    arguments.append(self._moment(0))
                case _ if name in ("TIME_SHIFT", "SUBSTRING", "SUBSTR", "LEFT", "RIGHT"):
                    arguments.append(self._pick(WHOLE))
                case _:
                    arguments.append(self._number(depth - 1))
        return f"{name}({', '.join(arguments)})"

    def _number(self, depth: int) -> str:
        if depth <= 0:
            return self._pick(NUMERIC + NUMBERS)
        match self._random.randrange(6):
            case 0:
                sign = self._pick(("+", "-", "*", "/"))
                return f"({self._number(depth - 1)} {sign} {self._number(depth - 1)})"
            case 1:
                name = self._pick(_TEXT_MEASURES)
                second = f", {self._text(depth - 1)}" if name == "STRPOS" else ""
                return f"{name}({self._text(depth - 1)}{second})"
            case 2:
                if self._is(0.3):
                    return f"CAST({self._moment(depth - 1)} AS BIGINT)"
                read = self._number if self._is(0.5) else self._text
                return f"CAST({read(depth - 1)} AS {self._pick(TYPES[:4])})"
            case 3:
                case, then = self._condition(depth - 1), self._number(depth - 1)
                return f"CASE WHEN {case} THEN {then} ELSE {self._pick(NUMBERS)} END"
            case 4:
                unit = self._pick(UNITS)
                return f"TIMESTAMPDIFF({unit}, {self._moment(depth - 1)}, {self._moment(0)})"
            case _:
                name = self._pick(_NUMBER_FUNCTIONS)
                return self._call(name, depth, self._number(depth - 1))

    def _text(self, depth: int) -> str:
        if depth <= 0:
            return self._pick(TEXTS)
        if self._is(0.3):
            return (
                f"({self._text(depth - 1)} || {self._text(depth - 1)} || {self._text(depth - 1)})"
            )
        if self._is(0.2):
            return f"TIME_FORMAT({self._moment(depth - 1)}, '{'y' * 30}')"
        return self._call(self._pick(_TEXT_FUNCTIONS), depth, self._text(depth - 1))

    def _moment(self, depth: int) -> str:
        if depth <= 0:
            return self._pick(MOMENTS)
        if self._is(0.3):
            unit, number = self._pick(UNITS), self._pick(WHOLE)
            return f"TIMESTAMPADD({unit}, {number}, {self._moment(depth - 1)})"
        return self._call(self._pick(_MOMENT_FUNCTIONS), depth, self._moment(depth - 1))

    def _aggregation(self) -> str:
        if self._is(0.2):
            return f"APPROX_QUANTILE_DS({self._number(1)}, 0.5)"
        if self._is(0.2):
            return f"{self._pick(_DISTINCT)}({self._text(1)})"
        text = f"{self._pick(_AGGREGATIONS)}({self._number(1)})"
        return f"{text} FILTER (WHERE {self._condition(1)})" if self._is(0.3) else text

    def _condition(self, depth: int) -> str:
        if depth > 0 and self._is(0.5):
            sign = self._pick(("AND", "OR", "AND NOT"))
            count = self._random.choice((2, 12))
            return f"({f' {sign} '.join(self._condition(0) for _ in range(count))})"
        match self._random.randrange(5):
            case 0:
                return f"{self._number(1)} {self._pick(('=', '<>', '<', '>='))} {self._number(1)}"
            case 1:
                return f"{self._text(1)} LIKE '%a%a%a%a%a%a%a%b'"
            case 2:
                values = ", ".join(str(n) for n in range(self._random.choice((1, 200))))
                return f"secuencia NOT IN ({values})"
            case 3:
                return f"{self._moment(1)} BETWEEN {self._moment(0)} AND {self._moment(0)}"
            case _:
                return f"id_evento IN (SELECT id_evento FROM {self._table} LIMIT 900)"  # noqa: S608
