import json
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from math import floor
from typing import Any, get_args

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.sales.content import SaleSource
from include.sales.event import (
    FIELDS,
    AlicuotaIva,
    Venta,
    decode,
    encode,
    format_ts,
    iva_incluido,
    json_schema,
)
from include.sales.market import Market, load_market

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)
SCHEMA = jsonschema.Draft202012Validator(json_schema())
SALE = msgspec.structs.replace(
    SaleSource(load_market(), 7, "prueba").chain(0, NOON)[0], id_evento="e1", id_venta="v1"
)


def test_json_is_compact_in_field_order_and_reads_back() -> None:
    data = encode(SALE)
    assert data.startswith(b'{"id_evento":"e1","id_venta":"v1","ts":"2026-11-24T15:00:00.000Z",')
    assert tuple(json.loads(data)) == Venta.__struct_fields__
    assert decode(data) == SALE


def test_fields_have_a_druid_type_and_description() -> None:
    assert tuple(field.name for field in FIELDS) == Venta.__struct_fields__
    longs = {field.name for field in FIELDS if field.kind == "long"}
    assert longs == {field.name for field in FIELDS if isinstance(getattr(SALE, field.name), int)}
    assert all(field.description for field in FIELDS)


def test_every_sale_satisfies_the_json_schema(market: Market) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    source = SaleSource(market, seed=7, corrida="muchas")
    for n in range(1000):
        SCHEMA.validate(json.loads(encode(source.chain(n, NOON)[-1])))


def _with(**changes: Any) -> dict[str, Any]:
    return {**msgspec.to_builtins(SALE), **changes}


@pytest.mark.parametrize(
    "event",
    [
        *({k: v for k, v in _with().items() if k != name} for name in Venta.__struct_fields__),
        *(_with(**{name: None}) for name in Venta.__struct_fields__),
        *(_with(**{field.name: "1" if field.kind == "long" else 1}) for field in FIELDS),
        *(_with(**{field.name: -1}) for field in FIELDS if field.kind == "long"),
        _with(vendedor="Ana"),
        _with(estado="anulada"),
        _with(tipo_pago="?"),
        _with(plataforma="?"),
        _with(alicuota_iva=2101),
        _with(cantidad=0),
        _with(cuotas=0),
        _with(cantidad=1.5),
        _with(id_evento=""),
        _with(ts="2026-11-24T15:00:00Z"),
        _with(ts="2026-11-24T12:00:00.000-03:00"),
        _with(ts="2026-11-24T12:00:00.000Z\n"),
    ],
)
def test_decode_and_schema_refuse_the_same(event: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(event)
    with pytest.raises(msgspec.ValidationError):
        decode(json.dumps(event).encode())


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"ts":"\xff"}', b'{"ts":' + b"[" * 100_000]
)
def test_decoding_malformed_event_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(data)


@settings(max_examples=200)
@given(st.data())
def test_any_bytes_give_an_event_of_the_schema_or_are_refused(
    data: st.DataObject,
) -> None:
    event = encode(SALE)
    start = data.draw(st.integers(0, len(event) - 1))
    stop = data.draw(st.integers(start, min(len(event), start + 20)))
    put = data.draw(
        st.binary(max_size=3) | st.sampled_from([b"null", b"1.0", b"1e400", b'"', b"\\ud800", b"{"])
    )
    garbled = event[:start] + put + event[stop:]
    try:
        decode(garbled)
    except msgspec.DecodeError:
        return
    SCHEMA.validate(json.loads(garbled))


@given(st.integers(0, 10**15), st.sampled_from(get_args(AlicuotaIva)))
def test_iva_is_the_exact_quotient_rounded_half_up(importe: int, alicuota: int) -> None:
    exact = Fraction(importe * alicuota, 10_000 + alicuota)
    assert iva_incluido(importe, alicuota) == floor(exact + Fraction(1, 2))


@pytest.mark.parametrize(
    ("importe", "alicuota", "iva"),
    [(0, 2100, 0), (1, 2100, 0), (3, 2100, 1), (12_100, 2100, 2100), (11_050, 1050, 1050)],
)
def test_iva_examples(importe: int, alicuota: int, iva: int) -> None:
    assert iva_incluido(importe, alicuota) == iva


def test_iva_of_a_column_equals_that_of_each_value() -> None:
    importes = np.arange(100_000, dtype=np.int64) * 37
    rates = np.full_like(importes, 1050)
    assert iva_incluido(importes, rates).tolist() == [
        iva_incluido(i, 1050) for i in importes.tolist()
    ]


def test_ts_is_utc_cut_to_milliseconds() -> None:
    argentina = timezone(timedelta(hours=-3))
    moment = datetime(2026, 11, 24, 21, 59, 59, 999_999, tzinfo=argentina)
    assert format_ts(moment) == "2026-11-25T00:59:59.999Z"
    assert format_ts(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"


def test_ts_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_ts(datetime(2026, 1, 1))
