"""Results that wait for one fetch."""

from __future__ import annotations

import pyarrow as pa

from flight_server.protocols.flight.results import MOST_BYTES_PER_OWNER, MOST_PER_OWNER, Result, Results

SMALL = Result(pa.table({"Count": [1]}), b"{}")


def test_a_result_is_taken_once_and_by_its_owner() -> None:
    results = Results()
    token = results.keep("owner", SMALL)

    assert results.take("thief", token) is None
    assert results.take("owner", token) is SMALL
    assert results.take("owner", token) is None


def test_the_oldest_of_too_many_is_dropped() -> None:
    results = Results()
    theirs = results.keep("other", SMALL)
    tokens = [results.keep("owner", SMALL) for _ in range(MOST_PER_OWNER + 3)]

    assert [results.take("owner", token) is None for token in tokens[:4]] == [True, True, True, False]
    assert results.take("other", theirs) is SMALL


def test_large_results_are_dropped_by_their_bytes() -> None:
    results = Results()
    large = Result(pa.table({"a": pa.array(bytes(MOST_BYTES_PER_OWNER // 3))}), b"{}")
    tokens = [results.keep("owner", large) for _ in range(3)]
    kept = [token for token in tokens if results.take("owner", token)]

    assert tokens[-1] in kept
    assert len(kept) < 3


def test_a_renewed_result_outlives_those_that_were_not() -> None:
    results = Results()
    tokens = [results.keep("owner", SMALL) for _ in range(MOST_PER_OWNER)]

    assert results.renew("owner", tokens[0])
    assert not results.renew("thief", tokens[1])
    results.keep("owner", SMALL)
    assert results.take("owner", tokens[1]) is None
    assert results.take("owner", tokens[0]) is SMALL
    assert not results.renew("owner", tokens[0])
