"""The settings of a stack, from environment variables."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.stack.settings import DEFAULT_PORTS, ROOT, Settings, SettingsError, port_variable

FURTHEST = 65535 - max(DEFAULT_PORTS.values())


def test_without_variables_stack_uses_the_project_folder_and_default_ports() -> None:
    settings = Settings.from_environment({})
    assert settings.home == ROOT / ".ventas"
    assert settings.cache == Path.home() / ".cache" / "ventas"
    assert settings.ports == DEFAULT_PORTS
    assert settings.url("druid") == "http://127.0.0.1:8888"
    assert settings.address("kafka") == "127.0.0.1:9092"


@given(offset=st.integers(1, FURTHEST))
def test_offset_is_added_to_every_port(offset: int) -> None:
    settings = Settings.from_environment({"VENTAS_PORT_OFFSET": str(offset)})
    assert settings.ports == {name: port + offset for name, port in DEFAULT_PORTS.items()}


def test_variable_of_a_service_overrides_the_offset() -> None:
    settings = Settings.from_environment(
        {"VENTAS_PORT_OFFSET": "1000", "VENTAS_PORT_KAFKA_CONTROLLER": "19093"}
    )
    assert settings.ports["kafka-controller"] == 19093
    assert settings.ports["kafka"] == 10092


def test_relative_folders_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"VENTAS_HOME": "mine", "XDG_CACHE_HOME": "downloads"})
    assert settings.home == tmp_path / "mine"
    assert settings.cache == tmp_path / "downloads" / "ventas"


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"VENTAS_PORT_OFFSET": "many"}, "VENTAS_PORT_OFFSET must be a whole number, not 'many'"),
        ({"VENTAS_PORT_KAFKA": "9092.5"}, "VENTAS_PORT_KAFKA must be a whole number"),
        ({"VENTAS_PORT_KAFKA": "0"}, "port of kafka would be 0: set VENTAS_PORT_KAFKA"),
        ({"VENTAS_PORT_OFFSET": str(FURTHEST + 1)}, "would be 65536: set VENTAS_PORT_KAFKA_CONT"),
        ({"VENTAS_PORT_OFFSET": "-2000"}, "port of derby would be -473: set VENTAS_PORT_DERBY"),
        ({"VENTAS_PORT_AIRFLOW": "8888"}, "airflow and druid would both use port 8888"),
    ],
)
def test_invalid_port_is_refused_with_its_variable(
    environment: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Settings.from_environment(environment)


@given(service=st.sampled_from(sorted(DEFAULT_PORTS)), other=st.sampled_from(sorted(DEFAULT_PORTS)))
def test_two_services_never_share_a_port(service: str, other: str) -> None:
    environment = {port_variable(service): str(DEFAULT_PORTS[other])}
    if service == other:
        assert Settings.from_environment(environment).ports == DEFAULT_PORTS
        return
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environment)
    assert {service, other} <= set(str(refused.value).split())


def test_home_too_long_for_a_unix_socket_is_refused() -> None:
    with pytest.raises(SettingsError, match="VENTAS_HOME"):
        Settings.from_environment({"VENTAS_HOME": "/" + "h" * 100})


@pytest.mark.parametrize("home", ["/", str(ROOT), str(ROOT.parent), str(Path.home()), "~/.."])
def test_home_that_contains_other_files_is_refused(
    home: str,
) -> None:
    home = str(Path(home).expanduser())
    with pytest.raises(SettingsError, match=r"`clean` would delete .*: set VENTAS_HOME"):
        Settings.from_environment({"VENTAS_HOME": home})


@pytest.mark.parametrize("below", ["", "stack"])
def test_home_that_is_a_file_or_below_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(SettingsError, match="/a is a file: set VENTAS_HOME to a folder"):
        Settings.from_environment({"VENTAS_HOME": str(tmp_path / "a" / below)})


@pytest.mark.parametrize("name", ["two\nlines", "a\tb", "not UTF-8 \udcff", "\x1b[31m"])
def test_home_with_unprintable_characters_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be printed: set VENTAS_HOME"):
        Settings.from_environment({"VENTAS_HOME": str(tmp_path / name)})


@pytest.mark.parametrize("name", ["two words", "100 %", "%(here)s", "ñandú 🧉", "a+b@c=~_-[d]"])
def test_home_with_harmless_special_characters_is_accepted(name: str) -> None:
    assert Settings.from_environment({"VENTAS_HOME": f"/t/{name}"}).home == Path("/t", name)


@pytest.mark.parametrize("sign", [*":;,'\"\\`$?#*!"])
def test_path_with_a_special_character_of_configuration_files_is_refused(
    sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []
    for variable in ("VENTAS_HOME", "VENTAS_CACHE", "XDG_CACHE_HOME"):
        with pytest.raises(SettingsError) as error:
            Settings.from_environment({variable: f"/t/a{sign}b"})
        refused.append(str(error.value))
    monkeypatch.setattr("include.stack.settings.ROOT", Path(f"/t/a{sign}b"))
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"VENTAS_HOME": "/t/stack"})
    refused.append(str(error.value))
    for sentence, remedy in zip(
        refused,
        [
            "set VENTAS_HOME to a folder whose path does not have it.",
            "set VENTAS_CACHE to a folder whose path does not have it.",
            "set VENTAS_CACHE to a folder whose path does not have it.",
            "move the project to a folder whose path does not have it.",
        ],
        strict=True,
    ):
        assert f" has the character {sign}, " in sentence
        assert sentence.endswith(remedy)


def test_without_home_directory_downloads_go_to_the_folder_of_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown_user() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown_user)
    settings = Settings.from_environment({"VENTAS_HOME": str(tmp_path / "s")})
    assert settings.cache == tmp_path / "s" / "cache"
    given = Settings.from_environment({"VENTAS_HOME": "/t/s", "XDG_CACHE_HOME": "/t/downloads"})
    assert given.cache == Path("/t/downloads/ventas")


def test_home_directory_behind_a_link_is_refused_as_a_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "data")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for home in (tmp_path / "data", tmp_path / "home", tmp_path):
        with pytest.raises(SettingsError, match="`clean` would delete"):
            Settings.from_environment({"VENTAS_HOME": str(home)})


@given(
    environment=st.dictionaries(
        st.sampled_from(
            [
                *("VENTAS_HOME", "VENTAS_CACHE", "VENTAS_PORT_OFFSET", "VENTAS_PORT_KAFKA"),
                "VENTAS_AIRFLOW_DATABASE",
            ]
        ),
        st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=12)
        | st.integers().map(str),
    )
)
def test_any_environment_gives_settings_or_one_sentence(
    environment: dict[str, str],
) -> None:
    try:
        settings = Settings.from_environment(environment)
    except SettingsError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017
        return
    assert settings.home.is_absolute()
    assert all(1 <= port <= 65535 for port in settings.ports.values())
