"""Route of «¿Qué habría pasado?»: a window with and without incidents of business.

Like `include.page.flow_rules`, it takes the run that the browser read in Airflow's own API. The
seed and the incidents come from the ledger, and the ledger's sums show whether the rest is right.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response

from include.names import CLOCK_SKEW, LEDGER_TOPIC, TOPIC
from include.page.flow_rules import Run, planned_end
from include.sales.content import SaleSource
from include.sales.incidents import Incident, Plan
from include.sales.local_time import epoch_ms
from include.sales.market import load_market
from include.sales.what_if import Comparison, Period, by_state, compare, sums_of_run
from include.stream.ledger import RunProgress
from include.stream.moments import SalesDeletedError, TooManySalesError, moments_of_run
from include.texts import InputError
from ventas_airflow import form
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.errors import decoded
from ventas_airflow.page.services import comparing, kafka_config

router = APIRouter()
_shared: Final = AnswerCache(turns=comparing, most=50)

MOST_SALES: Final = 300_000
"""Most sales of a run that is compared: some seconds of one processor."""

TIME_LIMIT: Final = 45.0
"""Seconds to read the ledger, and again to read the sales."""

KEPT_SECONDS: Final = 60.0
"""Seconds that an answer is shared: a window that sells has more sales by then."""


class Asked(msgspec.Struct, frozen=True):
    """Body of a request.

    Attributes:
        run: the window.
        defaults: values of the form that a run without its own values uses.
        without: position of the run's incident to leave out; None for all.
        also: an incident that the run did not have, as a line of the form. If given, the run is
            compared with a run that has it, too.
    """

    run: Run
    defaults: dict[str, Any] = {}
    without: int | None = None
    also: Annotated[str, msgspec.Meta(max_length=400)] = ""


class Answer(msgspec.Struct, frozen=True):
    """Sums of a window as it was and as it would have been.

    Attributes:
        incidents: all incidents of the run.
        changing: the incidents that one side of the comparison has and the other has not.
        first_ts: moment of its first event, as `last_ts` of its last one.
        equal: whether the sums with the run's incidents are exactly those of the ledger. They are
            not while the window sells, nor if it was stopped before its sales were decided.
    """

    incidents: tuple[Incident, ...]
    changing: list[Incident]
    first_ts: str
    last_ts: str | None
    equal: bool
    comparison: Comparison


@router.post("/api/what-if")
async def what_if(request: Request, viewer: Asking) -> Response:
    """Return the comparison that the request's body asks for (`Asked`), as JSON."""
    body = await request.body()
    asked = decoded(body, Asked)
    answer = await _shared.get(viewer, body, KEPT_SECONDS, lambda: _answer(asked))
    return Response(answer, media_type="application/json")


def _answer(asked: Asked) -> bytes:
    try:
        return msgspec.json.encode(_compared(asked))
    except InputError:
        raise
    except (ValueError, OverflowError) as error:
        # The browser sends only what Airflow's form has accepted.
        raise HTTPException(422, str(error)) from error


def _compared(asked: Asked) -> Answer:
    run = asked.run
    values = {**asked.defaults, **(run.conf or {})}
    try:
        progress, moments = moments_of_run(
            kafka_config(),
            TOPIC,
            LEDGER_TOPIC,
            run.dag_run_id,
            most=MOST_SALES,
            since=run.run_after - CLOCK_SKEW,
            time_limit=TIME_LIMIT,
        )
    except SalesDeletedError as error:
        raise InputError("page_refusal.what_if.deleted") from error
    except TooManySalesError as error:
        raise InputError("page_refusal.what_if.many", most=f"{MOST_SALES:,}") from error
    own = progress.incidents
    begins = _begins(progress, values)
    extra = [Plan.read(asked.also, load_market()).begun(begins)] if asked.also else []
    changing = extra or [it for n, it in enumerate(own) if asked.without in (None, n)]
    if not changing or progress.first_ts is None:
        raise InputError("page_refusal.what_if.none")
    kept = [it for n, it in enumerate(own) if asked.without not in (None, n)]
    # A load's simulated clock ends at the moment at which the run was asked for.
    end = planned_end(run, asked.defaults, begins) or run.run_after
    period = Period(
        moments,
        epoch_ms(min(end, datetime.now(UTC))),
        all_decided=values.get("mode") != form.LOAD,
    )
    source = _source(progress, values)
    sold, other = (
        sums_of_run(source.with_incidents(incidents), period)
        for incidents in (own, [*own, *extra] if extra else kept)
    )
    return Answer(
        own,
        changing,
        progress.first_ts,
        progress.last_ts,
        by_state(sold) == progress.by_state,
        compare(source, *((other, sold) if extra else (sold, other))),
    )


def _source(progress: RunProgress, values: dict[str, Any]) -> SaleSource:
    assert progress.seed is not None  # noqa: S101 - a run with incidents has entries
    stores = form.STORES.texts(values.get("stores"))
    seconds = form.SECONDS_PER_DAY.whole(values.get("seconds_per_day"))
    source = SaleSource(load_market(), progress.seed, progress.run, stores, seconds)
    if source.choices != progress.choices:
        raise InputError("page_refusal.what_if.changed")
    return source


def _begins(progress: RunProgress, values: dict[str, Any]) -> datetime:
    """Return when the run began: the moment from which the form's minutes count.

    Only the run's incidents tell it exactly; without them, it is the moment of the first sale.
    """
    if not progress.incidents:
        return datetime.fromisoformat(progress.first_ts) if progress.first_ts else datetime.now(UTC)
    lines = [line for line in form.INCIDENTS.texts(values.get("incidents")) if line.strip()]
    after = Plan.read(lines[0], load_market()).after if lines else 0.0
    return datetime.fromisoformat(progress.incidents[0].desde) - timedelta(minutes=after)
