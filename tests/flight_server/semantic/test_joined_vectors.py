"""The vectors that are joined to memories for a comparison: nothing of them may be seen."""

from __future__ import annotations

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from tests.fixtures.warehouse_semantic import SemanticWarehouse

TEXT = "quarterly revenue growth patterns look strong"


def _remember(warehouse: SemanticWarehouse) -> None:
    warehouse.rows("SELECT store_memory($1, 'label')", TEXT)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT m.to_json(), semantic_rank(content, 'a') FROM _hatidata_agent_memory AS m",
        "SELECT m.struct_keys() FROM _hatidata_agent_memory AS m WHERE semantic_match(content, 'a', -1)",
        "SELECT (SELECT to_json(q) FROM (SELECT m.*) q), semantic_rank(content, 'a') FROM memories m",
        "SELECT to_json(q), semantic_rank(m.content, 'a') FROM memories m, LATERAL (SELECT M.*) q",
    ],
)
def test_no_row_holds_what_was_joined_to_it(remembering: SemanticWarehouse, sql: str) -> None:
    _remember(remembering)

    (row,) = remembering.rows(sql.replace("memories", "_hatidata_agent_memory"))

    assert "memory_type" in str(row)
    assert "__near" not in str(row)
    assert remembering.engine.nonce not in str(row)


def test_no_position_reaches_what_was_joined_to_the_rows(remembering: SemanticWarehouse) -> None:
    _remember(remembering)
    sql = "SELECT #{n} AS x FROM _hatidata_agent_memory WHERE semantic_match(content, 'a', -1)"
    last = len(remembering.ask("SELECT * FROM _hatidata_agent_memory").schema.names)

    assert len(remembering.rows(sql.format(n=last))) == 1
    with pytest.raises(QueryRefused) as refused:
        remembering.rows(sql.format(n=last + 1))
    assert refused.value.code is ErrorCode.QUERY_ERROR
