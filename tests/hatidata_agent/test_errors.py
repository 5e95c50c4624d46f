"""The exceptions of the SDK and the codes they stand for."""

from __future__ import annotations

import pickle

import pytest

from flight_server.errors import ErrorCode
from hatidata_agent import HatiDataError, InternalError, PolicyDeniedError, QueryTimeoutError
from hatidata_agent.errors import CODES, error_for


def test_the_codes_of_the_sdk_are_those_of_the_server() -> None:
    assert set(ErrorCode) == CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_makes_the_exception_that_carries_it(code: str) -> None:
    error = error_for(code, "why", query_id="qry_1", retry_after=2.0)

    assert (error.code, error.message, error.query_id, error.retry_after) == (code, "why", "qry_1", 2.0)
    assert type(error) is not HatiDataError


def test_an_unknown_code_is_a_defect_of_the_service() -> None:
    assert type(error_for("SOMETHING_NEW", "text")) is InternalError


def test_the_text_names_code_and_reason() -> None:
    assert str(PolicyDeniedError("no")) == "[POLICY_DENIED] no"


def test_an_error_without_a_reason_shows_its_code() -> None:
    assert QueryTimeoutError().message == "QUERY_TIMEOUT"


def test_an_error_survives_pickling() -> None:
    copied = pickle.loads(pickle.dumps(error_for("POLICY_DENIED", "no", query_id="qry_1")))  # noqa: S301 - own

    assert (type(copied), copied.message, copied.query_id) == (PolicyDeniedError, "no", "qry_1")
