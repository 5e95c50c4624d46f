"""The memory is bounded and forgets what was not used for longest."""

from __future__ import annotations

from flight_server.recent import Recent


def test_forgets_what_was_not_used_for_longest() -> None:
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    recent.get("a")
    recent.put("c", 3)

    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (1, None, 3)
    assert len(recent) == 2


def test_a_value_that_is_false_is_a_value() -> None:
    recent: Recent[bool] = Recent(2)
    recent.put("a", False)

    assert recent.get("a") is False
