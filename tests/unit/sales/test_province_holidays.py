from pathlib import Path

import pytest

from include.sales import province_holidays


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty file, to which the holidays are added instead."""
    path = tmp_path / "province_holidays.csv"
    path.touch()
    monkeypatch.setattr(province_holidays, "_FILE", path)
    return path


def test_market_data_has_all_holidays_of_the_package_until_2035(file: Path) -> None:
    province_holidays.main(range(2024, 2036))
    assert file.read_text() == ""


def test_holidays_of_a_new_year_are_added_by_province(file: Path) -> None:
    province_holidays.main([2036])
    assert "AR-T,2036-09-24,Aniversario de la Batalla de Tucumán,holidays " in file.read_text()
