import csv
import shutil
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.ar import cuit

from include.sales.event import AlicuotaIva
from include.sales.market import DATA, MarketError, load_market

STORE = load_market().stores[0]

with Path(__file__).with_name("mistakes.csv").open(encoding="utf-8", newline="") as file:
    MISTAKES = list(csv.reader(file))
"""Mistakes in a line of a data file, and the message that each must have."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the data files, for a test to change."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def line_of(path: Path, start: str) -> int:
    """Return the number, from 1, of the only line that starts with `start`."""
    (number,) = (
        n for n, line in enumerate(path.read_text().splitlines(), 1) if line.startswith(start)
    )
    return number


def spoil(path: Path, start: str, old: str, new: str) -> str:
    """Change the only line that starts with `start`; return its position as errors show it."""
    number = line_of(path, start)
    lines = path.read_text().splitlines()
    assert old in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace(old, new, 1)
    path.write_text("\n".join(lines) + "\n")
    return f"{path.name}:{number}: "


def problems(folder: Path) -> list[str]:
    with pytest.raises(MarketError) as caught:
        load_market(folder)
    told = [str(problem) for problem in caught.value.problems]
    assert str(caught.value).splitlines()[1:] == [f"  {problem}" for problem in told]
    return told


def test_market_data_cover_the_whole_country() -> None:
    market = load_market()
    assert len(market.provinces) == 24
    assert len(market.stores) >= 60
    assert len(market.products) >= 300
    assert len(market.categories) >= 12
    assert {p.alicuota_iva for p in market.products} == set(get_args(AlicuotaIva))


def test_cuits_of_all_stores_are_valid() -> None:
    assert all(cuit.is_valid(store.cuit) for store in load_market().stores)


@given(st.integers(0, 10**10 - 1), st.integers(0, 9))
def test_cuit_is_valid_only_with_its_check_digit(number: int, last: int) -> None:
    text = f"{number:010d}"
    store = msgspec.structs.replace(STORE, cuit=f"{text[:2]}-{text[2:]}-{last}")
    assert store.cuit_is_valid == (cuit.calc_check_digit(text) == str(last))


def test_prices_are_pesos_in_the_file_and_centavos_in_the_market(folder: Path) -> None:
    spoil(folder / "products.csv", "ALM-001,", "4800", "4800.5")
    (product,) = (p for p in load_market(folder).products if p.sku == "ALM-001")
    assert product.precio_centavos == 480_050


def test_every_mistake_is_reported_at_once_with_file_and_line(folder: Path) -> None:
    products, stores, payments = (
        folder / f"{name}.csv" for name in ("products", "stores", "payments")
    )
    places = [
        spoil(payments, "local,electro,credito", "58.4", "85.4"),
        spoil(products, "ALM-001,", ",4800,", ",-4800,"),
        spoil(products, "ALM-002,", ",2100,", ",2700,"),
        spoil(products, "LAC-001,", "Lácteos", "Lacteos"),
        spoil(stores, "palermo,", "AR-C", "AR-1"),
    ]
    told = problems(folder)
    assert [next((p for p in told if p.startswith(place)), "") for place in places] == told
    assert told == [
        places[0] + "the shares of local/electro sum to 126.90, not 100",
        places[1] + told[1].split(": ", 1)[1],
        places[2] + "alicuota_iva is '2700': Invalid enum value 2700",
        places[3] + "categoria 'Lacteos' is not in categories.csv",
        places[4] + "province 'AR-1' is not in provinces.csv",
    ]
    assert "precio is '-4800'" in told[1]


def test_every_wrong_cell_of_a_line_is_reported(folder: Path) -> None:
    place = spoil(folder / "products.csv", "ALM-001,", ",4800,2100,1,", ",0x12,x,0,")
    told = problems(folder)
    assert all(problem.startswith(place) for problem in told)
    assert sorted(problem.split()[1] for problem in told) == ["alicuota_iva", "precio", "rank"]


@pytest.mark.parametrize(MISTAKES[0], MISTAKES[1:])
def test_mistake_in_a_line_is_reported(
    folder: Path, file: str, start: str, old: str, new: str, message: str
) -> None:
    spoil(folder / f"{file}.csv", start, old, new)
    assert message in "\n".join(problems(folder))


@pytest.mark.parametrize(
    ("file", "prefix", "message"),
    [
        ("categories", "Librería", "categoria 'Librería' is not in categories.csv"),
        ("discounts", "electro", "discounts.csv:1: the lines of electro are missing"),
        ("issuers", "billetera", "issuers.csv:1: the lines of billetera/all are missing"),
        ("outcomes", ("qr", ","), "outcomes.csv:1: the lines of qr are missing"),
        ("payments", "online", "payments.csv:1: the lines of online/electro are missing"),
        ("products", "LIB", "categoria 'Librería' has no line in products.csv"),
        ("rejections", "qr", "rejections.csv:1: the lines of qr are missing"),
    ],
)
def test_missing_line_is_reported(
    folder: Path, file: str, prefix: str | tuple[str, ...], message: str
) -> None:
    path = folder / f"{file}.csv"
    kept = [line for line in path.read_text().splitlines() if not line.startswith(prefix)]
    path.write_text("\n".join(kept) + "\n")
    assert message in "\n".join(problems(folder))


def test_market_without_online_sales_is_reported(folder: Path) -> None:
    path = folder / "platforms.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *(line for line in lines if ",local," in line)]) + "\n")
    assert "platforms.csv:1: no platform sells online" in "\n".join(problems(folder))


def test_wrong_header_is_reported_once(folder: Path) -> None:
    spoil(folder / "stores.csv", "id,", "ciudad", "localidad")
    assert problems(folder) == [
        "stores.csv:1: column 'ciudad' is missing",
        "stores.csv:1: column 'localidad' is unknown",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the file is missing"),
        (b"", "column 'percent' is missing"),
        (b"grupo,percent,share,source,date\n", "the file has only a header"),
        ("grupo,percent,share,source,date\nñandú".encode("latin-1"), "not UTF-8"),
    ],
)
def test_file_that_is_not_a_table_is_reported(
    folder: Path, content: bytes | None, message: str
) -> None:
    path = folder / "discounts.csv"
    path.unlink() if content is None else path.write_bytes(content)
    told = problems(folder)
    assert message in "\n".join(told)
    assert all(problem.startswith("discounts.csv:1: ") for problem in told)


def test_missing_folder_and_unreadable_file_are_reported(folder: Path) -> None:
    assert all("cannot be read: " in problem for problem in problems(folder / "stores.csv"))
    (folder / "stores.csv").unlink()
    (folder / "stores.csv").mkdir()
    assert any(told.startswith("stores.csv:1: the file cannot") for told in problems(folder))


def test_unicode_line_separator_does_not_change_line_numbers(folder: Path) -> None:
    place = spoil(folder / "products.csv", "LAC-001,", "Lácteos", "Lacteos")
    text = (folder / "products.csv").read_text(encoding="utf-8")
    (folder / "products.csv").write_text(text.replace("Playadito", "Play\u2028adito"))
    assert [told.startswith(place) for told in problems(folder)] == [True]


def test_very_long_cell_is_reported_cut(folder: Path) -> None:
    spoil(folder / "stores.csv", "palermo,", "supermercado", "9" * 5000)
    (told,) = problems(folder)
    assert len(told) < 400


SPOILT_CELLS = st.sampled_from(
    [
        "",
        " ",
        "nan",
        "1e400",
        "-1",
        "１２",
        "9" * 5000,
        '"',
        '"a\nb"',
        "\x00",
        "\x85",
        "\ufeff",
        ",",
        "x",
    ]
)


@settings(max_examples=25)
@given(data=st.data())
def test_any_file_content_gives_a_market_or_errors_with_file_and_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = Path(shutil.copytree(DATA, tmp_path_factory.mktemp("spoilt") / "data"))
    path = data.draw(st.sampled_from(sorted(folder.glob("*.csv"))))
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    number = data.draw(st.integers(0, len(lines) - 2))
    cells = lines[number].split(",")
    cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(SPOILT_CELLS)
    lines[number] = ",".join(cells)
    spoilt = "\n".join(lines).encode()
    start = data.draw(st.integers(0, len(spoilt) - 1))
    garbage = data.draw(st.binary(max_size=4))
    path.write_bytes(
        data.draw(
            st.sampled_from(
                [
                    spoilt,
                    spoilt[:start] + garbage + spoilt[start:],
                    spoilt[:start],
                    spoilt.replace(b"\n", b"\r\n"),
                    spoilt.replace(b"\n", b"\r"),
                    text.encode("utf-16"),
                    text.encode("latin-1", "replace"),
                    text.encode("utf-8-sig"),
                ]
            )
        )
    )
    try:
        load_market(folder)
    except MarketError as error:
        for problem in error.problems:
            assert problem.line >= 1
            assert len(str(problem).splitlines()) == 1
            assert (folder / problem.file).exists()
