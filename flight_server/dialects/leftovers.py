"""The last look at a rewritten tree: what no rule knows must not reach DuckDB.

A node that means something else there, or nothing, is refused by name. Only the
classes listed here may remain.
"""

from __future__ import annotations

from sqlglot import exp

from flight_server.dialects.build import Node, is_ours
from flight_server.dialects.read import written_name
from flight_server.dialects.refuse import unsupported

_EXPRESSIONS = (
    "Add Alias Aliases All And Any Array Between BitwiseAnd BitwiseLeftShift BitwiseNot BitwiseOr "
    "BitwiseRightShift Boolean Case Cast Column ColumnDef DPipe DataType DataTypeParam Distinct Div Dot "
    "EQ Escape Exists Filter GT GTE HexString ILike Identifier If In IntDiv Interval Is LT LTE Lambda "
    "Like Literal Mod Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ Or Order Ordered Parameter Paren "
    "Placeholder PropertyEQ RenameColumn Star Sub Subquery TryCast Tuple Var Where Window WindowSpec "
)
_CLAUSES = (
    "CTE Cube Except Fetch From Group GroupingSets Having Intersect Join Lateral Limit LimitOptions "
    "Offset Pivot PivotAlias Qualify Rollup Select Table TableAlias TableSample Union Values With "
)
_STATEMENTS = (
    "Alter AlterColumn AlterRename CheckColumnConstraint ColumnConstraint ColumnPosition Comment Commit "
    "Constraint Create DefaultColumnConstraint Delete Describe Drop ForeignKey IndexParameters Insert "
    "Merge NotNullColumnConstraint OnCondition PrimaryKey PrimaryKeyColumnConstraint Properties Reference "
    "Rollback Schema TemporaryProperty Transaction TruncateTable UniqueColumnConstraint Update Use When "
    "Whens "
)
_KNOWN = frozenset((_EXPRESSIONS + _CLAUSES + _STATEMENTS).split())
_SELECT = (
    "with_ kind expressions distinct from_ joins where group having qualify windows order limit offset "
    "operation_modifiers"
)
_KNOWN_ARGUMENTS = {
    "Select": frozenset(_SELECT.split()),
    "Star": frozenset({"except_", "ilike", "replace", "rename"}),
    "Window": frozenset({"this", "partition_by", "order", "spec", "alias", "over"}),
    "Column": frozenset({"this", "table", "db", "catalog"}),
    "Table": frozenset({"this", "alias", "db", "catalog", "joins", "pivots", "sample"}),
    "Limit": frozenset({"this", "expression"}),
    "Fetch": frozenset({"direction", "count", "limit_options"}),
    "LimitOptions": frozenset({"rows"}),
    "Group": frozenset({"expressions", "all", "cube", "rollup", "grouping_sets"}),
}


def refuse_leftovers(tree: Node) -> None:
    """Refuse a tree that still holds something of Snowflake.

    Raises:
        QueryRefused: QUERY_ERROR, naming the construct.
    """
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            if not is_ours(node):
                raise unsupported(f"the function {written_name(node)}")
        elif type(node).__name__ not in _KNOWN:
            raise unsupported(_words(type(node).__name__))
        else:
            _refuse_arguments(node)


def _refuse_arguments(node: Node) -> None:
    allowed = _KNOWN_ARGUMENTS.get(type(node).__name__)
    extra = (
        [key for key, value in node.args.items() if value and key not in allowed]
        if allowed is not None
        else []
    )
    if extra:
        raise unsupported(f"{extra[0].strip('_').upper().replace('_', ' ')} in {_words(type(node).__name__)}")


def _words(name: str) -> str:
    """Return `MatchRecognize` as `MATCH RECOGNIZE`."""
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name).strip().upper()
