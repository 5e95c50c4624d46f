"""What describes the data tells a role nothing that the data itself would not."""

from __future__ import annotations

from contextlib import closing
from typing import Literal

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow.flight as flight
import pytest
import requests
from adbc_driver_flightsql import DatabaseOptions

from tests.security.asking import Service
from tests.security.judge import WORLDS, Judge
from tests.security.oracles import SECRET

CLOSED = ("salary", "bonus", "finance", "ledger", "treasury", "vault", "canary")
Depth = Literal["catalogs", "db_schemas", "tables", "all"]
DEPTHS: tuple[Depth, ...] = ("catalogs", "db_schemas", "tables", "all")
RESTRICTED = ("analyst", "writer")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("role", RESTRICTED)
def test_the_catalog_is_the_same_in_both_worlds(judge: Judge, role: str, depth: Depth) -> None:
    one, other = (_catalog(judge.services[world], role, depth) for world in WORLDS)

    assert one == other
    assert not SECRET.findall(one)
    assert not [name for name in CLOSED if name in one]


def test_the_catalog_shows_an_admin_the_closed_tables(judge: Judge) -> None:
    found = _catalog(judge.services["fixture"], "admin", "all")

    assert "salary_data" in found
    assert "canary_colzx" in found


@pytest.mark.parametrize("table", ["salary_data", "nosuch", "bonus_data"])
def test_the_schema_of_a_closed_table_is_refused_as_that_of_a_missing_one(judge: Judge, table: str) -> None:
    told = {_schema_refusal(judge.services[world], table).replace(table, "TABLE") for world in WORLDS}

    assert len(told) == 1
    assert not SECRET.findall(told.pop())


def test_open_pages_name_no_table_and_no_query(judge: Judge) -> None:
    for world in WORLDS:
        ends = judge.services[world].endpoints
        metrics = ends["metrics"].removesuffix("/metrics") + "/metrics"
        for url in (metrics, *(ends[port] + path for port in ("http", "mcp") for path in _PAGES)):
            text = requests.get(url, timeout=10).text

            assert not SECRET.findall(text), url
            assert not [name for name in CLOSED if name in text], url


def test_flights_are_listed_alike_in_both_worlds(judge: Judge) -> None:
    one, other = (_flights(judge.services[world]) for world in WORLDS)

    assert one == other
    assert not [name for name in CLOSED if name in one]


_PAGES = ("/health", "/ready", "/v1/openapi.json")


def _connection(service: Service, role: str) -> flightsql.Connection:
    secret = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {service.keys[role]}"}
    return flightsql.connect(service.endpoints["flight"], db_kwargs=secret, autocommit=True)


def _catalog(service: Service, role: str, depth: Depth) -> str:
    with closing(_connection(service, role)) as connection:
        return str(connection.adbc_get_objects(depth=depth).read_all().to_pylist())


def _schema_refusal(service: Service, table: str) -> str:
    with closing(_connection(service, "analyst")) as connection, pytest.raises(flightsql.Error) as refused:
        connection.adbc_get_table_schema(table)
    return str(refused.value)


def _flights(service: Service) -> str:
    options = flight.FlightCallOptions(
        headers=[(b"authorization", f"Bearer {service.keys['analyst']}".encode())]
    )
    with closing(flight.connect(service.endpoints["flight"])) as client:
        try:
            return str([str(info.descriptor) for info in client.list_flights(options=options)])
        except (flight.FlightError, NotImplementedError) as refused:
            return str(refused).partition("gRPC client debug context")[0]
