"""What clients read about catalogs, tables, keys and types."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa
import pytest

from flight_server.engines.engine import Key
from flight_server.model import MaskFunction, Principal, TableName
from flight_server.protocols.flight import metadata, sql_info, xdbc_types
from flight_server.protocols.flight.protobuf import make
from flight_server.steps.look import Sight
from flight_server.stores.catalog import Column, Table

CUSTOMERS, ORDERS = TableName("main", "customers"), TableName("main", "orders")
SIGHT = Sight(
    tables={
        CUSTOMERS: Table(
            "main", "Customers", (Column("id", "INTEGER", False), Column("ssn", "INTEGER")), 1, False
        ),
        ORDERS: Table("main", "orders", (Column("customer", "INTEGER"),), 1, False),
        TableName("s_1", "v"): Table("s_1", "v", (Column("d", "DECIMAL(9,2)"),), 0, True),
    },
    principal=Principal("hd_test_abcd", frozenset({"role"}), "tester", "custom", {}, "live"),
    schemas=frozenset({"main", "s_1", "empty"}),
    masked={CUSTOMERS: {"ssn": MaskFunction.FULL}},
    complete=False,
)
KEYS = [
    Key(CUSTOMERS, "customers_pk", ("id",), None, ()),
    Key(ORDERS, "orders_fk", ("customer",), CUSTOMERS, ("id",)),
    Key(TableName("main", "hidden"), "hidden_pk", ("id",), None, ()),
    Key(TableName("main", "hidden"), "hidden_fk", ("id",), CUSTOMERS, ("id",)),
]
FIELDS: Mapping[str, pa.Field] = {
    "INTEGER": pa.field("x", pa.int32()),
    "DECIMAL(9,2)": pa.field("x", pa.decimal128(9, 2)),
}


def fields(types: Collection[str]) -> Mapping[str, pa.Field]:
    return FIELDS


def listed(**filters: object) -> list[tuple[str, str, str]]:
    table = metadata.tables(SIGHT, make("CommandGetTables", **filters), fields)
    return [(row["db_schema_name"], row["table_name"], row["table_type"]) for row in table.to_pylist()]


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("%", "", True),
        ("a%", "Abc", True),
        ("a_c", "abc", True),
        ("a_c", "ac", False),
        (r"a\_c", "a_c", True),
        (r"a\_c", "abc", False),
        ("a.c", "abc", False),
        ("É%", "é", False),
        ("a\n%", "a\nb", True),
        ("\\", "\\", True),
    ],
)
def test_patterns_are_those_of_like(pattern: str, name: str, matches: bool) -> None:
    assert metadata.like(pattern)(name) is matches


def test_tables_are_filtered_by_every_part_of_their_name() -> None:
    assert listed() == [("main", "Customers", "TABLE"), ("main", "orders", "TABLE"), ("s_1", "v", "VIEW")]
    assert listed(catalog="hatidata", table_name_filter_pattern="cust%") == [("main", "Customers", "TABLE")]
    assert listed(db_schema_filter_pattern=r"s\_1") == [("s_1", "v", "VIEW")]
    assert listed(table_types=["VIEW"]) == [("s_1", "v", "VIEW")]
    assert listed(catalog="") == []
    assert listed(catalog="elsewhere") == []


def test_a_masked_column_is_described_as_the_text_it_is() -> None:
    command = make("CommandGetTables", include_schema=True, table_name_filter_pattern="customers")
    table = metadata.tables(SIGHT, command, fields)
    schema = pa.ipc.read_schema(pa.py_buffer(table["table_schema"][0].as_py()))

    assert table.schema == metadata.tables_schema(True)
    assert schema.field("id").type == pa.int32()
    assert not schema.field("id").nullable
    assert schema.field("ssn").type == pa.utf8()
    assert schema.field("ssn").metadata[b"hatidata.masked"] == b"full"
    assert schema.field("ssn").metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"VARCHAR"


def test_schemas_are_filtered() -> None:
    command = make("CommandGetDbSchemas", db_schema_filter_pattern="%m%")

    assert metadata.db_schemas(SIGHT, command)["db_schema_name"].to_pylist() == ["empty", "main"]


def test_primary_keys_are_those_of_a_visible_table() -> None:
    visible = metadata.primary_keys(SIGHT, KEYS, make("CommandGetPrimaryKeys", table="CUSTOMERS"))
    hidden = metadata.primary_keys(SIGHT, KEYS, make("CommandGetPrimaryKeys", table="hidden"))

    assert visible.to_pylist() == [
        {
            "catalog_name": "hatidata",
            "db_schema_name": "main",
            "table_name": "Customers",
            "column_name": "id",
            "key_sequence": 1,
            "key_name": "customers_pk",
        }
    ]
    assert hidden.num_rows == 0


@pytest.mark.parametrize(
    ("kind", "names", "rows"),
    [
        ("CommandGetExportedKeys", {"table": "customers"}, 1),
        ("CommandGetExportedKeys", {"table": "orders"}, 0),
        ("CommandGetImportedKeys", {"table": "orders", "db_schema": "main"}, 1),
        ("CommandGetImportedKeys", {"table": "orders", "db_schema": "s_1"}, 0),
        ("CommandGetCrossReference", {"pk_table": "customers", "fk_table": "orders"}, 1),
        ("CommandGetCrossReference", {"pk_table": "orders", "fk_table": "customers"}, 0),
        ("CommandGetCrossReference", {"pk_table": "customers", "fk_table": "hidden"}, 0),
    ],
)
def test_references_are_found_from_either_side(kind: str, names: dict[str, str], rows: int) -> None:
    table = metadata.references(SIGHT, KEYS, make(kind, **names), kind)

    assert table.num_rows == rows
    assert table.schema == metadata.SCHEMAS[kind]


def test_sql_info_has_the_children_and_types_that_clients_cast_to() -> None:
    table = sql_info.info_table("duckdb v2.0.0", [])
    table.validate(full=True)
    told = dict(zip(table["info_name"].to_pylist(), table["value"].to_pylist(), strict=True))

    assert [field.name for field in table.schema.field("value").type] == [
        *("string_value", "bool_value", "bigint_value", "int32_bitmask", "string_list"),
        "int32_to_int32_list_map",
    ]
    assert table["value"].chunk(0).type_codes[table["info_name"].to_pylist().index(8)].as_py() == 3
    assert (told[1], told[8], told[532]) == ("duckdb v2.0.0", 1, True)


def test_sql_info_omits_codes_it_does_not_know() -> None:
    table = sql_info.info_table("duckdb v2.0.0", [0, 9999, 504])

    assert table.to_pylist() == [{"info_name": 0, "value": "HatiData"}, {"info_name": 504, "value": '"'}]


def test_types_are_listed_by_number_and_filtered() -> None:
    numbers = xdbc_types.type_table(None)["data_type"].to_pylist()

    assert numbers == sorted(numbers)
    assert xdbc_types.type_table(91)["type_name"].to_pylist() == ["DATE"]
    assert xdbc_types.type_table(1234).num_rows == 0
