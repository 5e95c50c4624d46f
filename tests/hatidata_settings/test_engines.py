"""Remote engines are read from the file, filled from the environment, and never shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hatidata_settings import SettingsError, load_settings

GOOD = """
[engines.pg]
driver = "postgresql"
uri = "postgresql://me:${PG_PASSWORD}@127.0.0.1/x"
options = { token = "t-${PG_PASSWORD}" }
dialect = "postgres"
tables = ["a", "b.c"]
connections = 3
"""


def _home(tmp_path: Path, config: str) -> Path:
    (tmp_path / "config.toml").write_text(config)
    return tmp_path


def _faults(tmp_path: Path, config: str, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(_home(tmp_path, config), environ or {}, {})
    return caught.value.faults


def test_reads_an_engine_and_fills_its_texts_from_the_environment(tmp_path: Path) -> None:
    settings = load_settings(_home(tmp_path, GOOD), {"PG_PASSWORD": "hush"}, {})

    engine = settings.engines[0]
    assert (engine.name, engine.driver, engine.dialect) == ("pg", "postgresql", "postgres")
    assert engine.uri == "postgresql://me:hush@127.0.0.1/x"
    assert engine.options == {"token": "t-hush"}
    assert (engine.tables, engine.connections, engine.connect_secs) == (("a", "b.c"), 3, 5)


def test_what_the_environment_holds_shows_in_no_repr(tmp_path: Path) -> None:
    settings = load_settings(_home(tmp_path, GOOD), {"PG_PASSWORD": "hush"}, {})

    assert "hush" not in repr(settings)
    assert "hush" not in str(settings.engines)


def test_a_variable_that_is_not_set_is_a_fault_by_its_name(tmp_path: Path) -> None:
    faults = _faults(tmp_path, GOOD)

    assert set(faults) == {"config.toml: engines.pg: the variable PG_PASSWORD is not set"}


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ("engines = 3", "engines: is not a table of tables"),
        ('[engines.main]\ndriver = "x"\ndialect = "spark"', "engines.main: is no name for an engine"),
        ('[engines.A-b]\ndriver = "x"\ndialect = "spark"', "engines.A-b: is no name for an engine"),
        ('[engines.a]\ndialect = "spark"', "engines.a.driver: is missing"),
        ('[engines.a]\ndriver = "x"', "engines.a.dialect: is none of spark, postgres, duckdb"),
        ('[engines.a]\ndriver = "x"\ndialect = "spark"\nurl = "y"', "engines.a.url: unknown"),
        ('[engines.a]\ndriver = "x"\ndialect = "spark"\ntables = "t"', "engines.a.tables: is not a list"),
        ('[engines.a]\ndriver = "x"\ndialect = "spark"\nconnections = 0', "engines.a.connections: is not an"),
        ('[engines.a]\ndriver = "x"\ndialect = "spark"\noptions = [1]', "engines.a.options: is not a table"),
    ],
)
def test_a_faulty_engine_is_reported_where_it_is(tmp_path: Path, config: str, fault: str) -> None:
    assert any(fault in found for found in _faults(tmp_path, config))
