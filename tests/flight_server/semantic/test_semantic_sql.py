"""Comparing meanings in SQL, with all of the rights and with a part of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import BoundFilter, TableGrant
from flight_server.semantic.embedder import EndpointEmbedder, Matrix, WordLlamaEmbedder
from flight_server.semantic.names import HIDDEN_SCHEMA, MEMORY
from tests.fixtures.warehouse import ANALYST, FULL, grant_for
from tests.fixtures.warehouse_semantic import SemanticWarehouse, embedding

GROWTH = "quarterly revenue growth patterns look strong"
DOCUMENT_003 = """
SELECT
memory_id,
content,
semantic_rank(content, 'revenue growth patterns') AS relevance
FROM _hatidata_agent_memory
WHERE agent_id = 'analyst-agent'
AND semantic_match(content, 'revenue growth patterns', 0.7)
ORDER BY relevance DESC
LIMIT 50
"""
MASKED = TableGrant(MEMORY, (), (("content", FULL),))
OTHERS = TableGrant(MEMORY, (BoundFilter("agent_id = $agent", (("agent", "somebody"),), "rule"),))
OWN = TableGrant(MEMORY, (BoundFilter("agent_id = $agent", (("agent", "tester"),), "rule"),))


class Recording(WordLlamaEmbedder):
    """Notes what it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of *texts*."""
        self.texts += texts
        return super().embed(texts)


def _remember(warehouse: SemanticWarehouse, *texts: str) -> None:
    for text in texts:
        warehouse.rows("SELECT store_memory($1, 'label')", text)


def test_the_query_of_document_003_finds_what_means_the_same(remembering: SemanticWarehouse) -> None:
    _remember(remembering, GROWTH, "the cat sat on the mat")
    remembering.rows("UPDATE _hatidata_agent_memory SET agent_id = 'analyst-agent'")

    rows = remembering.rows(DOCUMENT_003)

    assert [row[1] for row in rows] == [GROWTH]
    assert float(str(rows[0][2])) > 0.7


def test_stored_vectors_and_the_function_agree(remembering: SemanticWarehouse) -> None:
    _remember(remembering, GROWTH, "the cat sat on the mat")
    fast = "SELECT semantic_rank(content, $1) FROM _hatidata_agent_memory ORDER BY 1"
    slow = "SELECT semantic_rank(content || '', $1) FROM _hatidata_agent_memory ORDER BY 1"

    assert HIDDEN_SCHEMA in remembering.plan(fast).sql
    assert HIDDEN_SCHEMA not in remembering.plan(slow).sql
    near, same = (remembering.rows(sql, "revenue") for sql in (fast, slow))
    assert [float(str(value)) for (value,) in near] == pytest.approx(
        [float(str(v)) for (v,) in same], abs=1e-5
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT *, semantic_rank(content, 'a') FROM _hatidata_agent_memory",
        "SELECT m.*, semantic_rank(m.content, 'a') FROM _hatidata_agent_memory AS m",
        "SELECT m FROM _hatidata_agent_memory AS m WHERE semantic_match(content, 'a', -1)",
        "SELECT * FROM (SELECT *, semantic_rank(content, 'a') AS r FROM _hatidata_agent_memory)",
    ],
)
def test_the_outputs_do_not_show_that_vectors_were_used(remembering: SemanticWarehouse, sql: str) -> None:
    _remember(remembering, GROWTH)

    names = remembering.ask(sql).schema.names

    assert not [name for name in names if "__near" in name or remembering.engine.nonce in name]


def test_a_text_that_changed_is_compared_as_it_is_now(remembering: SemanticWarehouse) -> None:
    _remember(remembering, "the cat sat on the mat")
    remembering.rows("UPDATE _hatidata_agent_memory SET content = $1", GROWTH)

    rows = remembering.rows("SELECT semantic_match(content, $1, 0.99) FROM _hatidata_agent_memory", GROWTH)

    assert rows == [(True,)]


def test_memories_that_came_another_way_get_vectors(remembering: SemanticWarehouse) -> None:
    remembering.rows("INSERT INTO _hatidata_agent_memory (content) VALUES ('one'), ('two'), (NULL)")

    while remembering.memory.embed_some():
        pass

    count = f"SELECT count(DISTINCT memory_id) FROM {'.'.join(remembering.memory.path[1:])}"
    assert remembering.rows(count) == [(2,)]


def test_a_memory_says_that_it_has_a_vector_whoever_made_it(remembering: SemanticWarehouse) -> None:
    remembering.rows("INSERT INTO _hatidata_agent_memory (content) VALUES ('one'), (NULL)")
    sql = "SELECT content, has_embedding FROM _hatidata_agent_memory ORDER BY content NULLS LAST"
    before = remembering.rows(sql)

    while remembering.memory.embed_some():
        pass

    assert before == [("one", False), (None, False)]
    assert remembering.rows(sql) == [("one", True), (None, False)]


def test_a_mark_that_is_lost_is_made_up_for(remembering: SemanticWarehouse) -> None:
    _remember(remembering, "one")
    remembering.rows("UPDATE _hatidata_agent_memory SET has_embedding = false")

    assert remembering.memory.embed_some() == 0
    assert remembering.rows("SELECT has_embedding FROM _hatidata_agent_memory") == [(True,)]


def test_looking_for_work_is_no_change(remembering: SemanticWarehouse) -> None:
    _remember(remembering, "one")
    while remembering.memory.embed_some():
        pass
    before = remembering.engine.changes.stamp([MEMORY])
    remembering.memory.embed_some()

    assert remembering.engine.changes.stamp([MEMORY]) == before


def test_only_a_service_that_remembers_something_warms_up(remembering: SemanticWarehouse) -> None:
    cold = remembering.memory.warm_up()
    _remember(remembering, "something")

    assert (cold, remembering.memory.warm_up()) == (False, True)


def test_whoever_waits_for_the_memories_finds_them_loaded(tmp_path: Path) -> None:
    with closing(SemanticWarehouse(tmp_path / "memory.duckdb", WordLlamaEmbedder())) as before:
        _remember(before, GROWTH)
    embedder = Recording()
    with closing(SemanticWarehouse(tmp_path / "memory.duckdb", embedder, setup="")) as after:
        loaded = after.memory.wait_loaded(30)
        embedded = list(embedder.texts)
        found = after.rows(DOCUMENT_003.replace("analyst-agent", "tester").replace("memory_id,", ""))

    assert (loaded, embedded) == (True, ["warm", "up"])
    assert [content for content, _ in found] == [GROWTH]


def test_warming_up_asks_no_endpoint(tmp_path: Path) -> None:
    with embedding() as endpoint:
        warehouse = SemanticWarehouse(tmp_path / "x.duckdb", EndpointEmbedder(endpoint.url, "model", ""))
        _remember(warehouse, "aab")
        while warehouse.memory.embed_some():
            pass
        warmed = warehouse.memory.warm_up()
        warehouse.close()

    assert warmed
    assert endpoint.texts == ["aab"]


def test_a_masked_column_ranks_on_its_masked_text(remembering: SemanticWarehouse) -> None:
    _remember(remembering, GROWTH)
    sql = "SELECT semantic_rank(content, '***'), semantic_match(content, $1) FROM _hatidata_agent_memory"

    rows = remembering.rows(sql, GROWTH, sees=(MASKED,))

    assert rows == [(1.0, False)]
    assert HIDDEN_SCHEMA not in remembering.plan(sql, (MASKED,)).sql


def test_masks_hold_on_any_table(remembering: SemanticWarehouse) -> None:
    sql = (
        "SELECT DISTINCT semantic_rank(ssn, '***'), semantic_match(ssn, 'HIDDEN0002') "
        "FROM customers WHERE ssn IS NOT NULL"
    )

    assert remembering.rows(sql, sees=ANALYST) == [(1.0, False)]


def test_a_hidden_row_is_not_ranked(remembering: SemanticWarehouse) -> None:
    _remember(remembering, GROWTH)
    sql = "SELECT semantic_rank(content, 'revenue') FROM _hatidata_agent_memory"

    assert remembering.rows(sql, sees=(OTHERS,)) == []
    assert len(remembering.rows(sql, sees=(OWN,))) == 1


def test_nobody_restricted_reads_stored_vectors(remembering: SemanticWarehouse) -> None:
    _remember(remembering, GROWTH)
    sql = f"SELECT vector FROM {'.'.join(remembering.memory.path[1:])}"

    with pytest.raises(QueryRefused) as refused:
        remembering.rows(sql, sees=(MASKED,))

    assert refused.value.code is ErrorCode.POLICY_DENIED
    assert HIDDEN_SCHEMA not in remembering.catalog.snapshot().schemas


def test_columns_of_vectors_are_compared_as_they_are(remembering: SemanticWarehouse) -> None:
    sql = (
        "SELECT semantic_rank([3, 0]::FLOAT[2], [1, 1]::FLOAT[2]), "
        "semantic_rank([1, 0]::FLOAT[2], [0, 1]::FLOAT[2])"
    )

    rows = remembering.rows(sql)

    assert [float(str(value)) for value in rows[0]] == pytest.approx([0.70710678, 0.0], abs=1e-6)


def test_null_means_nothing(remembering: SemanticWarehouse) -> None:
    assert remembering.rows("SELECT semantic_rank(NULL, 'a'), semantic_match('a', NULL)") == [(None, None)]


def test_both_names_of_a_match_and_its_default_agree(remembering: SemanticWarehouse) -> None:
    sql = (
        "SELECT semantic_match('a cat', 'a cat'), vector_match('a cat', 'a cat', 0.7), "
        "semantic_match('a cat', 'tax')"
    )

    assert remembering.rows(sql) == [(True, True, False)]


@pytest.mark.parametrize("join", ["JOIN", "JOIN_VECTOR"])
def test_texts_can_be_joined_by_meaning(remembering: SemanticWarehouse, join: str) -> None:
    sql = (
        "SELECT a.t, b.t FROM (VALUES ('a cat'), ('tax law')) AS a(t) "
        f"{join} (VALUES ('one cat'), ('the law')) AS b(t) ON semantic_match(a.t, b.t, 0.4) ORDER BY 1"
    )

    assert remembering.rows(sql) == [("a cat", "one cat"), ("tax law", "the law")]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT semantic_rank('a')", "semantic_rank takes a column and a text"),
        ("SELECT vector_match(1, 2, 3, 4)", "vector_match takes"),
        ("SELECT semantic_rank([1, 2]::FLOAT[2], 'a')", "the column's vectors have 2 dimensions"),
        ("SELECT semantic_rank([['a']], 'a')", "only texts and vectors"),
        ("SELECT store_memory('a'), 1", "store_memory stands alone"),
        ("SELECT store_memory(' ')", "a memory needs a content"),
        ("SELECT store_memory('a', 'b', 'fact', '[1]')", "must be a JSON object"),
        ("SELECT store_memory('a', 'b', 'fact', NULL, 7)", "importance"),
    ],
)
def test_calls_that_cannot_work_say_why(remembering: SemanticWarehouse, sql: str, told: str) -> None:
    with pytest.raises(QueryRefused, match="QUERY_ERROR") as refused:
        remembering.rows(sql)

    assert told in refused.value.message
    assert "Python" not in refused.value.message


def test_a_memory_has_its_agent_label_and_defaults(remembering: SemanticWarehouse) -> None:
    _remember(remembering, "text")

    assert remembering.rows(
        "SELECT agent_id, memory_type, content, metadata, importance, has_embedding, access_count "
        "FROM _hatidata_agent_memory"
    ) == [("tester", "fact", "text", '{"label": "label"}', 0.5, True, 0)]


def test_a_memory_stored_in_a_transaction_goes_with_it(remembering: SemanticWarehouse) -> None:
    session = remembering.engine.open_session()
    for sql in ("BEGIN", "SELECT store_memory('text')", "ROLLBACK"):
        remembering.rows(sql, session=session)
    session.close()

    assert remembering.rows("SELECT count(*) FROM _hatidata_agent_memory") == [(0,)]


def test_a_memory_that_its_agent_could_not_see_is_refused(remembering: SemanticWarehouse) -> None:
    with pytest.raises(QueryRefused, match="POLICY_DENIED"):
        remembering.rows("SELECT store_memory('text')", sees=(OTHERS,))

    assert remembering.rows("SELECT count(*) FROM _hatidata_agent_memory") == [(0,)]


def test_who_may_not_write_memories_stores_none(remembering: SemanticWarehouse) -> None:
    statement = remembering.understand("SELECT store_memory('a')").statement

    assert [(str(action), str(table)) for action, table in statement.accesses] == [("insert", str(MEMORY))]


def test_a_common_table_expression_may_have_the_tables_name(remembering: SemanticWarehouse) -> None:
    sql = (
        "WITH _hatidata_agent_memory AS (SELECT 'a cat' AS content) "
        "SELECT semantic_match(content, 'a cat') FROM _hatidata_agent_memory"
    )

    assert remembering.rows(sql) == [(True,)]


def test_sampled_rows_are_compared_too(remembering: SemanticWarehouse) -> None:
    _remember(remembering, GROWTH)
    near = (
        "SELECT semantic_rank(content, 'revenue') > 0.1 AS near FROM _hatidata_agent_memory TABLESAMPLE 100%"
    )

    assert remembering.rows(f"SELECT near FROM ({near})") == [(True,)]
    assert remembering.rows("SELECT count(*) FROM (SELECT * FROM customers TABLESAMPLE 100%)") == [(40,)]


def test_an_endpoint_embeds_the_same_way(tmp_path: Path) -> None:
    with embedding() as endpoint:
        warehouse = SemanticWarehouse(tmp_path / "x.duckdb", EndpointEmbedder(endpoint.url, "model", ""))
        _remember(warehouse, "aab")
        while warehouse.memory.embed_some():
            pass
        sql = "SELECT semantic_match(content, 'aab', 0.99) FROM _hatidata_agent_memory"
        plan = warehouse.plan(sql)
        rows = warehouse.rows(sql)
        warehouse.close()

    assert HIDDEN_SCHEMA in plan.sql
    assert rows == [(True,)]
    assert endpoint.texts.count("aab") == 1


def test_an_endpoint_that_fails_is_named_and_nothing_else(tmp_path: Path) -> None:
    with embedding() as endpoint:
        endpoint.broken = True
        warehouse = SemanticWarehouse(tmp_path / "x.duckdb", EndpointEmbedder(endpoint.url, "model", ""))
        with pytest.raises(QueryRefused, match="QUERY_ERROR") as refused:
            warehouse.rows("SELECT semantic_rank(code, 'a') FROM customers")
        _remember(warehouse, "kept without its vector")
        stored = warehouse.rows("SELECT has_embedding FROM _hatidata_agent_memory")
        warehouse.close()

    assert refused.value.message == "SQL error: the embeddings endpoint gave no usable answer"
    assert stored == [(False,)]


def test_a_plan_about_the_caller_serves_no_other_agent(remembering: SemanticWarehouse) -> None:
    understood = remembering.understand("SELECT current_agent_id()")
    grant = grant_for(understood, None)
    other = replace(grant, principal=replace(grant.principal, agent_id="other"))
    plans = [
        remembering.compiler.print(understood, remembering.compiler.restrict(understood, who))
        for who in (grant, other)
    ]

    known = remembering.compiler.known_plan(understood, grant)
    assert known is not None
    assert known.sql == plans[0].sql != plans[1].sql


class _Uninstalled(WordLlamaEmbedder):
    missing = "install hatidata-agent[semantic]"


def test_without_an_embedder_it_is_said_what_to_install(tmp_path: Path) -> None:
    warehouse = SemanticWarehouse(tmp_path / "x.duckdb", _Uninstalled())
    with pytest.raises(QueryRefused, match="QUERY_ERROR") as refused:
        warehouse.rows("SELECT semantic_rank('a', 'b')")
    warehouse.close()

    assert "install hatidata-agent[semantic]" in refused.value.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT semantic_rank(code, 'near') FROM customers",
        "SELECT customer_id FROM customers WHERE semantic_match(email, 'a', 0.1) OR semantic_match(ssn, 'b')",
        "SELECT semantic_rank(to_json(c), 'near') FROM customers AS c",
        "SELECT semantic_rank(a.ssn, b.code) FROM customers AS a, customers AS b WHERE a.customer_id = 2",
        "SELECT max(semantic_rank(status, 'near')) FROM orders GROUP BY customer_id",
        "SELECT count(*) FROM orders AS o JOIN customers AS c ON semantic_match(o.status, c.name, 0.2)",
    ],
)
def test_no_hidden_text_is_ever_embedded(tmp_path: Path, sql: str) -> None:
    """What a comparison costs tells nothing of what it may not see, for nothing of that is compared."""
    with embedding() as endpoint:
        embedder = EndpointEmbedder(endpoint.url, "letters", "key")
        with closing(SemanticWarehouse(tmp_path / "own.duckdb", embedder)) as warehouse:
            warehouse.rows(sql, sees=ANALYST)

        assert endpoint.texts
        assert not [text for text in endpoint.texts if "HIDDEN" in text.replace("***", "")]
