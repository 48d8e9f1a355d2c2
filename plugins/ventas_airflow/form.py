"""The fields of the DAGs' forms: the Airflow parameter of each, and the check of its value.

Titles, descriptions and refusals are texts, under `form` and `refusal` in `texts/`.
"""

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from airflow.sdk import Param

from include.druid.queries import IDENTIFIER
from include.names import DATASOURCE, MAXIMUM_GAP, MINIMUM_GAP
from include.sales.data_files import read_table
from include.sales.incident_tables import IncidentKind
from include.sales.limits import DAY_SECONDS, MAX_PERCENT, MAX_SEED, MOST_DAYS, RATE_OF_FIELD
from include.sales.market import DATA
from include.texts import text

CADENCE, CURVE, LOAD = MODES = ("cadence", "curve", "load")
"""Modes: a sale after each gap; sales on the demand curve; as many as Kafka accepts."""

_UNGROUPED = 10_000
"""Numbers below this are shown without a separator of thousands."""

_LONGEST = 40
"""Characters of the longest number that is shown as a whole."""


class RefusedError(ValueError):
    """A value of the form is refused; the message is for the person who filled the form in."""


def refused(why: str, **values: object) -> RefusedError:
    """Return the error with text `refusal.<why>` in the chosen language."""
    return RefusedError(text(f"refusal.{why}", None, **values))


def shown(value: object) -> str:
    """Return a number as the chosen language writes it, anything else as Python writes it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return reprlib.repr(value)
    grouped = "," if abs(value) >= _UNGROUPED else ""
    written = f"{value:{grouped}}" if isinstance(value, int) else f"{value:{grouped}.15g}"
    signs = str.maketrans(",.", text("refusal.thousands") + text("refusal.decimal"))
    return reprlib.repr(value) if len(written) > _LONGEST else written.translate(signs)


_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class Field:
    """A field of a form, or an argument of an operator that is checked like one.

    Attributes:
        name: name of the parameter.
        type: JSON type of the value; a field without default accepts null, too.
        default: value of a form that nobody has changed.
        minimum: least number.
        maximum: greatest number.
        choices: the allowed texts; none for any text. The description of a list names them.
        pattern: regular expression of the allowed texts.
        format: JSON Schema's format of the text.
        section: group of fields, as in text `form.section.<section>`.
        description: which of the field's descriptions is shown, if it has several.
    """

    name: str
    type: str
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    format: str = ""
    section: str = ""
    description: str = "description"

    @property
    def title(self) -> str:
        return text(f"form.{self.name}.title")

    @property
    def template(self) -> str:
        """Jinja template of the form's value."""
        return f"{{{{ params.{self.name} }}}}"

    def param(self) -> Param:
        """Return the field for Airflow's form, with title and description."""
        options = () if self.type == "array" else self.choices
        schema: dict[str, Any] = {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "enum": list(options),
            "values_display": {it: text(f"form.{self.name}.choices.{it}") for it in options},
            "pattern": self.pattern,
            "format": self.format,
            "items": {"type": "string"} if self.type == "array" else None,
            "section": self.section and text(f"form.section.{self.section}"),
        }
        return Param(
            self.default,
            title=self.title,
            description=text(
                f"form.{self.name}.{self.description}", choices=", ".join(self.choices)
            ),
            # Airflow's form sends null for a blank field, and not an empty text or list.
            type=self.type if self.default is not None else ["null", self.type],
            **{name: value for name, value in schema.items() if value not in (None, "", [], {})},
        )

    def number(self, value: object) -> float:
        """Return a number, which may be given as text, or raise `RefusedError`."""
        try:
            return self._within(float(str(value)))
        except ValueError:
            raise self._refuse("number", value) from None

    def whole(self, value: object) -> int:
        """Return a whole number, which may be given as text, or raise `RefusedError`."""
        try:
            # JSON has no integers: 2.0 from a form is a whole number, just as 2.
            if isinstance(value, float) and value.is_integer():
                return self._within(int(value))
            return self._within(int(str(value)))
        except ValueError:
            raise self._refuse("whole", value) from None

    def choice(self, value: object) -> str:
        """Return one of the choices, or raise `RefusedError`."""
        if value not in self.choices:
            raise self._refuse("choice", value)
        return str(value)

    def texts(self, value: object) -> list[str]:
        """Return a list of texts, which is empty for a blank field, or raise `RefusedError`."""
        if value is None:
            return []
        if not isinstance(value, list | tuple) or not all(isinstance(it, str) for it in value):
            raise self._refuse("texts", value)
        return list(value)

    def moment(self, value: object) -> datetime | None:
        """Return a moment with time zone, None for a blank field, or raise `RefusedError`."""
        if value is None or value == "":
            return None
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            moment = None
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            raise self._refuse("moment", value)
        return moment

    def _within(self, number: _Number) -> _Number:
        assert self.minimum is not None  # noqa: S101 - every number has its limits
        assert self.maximum is not None  # noqa: S101
        if not self.minimum <= number <= self.maximum:
            raise ValueError
        return number

    def _refuse(self, why: str, value: object) -> RefusedError:
        return refused(
            why,
            title=self.title,
            minimum=shown(self.minimum),
            maximum=shown(self.maximum),
            choices=", ".join(self.choices),
            value=shown(value),
        )


MODE: Final = Field("mode", "string", CADENCE, choices=MODES)
DURATION: Final = Field("duration_minutes", "number", 10.0, 0.25, 720)
MINIMUM: Final = Field("minimum_gap", "number", MINIMUM_GAP, 0.01, 3600)
MAXIMUM: Final = replace(MINIMUM, name="maximum_gap", default=MAXIMUM_GAP)
SEED: Final = Field("seed", "integer", 2026, 0, MAX_SEED)
STORES: Final = Field("stores", "array")
SECONDS_PER_DAY: Final = Field("seconds_per_day", "integer", 60, 1, DAY_SECONDS)
SCALE: Final = Field("scale", "number", 1.0, 0.0001, 1000, section="curve")
STARTS_AT: Final = Field("starts_at", "string", format="date-time", section="curve")
LOAD_SALES: Final = Field("load_sales", "integer", 100_000, 1, 1_000_000_000, section="load")
LOAD_RATE: Final = Field("load_rate", "number", 0.0, 0, 1_000_000, section="load")
SHARDS: Final = Field("shards", "integer", 1, 1, 64, section="load")
FAULTS: Final[Mapping[str, Field]] = {
    kind: Field(name, "number", 0.0, 0, MAX_PERCENT, section="faults")
    for name, kind in RATE_OF_FIELD.items()
}
"""Rates of the injected faults, by the names of `FaultRates`."""

_KINDS = read_table(DATA / "incidents.csv", IncidentKind)[0]
INCIDENTS: Final = Field(
    "incidents",
    "array",
    choices=tuple(line.row.incidente for line in _KINDS),
    section="incidents",
)
KEEP_VM: Final = Field("keep_vm", "boolean", default=False)
RESET_OFFSETS: Final = Field("reset_offsets", "boolean", default=False)
DAYS: Final = Field("days", "integer", 7, 1, MOST_DAYS)
UNTIL_NOW: Final = Field("until_now", "boolean", default=False)
DAY_SCALE: Final = replace(SCALE, maximum=100, section="", description="of_days")
GO_LIVE: Final = Field("go_live", "boolean", default=False)
LIVE_MINUTES: Final = replace(DURATION, name="live_minutes", default=60.0)
LOOKBACK: Final = Field("lookback_minutes", "integer", 60, 1, 1440)
VALIDATED: Final = Field("datasource", "string", DATASOURCE, pattern=f"^{IDENTIFIER}$")

#: Arguments of operators that are on no form.
ENDS_AT: Final = Field("ends_at", "string", format="date-time")
DELIVERY_TIMEOUT: Final = Field("delivery_timeout", "number", 120.0, 1, 3600)

WINDOW: Final = (
    *(MODE, DURATION, MINIMUM, MAXIMUM, SEED, STORES, SECONDS_PER_DAY, SCALE, STARTS_AT),
    *(LOAD_SALES, LOAD_RATE, SHARDS, *FAULTS.values(), INCIDENTS, KEEP_VM, RESET_OFFSETS),
)
"""The window's form, in the order in which Airflow shows the fields."""

BACKFILL: Final = (
    *(DAYS, UNTIL_NOW, DAY_SCALE, replace(SEED, description="of_days"), STORES),
    replace(LOAD_RATE, section="", description="of_days"),
    *(GO_LIVE, LIVE_MINUTES, replace(INCIDENTS, description="of_days"), KEEP_VM, RESET_OFFSETS),
)
VALIDATION: Final = (LOOKBACK, VALIDATED)


def params(fields: Iterable[Field]) -> dict[str, Param]:
    """Return a DAG's parameters: its form."""
    return {field.name: field.param() for field in fields}


def templates(*fields: Field) -> dict[str, str]:
    """Return the template of each field's value, by the name of the operators' argument."""
    return {field.name: field.template for field in fields}
