"""What a role may see whole tells it nothing by which it could see the rest.

The service here has, beside tables with filters and masks, one that is open to the analyst as it is, and
twins: tables whose visible rows are the same and whose hidden rows are not.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from flight_server.stores.keys import KeyStore
from tests.security.asking import PATHS, Answer, Question, Service
from tests.security.oracles import SECRET
from tests.serving import served

ROLES = ("admin", "analyst", "writer", "poor")
ACCESS = """\
permit(principal in Role::"admin", action, resource);
permit(principal, action == Action::"select", resource)
when { (principal in Role::"analyst" || principal in Role::"writer" || principal in Role::"poor")
  && !(resource in [Table::"main.closed", Table::"main.kinds"]) };
permit(principal in Role::"writer", action in [Action::"update", Action::"delete"],
  resource == Table::"main.few");
"""
ROW_FILTERS = """\
- {table: few, filter: seen, exempt_roles: [admin]}
- {table: many, filter: seen, exempt_roles: [admin]}
"""
MASKS = "- {table: people, column: ssn, function: full, exempt_roles: [admin]}\n"
TABLES = """
CREATE TABLE regions (code VARCHAR, name VARCHAR);
INSERT INTO regions VALUES ('EU', 'Europe'), ('US', 'America');
CREATE VIEW all_regions AS FROM regions;
CREATE TABLE people (id INTEGER, ssn VARCHAR);
INSERT INTO people SELECT i, 'S3CR' || (100000 + i) FROM range(5) t(i);
CREATE TABLE closed (a INTEGER, word VARCHAR, kind INTEGER);
INSERT INTO closed SELECT i, CASE WHEN i % 3 = 0 THEN 'NOEU' || i ELSE '1' END, i % 3 FROM range(300) t(i);
CREATE TABLE kinds (kind INTEGER, open BOOLEAN);
INSERT INTO kinds VALUES (0, false), (1, true), (2, true);
CREATE VIEW opened AS SELECT a, word FROM closed WHERE kind IN (SELECT kind FROM kinds WHERE open);
CREATE VIEW numbers AS SELECT a, CAST(word AS INTEGER) AS n FROM closed WHERE word NOT LIKE 'N%';
CREATE TABLE few (n INTEGER, s VARCHAR, seen BOOLEAN);
INSERT INTO few SELECT i, 's' || i, true FROM range(5000) t(i);
CREATE TABLE many (n INTEGER, s VARCHAR, seen BOOLEAN);
INSERT INTO many SELECT n, s, seen FROM (
    SELECT i::DOUBLE AS place, i AS n, 's' || i AS s, true AS seen FROM range(5000) t(i)
    UNION ALL SELECT j * 0.025 + 0.5, -j, 'NOEU', false FROM range(200000) h(j)
) ORDER BY place;
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with open tables, filtered twins and a masked table."""
    home = tmp_path_factory.mktemp("open") / "home"
    (home / "policies").mkdir(parents=True)
    texts = {
        "access.cedar": ACCESS,
        "row_filters.yaml": ROW_FILTERS,
        "masks.yaml": MASKS,
        "limits.yaml": "poor: {credits_per_month: 12}\n",
    }
    for name, text in texts.items():
        (home / "policies" / name).write_text(text)
    (home / "config.toml").write_text("dev_mode = false\ncache_l1_max_entries = 0\n")
    with duckdb.connect(str(home / "warehouse.duckdb")) as warehouse:
        warehouse.execute(TABLES)
    with closing(KeyStore.open(home / "keys.db")) as store:
        keys = {role: store.create(roles=[role], agent_id=role) for role in ROLES}
    with served(home) as endpoints:
        yield Service(endpoints, keys)


def asked(service: Service, sql: str, role: str = "analyst", path: str = "flight") -> Answer:
    with closing(PATHS[path](service, role)) as asker:
        return asker.ask(Question(sql))


@pytest.mark.parametrize("table", ["regions", "all_regions"])
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT concat(*COLUMNS(*)) FROM {t}",
        "SELECT row(*COLUMNS(*)) FROM {t} LIMIT 1",
        "SELECT greatest(*COLUMNS('c.*')) + 1 FROM {t}",
        "SELECT t FROM (SELECT concat(*COLUMNS(*)) FROM {t}) t",
        "SELECT to_json(t) FROM (SELECT concat(*COLUMNS(*)) FROM {t}) t",
        "SELECT typeof(t) FROM (SELECT concat(*COLUMNS(*)) FROM main.{t}) t",
        "UNPIVOT (SELECT concat(*COLUMNS(*)) FROM {t}) ON COLUMNS(*)",
        "SELECT main.{t}.code, concat(*COLUMNS(*)) FROM hatidata.main.{t}",
        "WITH c AS (SELECT struct_pack(*COLUMNS(*)) FROM {t}) SELECT c FROM c",
    ],
)
def test_no_name_of_an_output_says_where_the_raw_tables_are(service: Service, table: str, sql: str) -> None:
    answer = asked(service, sql.format(t=table))

    assert not SECRET.findall(answer.raw + (answer.error or ""))
    assert "RecordBatch" not in (answer.error or "")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {m}.to_json() FROM {m} WHERE semantic_match(content, 'a', -1)",
        "SELECT m.struct_keys(), semantic_rank(content, 'a') FROM {m} AS m",
        "SELECT (SELECT to_json(q) FROM (SELECT m.*) AS q), semantic_rank(m.content, 'a') FROM {m} AS m",
        "SELECT to_json(q), semantic_rank(m.content, 'a') FROM {m} AS m, LATERAL (SELECT m.*) AS q",
    ],
)
def test_no_row_of_a_memory_holds_what_it_was_compared_by(service: Service, sql: str) -> None:
    asked(service, "SELECT store_memory('apples')", "admin")
    answer = asked(service, sql.format(m="_hatidata_agent_memory"))

    assert "memory_type" in answer.raw
    assert not SECRET.findall(answer.raw)


@pytest.mark.parametrize("role", ["analyst", "admin"])
def test_outputs_that_are_named_after_open_tables_arrive(service: Service, role: str) -> None:
    sql = "SELECT concat(*COLUMNS(*)) FROM regions ORDER BY 1"
    answer = asked(service, sql, role)
    over_http = asked(service, sql, role, "http")

    assert answer.rows == over_http.rows == (("EUEurope",), ("USAmerica",))


@pytest.mark.parametrize(
    "shape", ['SELECT ssn, "{w}" AS z FROM people', "SELECT ssn FROM people WHERE {w} > 'S'"]
)
def test_who_knows_the_name_of_raw_values_has_no_use_for_it(service: Service, shape: str) -> None:
    nonce = _nonce(service)
    found = [
        asked(service, shape.format(w=word)) for word in (f"__raw_{nonce}_ssn", f"__RAW_{nonce.upper()}_SSN")
    ]

    assert [answer.error is not None and "POLICY_DENIED" in answer.error for answer in found] == [True, True]
    assert not [answer for answer in found if "S3CR" in answer.raw]


def _nonce(service: Service) -> str:
    """Return the word of this service, as an administrator might have read it somewhere."""
    answer = asked(
        service, "SELECT typeof(t) FROM (SELECT concat(*COLUMNS(*)) FROM regions) t LIMIT 1", "admin"
    )
    return str(answer.rows[0][0]).partition("sealed_")[2][:16]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE few SET s = to_json(few) WHERE n = 1",
        "UPDATE few SET s = few.to_json() WHERE n = 1",
        "UPDATE few AS f SET s = hash(f)::VARCHAR WHERE n = 1",
        "UPDATE few SET s = (SELECT to_json(few)) WHERE n = 1",
        "UPDATE few SET s = (SELECT x::VARCHAR FROM (SELECT few.*) x) WHERE n = 1",
        "UPDATE few SET s = concat(*COLUMNS(*)) WHERE n = 1",
        "UPDATE few SET s = concat(*COLUMNS(few.*)) WHERE n = 1",
        "UPDATE few SET s = (#4)::VARCHAR WHERE n = 1",
        "UPDATE few SET s = x FROM (SELECT few AS x) t WHERE n = 1",
        "DELETE FROM few WHERE to_json(few) LIKE '%row%'",
        "DELETE FROM few USING regions r WHERE few::VARCHAR > 'a' AND n = 1",
    ],
)
def test_a_write_does_not_see_the_identity_of_its_rows(service: Service, sql: str) -> None:
    answer = asked(service, sql, "writer")
    after = asked(service, "SELECT s FROM few WHERE n = 1", "writer")

    assert answer.error is not None
    assert "QUERY_ERROR" in answer.error or "names the columns that it reads" in answer.error
    assert after.rows == (("s1",),)


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("UPDATE few SET s = (SELECT to_json(r)->>'name' FROM regions r WHERE code = 'EU') WHERE n = 7", 1),
        ("UPDATE few SET s = (SELECT count(*) FROM (SELECT * FROM regions))::VARCHAR WHERE n = 8", 1),
        ("UPDATE few SET s = 'nine' WHERE hatidata.main.few.n = 9 AND n IN (SELECT n FROM few LIMIT 10)", 1),
        ("DELETE FROM few WHERE n = (SELECT count(*) FROM regions) + 8", 1),
    ],
)
def test_a_write_may_use_whole_rows_of_other_tables(service: Service, sql: str, changed: int) -> None:
    assert asked(service, sql, "writer").rows == ((changed,),)


@pytest.mark.parametrize(
    "sample",
    [
        "TABLESAMPLE SYSTEM (50%) REPEATABLE (7)",
        "TABLESAMPLE 30% REPEATABLE (2)",
        "TABLESAMPLE reservoir(20%) REPEATABLE (42)",
        "TABLESAMPLE BERNOULLI (10%) REPEATABLE (1)",
        "USING SAMPLE 25% (system, 9)",
    ],
)
def test_a_repeated_sample_does_not_depend_on_hidden_rows(service: Service, sample: str) -> None:
    of_few, of_many = (
        asked(service, f"SELECT n FROM (SELECT n FROM {table} WHERE n > 20) AS t {sample}")
        for table in ("few", "many")
    )

    assert len(of_few.rows) > 100
    assert of_few.rows == of_many.rows


def test_a_sample_takes_single_rows_and_no_stored_vectors(service: Service) -> None:
    rows = asked(service, "SELECT n FROM many TABLESAMPLE SYSTEM (50%)").rows
    numbers = sorted(row[0] for row in rows)

    assert 2000 < len(numbers) < 3000
    assert sum(b - a > 1 for a, b in itertools.pairwise(numbers)) > 500


def test_a_repeated_sample_of_a_number_of_rows_is_refused(service: Service) -> None:
    refused = asked(service, "SELECT n FROM many TABLESAMPLE reservoir(7 ROWS) REPEATABLE (42)")
    free = asked(service, "SELECT n FROM many TABLESAMPLE reservoir(7 ROWS)")

    assert refused.error is not None
    assert "use a percentage" in refused.error
    assert len(free.rows) == 7


def test_a_quota_does_not_count_hidden_rows(service: Service) -> None:
    answer = asked(service, "SELECT * FROM many", "poor")

    assert answer.error is None
    assert len(answer.rows) == 5000


@pytest.mark.parametrize("view", ["opened", "numbers"])
@pytest.mark.parametrize(
    "where",
    [
        "{v}.a = 3 AND CAST(CASE WHEN {c}::VARCHAR LIKE 'N%' THEN {c}::VARCHAR ELSE '1' END AS INTEGER) > 0",
        "{v}.a IN (0, 3, 6) AND CAST({c} AS INTEGER) > 0",
        "{c}::VARCHAR = 'NOEU3' AND CAST({c} AS DATE) IS NULL",
        "{c}::INTEGER = 5 AND {v}.a = 6",
        "{v}.a = 9 AND {v}.a IN (SELECT n FROM few WHERE CAST({c} AS INTEGER) > 0)",
    ],
)
def test_no_predicate_reaches_the_rows_that_a_view_hides(service: Service, view: str, where: str) -> None:
    column = {"opened": "word", "numbers": "n"}[view]
    answer = asked(service, f"SELECT count(*) FROM {view} WHERE {where.format(v=view, c=column)}")

    assert answer.error is None
    assert answer.rows == ((0,),)


def test_a_view_shows_its_rows_to_all_who_may_read_it(service: Service) -> None:
    sql = "SELECT count(*), min(a), sum(word::INTEGER) FROM opened WHERE a > 100"

    assert asked(service, sql).rows == asked(service, sql, "admin").rows == ((133, 101, 133),)
