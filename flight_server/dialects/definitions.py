"""CREATE, ALTER and DROP: types, properties without an effect here, and what has no counterpart."""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.build import Node
from flight_server.dialects.casts import duckdb_type
from flight_server.dialects.refuse import unsupported

_KINDS = frozenset({"TABLE", "VIEW", "SCHEMA"})
_COMMENTED = _KINDS | {"COLUMN"}
_WITHOUT_EFFECT = (
    exp.TransientProperty,
    exp.ClusterProperty,
    exp.SchemaCommentProperty,
    exp.CopyGrantsProperty,
    exp.SecureProperty,
)
_CONSTRAINTS_WITHOUT_EFFECT = (exp.CommentColumnConstraint,)


def prepare_definition(tree: Node) -> None:
    """Rewrite a definition's types and properties in place.

    Raises:
        QueryRefused: QUERY_ERROR, for what DuckDB has no counterpart of.
    """
    kind = str(tree.args.get("kind") or "").upper()
    dropped = isinstance(tree, exp.Drop) and kind == "SEQUENCE"
    if isinstance(tree, (exp.Create, exp.Drop)) and kind not in _KINDS and not dropped:
        raise unsupported(f"{type(tree).__name__.upper()} {kind}")
    if isinstance(tree, exp.Create):
        _create(tree)
    for column in tree.find_all(exp.ColumnDef):
        _column(column)
    for altered in tree.find_all(exp.AlterColumn):
        if altered.args.get("dtype") is not None:
            altered.set("dtype", _type(altered.args["dtype"]))


def check_comment(tree: exp.Comment) -> None:
    """Refuse a COMMENT that DuckDB has no counterpart of."""
    kind = str(tree.args.get("kind") or "").upper()
    if kind not in _COMMENTED or tree.args.get("exists"):
        raise unsupported(f"COMMENT {'IF EXISTS ' if tree.args.get('exists') else ''}ON {kind}")


def one_by_one(tree: Node) -> list[Node]:
    """Return an ALTER TABLE of several columns as statements of one column each; others as they are."""
    if not isinstance(tree, exp.Alter):
        return [tree]
    parts: list[Node] = []
    for action in tree.args["actions"]:
        if isinstance(action, exp.Drop) and len(action.args.get("tables") or []) > 1:
            for table in action.args["tables"]:
                single = action.copy()
                single.set("tables", [table.copy()])
                parts.append(single)
        else:
            parts.append(action)
    if len(parts) == 1:
        return [tree]
    statements: list[Node] = []
    for part in parts:
        statement = tree.copy()
        statement.set("actions", [part.copy()])
        statements.append(statement)
    return statements


def _create(tree: exp.Create) -> None:
    properties = tree.args.get("properties")
    given = properties.expressions if properties is not None else []
    kept = [item for item in given if not isinstance(item, _WITHOUT_EFFECT) and not _is_retention(item)]
    tree.set("properties", exp.Properties(expressions=kept) if kept else None)


def _is_retention(item: Node) -> bool:
    return isinstance(item, exp.Property) and item.name.upper() in (
        "DATA_RETENTION_TIME_IN_DAYS",
        "MAX_DATA_EXTENSION_TIME_IN_DAYS",
        "CHANGE_TRACKING",
    )


def _column(column: exp.ColumnDef) -> None:
    kind = column.args.get("kind")
    if isinstance(kind, exp.DataType):
        column.set("kind", _type(kind))
    constraints = column.args.get("constraints") or []
    kept = [
        item for item in constraints if not isinstance(item.args.get("kind"), _CONSTRAINTS_WITHOUT_EFFECT)
    ]
    column.set("constraints", kept)


def _type(wanted: exp.DataType) -> exp.DataType:
    name, _ = duckdb_type(wanted)
    return exp.DataType.build(name, dialect="duckdb")
