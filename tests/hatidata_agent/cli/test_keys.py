"""`hati keys`, without a service."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow.flight as fl
import pytest

from tests.fixtures.certs import Certificates
from tests.fixtures.flight import FlightService
from tests.fixtures.service import hati, make_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "hati")


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ([], r"hd_live_\w{32}"),
        (["--test"], r"hd_test_\w{32}"),
        (["--agent", "bot"], r"hd_agent_\w{31}"),
    ],
)
def test_a_new_key_stands_alone_on_standard_output(home: Path, options: list[str], pattern: str) -> None:
    done = hati("keys", "create", "--role", "analyst", *options, home=home)

    assert done.returncode == 0
    assert re.fullmatch(pattern + r"\n", done.stdout)


def test_a_key_is_listed_with_all_but_itself(home: Path) -> None:
    options = ("--role", "analyst", "--role", "auditor", "--agent", "bot", "--attr", "region=Europe")
    key = hati("keys", "create", *options, "--expires-in", "30d", home=home).stdout.strip()
    listed = hati("keys", "list", "--json", home=home).stdout
    record = json.loads(listed)

    assert key not in listed
    assert (record["prefix"], record["roles"]) == (key[:12], ["analyst", "auditor"])
    assert (record["agent_id"], record["attributes"]) == ("bot", {"region": "Europe"})
    assert record["expires_at"] > record["created_at"]


def test_the_table_tells_which_keys_still_work(home: Path) -> None:
    key = hati("keys", "create", "--role", "admin", home=home).stdout.strip()
    before = hati("keys", "list", home=home).stdout
    revoked = hati("keys", "revoke", key[:12], home=home)
    after = hati("keys", "list", home=home).stdout

    assert ("active" in before, revoked.stdout, "revoked" in after) == (True, "Revoked 1 key.\n", True)


def test_an_empty_list_says_how_to_make_a_key(home: Path) -> None:
    assert "hati keys create" in hati("keys", "list", home=home).stdout


def test_revoking_an_unknown_key_fails(home: Path) -> None:
    done = hati("keys", "revoke", "hd_live_nope1", home=home)

    assert (done.returncode, "no active key" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    "options",
    [
        ["--expires-in", "soon"],
        ["--expires-in", "0d"],
        ["--expires-in", "99999999999d"],
        ["--attr", "region"],
        ["--attr", "=x"],
        ["--agent", "a\nb"],
        ["--role", ""],
    ],
)
def test_a_wrong_option_is_refused_without_a_key(home: Path, options: list[str]) -> None:
    done = hati("keys", "create", "--role", "analyst", *options, home=home)

    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)


def test_a_certificate_acts_as_the_key_that_names_it(
    start_flight: Callable[..., FlightService], certificates: Certificates
) -> None:
    files = {"tls_cert": str(certificates.server_cert), "tls_key": str(certificates.server_key)}
    flight = start_flight(tls="true", client_ca=str(certificates.ca), **files)
    wanted = ("keys", "create", "--role", "admin", "--certificate", "analyst")
    taken = hati(*wanted, home=flight.home)
    hati("keys", "revoke", flight.analyst[:12], home=flight.home)
    made = hati(*wanted, home=flight.home)
    listed = hati("keys", "list", home=flight.home)
    client = fl.FlightClient(
        flight.uri,
        tls_root_certs=certificates.ca.read_bytes(),
        cert_chain=certificates.client_cert.read_bytes(),
        private_key=certificates.client_key.read_bytes(),
    )

    assert (taken.returncode, taken.stderr) == (2, "hati: another active key has this certificate\n")
    assert made.returncode == 0
    assert "certificate" in listed.stdout
    assert client.do_get(fl.Ticket("SELECT salary FROM salaries")).read_all().to_pylist() == [{"salary": 100}]
