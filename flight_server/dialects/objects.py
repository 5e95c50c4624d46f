"""Objects and VARIANT values: building them, taking them apart, asking what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, case, cast, is_ours
from flight_server.dialects.casts import converted
from flight_server.dialects.coerce import as_text, as_variant
from flight_server.dialects.compare import is_number
from flight_server.dialects.functions import Arguments, FunctionRule, expect
from flight_server.dialects.kinds import Kind, is_json, kind_of, typed
from flight_server.dialects.read import written_name
from flight_server.dialects.refuse import unsupported
from flight_server.dialects.scope import Scope
from flight_server.syntax.names import fold

_ENTRY = "STRUCT(k VARCHAR, v JSON)[]"
_OF_PAIRS = frozenset({"OBJECT_CONSTRUCT", "OBJECT_CONSTRUCT_KEEP_NULL"})
_TYPE_NAMES = {
    "VARCHAR": "VARCHAR",
    "BOOLEAN": "BOOLEAN",
    "OBJECT": "OBJECT",
    "ARRAY": "ARRAY",
    "NULL": "NULL_VALUE",
    "BIGINT": "INTEGER",
    "UBIGINT": "INTEGER",
    "HUGEINT": "INTEGER",
    "DOUBLE": "DECIMAL",
}


def object_of(pairs: Sequence[tuple[Node, Node]], keep_null: bool) -> Node:
    """Return an object; a pair whose key is NULL, or whose value is unless *keep_null*, is left out.

    Snowflake prints objects with their keys in order, so constant keys are sorted here.
    """
    if all(build.literal_text(key) is not None for key, _ in pairs):
        pairs = sorted(pairs, key=lambda pair: build.literal_text(pair[0]) or "")
    sure = all(build.literal_text(key) is not None and _never_null(value) for key, value in pairs)
    if sure or (keep_null and all(build.literal_text(key) is not None for key, _ in pairs)):
        flat = [part for key, value in pairs for part in (key, as_variant(value))]
        return call("json_object", *flat, kind=Kind.OBJECT)
    entries = exp.Array(expressions=[_entry(key, value, keep_null) for key, value in pairs])
    entry = build.local("e")
    wanted = [build.is_not_null(exp.Dot(this=entry, expression=exp.to_identifier("k")))]
    if not keep_null:
        wanted.append(build.is_not_null(exp.Dot(this=entry.copy(), expression=exp.to_identifier("v"))))
    test = build.each(build.all_of(wanted), "e")
    kept = call("list_filter", cast(entries, _ENTRY, Kind.NESTED), test)
    return call("to_json", call("map_from_entries", kept), kind=Kind.OBJECT)


def _never_null(value: Node) -> bool:
    if isinstance(value, (exp.Literal, exp.Boolean)):
        return True
    return isinstance(value, exp.Anonymous) and value.this in ("json_object", "json_array")


def _entry(key: Node, value: Node, keep_null: bool) -> Node:
    json = as_variant(value)
    if keep_null:
        json = call("coalesce", json, cast(build.text("null"), "JSON", Kind.VARIANT))
    return call("struct_pack", _named("k", cast(as_text(key), "VARCHAR", Kind.TEXT)), _named("v", json))


def _named(name: str, value: Node) -> Node:
    return exp.PropertyEQ(this=exp.to_identifier(name), expression=value)


def _construct(function: str, keep_null: bool) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        if any(isinstance(argument, exp.Star) for argument in arguments):
            raise unsupported(f"{function}(*)", "name the columns")
        if len(arguments) % 2:
            expect(function, arguments, len(arguments) + 1, None)
        return object_of(list(zip(arguments[0::2], arguments[1::2], strict=True)), keep_null)

    return rule


def name_columns(node: exp.Anonymous, scope: Scope) -> None:
    """Write out the columns that the star of `OBJECT_CONSTRUCT(*)` stands for, by their Snowflake names.

    Without knowing them the call is refused, but only after the right to the table was checked.
    """
    stars = [value for value in node.expressions if _is_star(value)]
    if written_name(node) not in _OF_PAIRS or is_ours(node) or not stars:
        return
    columns = _columns_of(stars[0], scope) if len(node.expressions) == 1 else None
    if columns is None:
        node.set("this", f'"{written_name(node)}(*) of unknown columns is not supported"')
        node.meta.update(call(node.this).meta)
        node.set("expressions", [])
        return
    pairs = ((build.text(column.name.upper()), column) for column in columns)
    node.set("expressions", [part for pair in pairs for part in pair])


def _is_star(node: Node) -> bool:
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def _columns_of(star: Node, scope: Scope) -> list[Node] | None:
    """Return the columns that *star* stands for, or None if they cannot be told."""
    wanted = fold(star.table) if isinstance(star, exp.Column) else ""
    plain = star.this if isinstance(star, exp.Column) else star
    if any(plain.args.values()) or not scope.sources:
        return None
    found: list[Node] = []
    for source, columns in scope.sources.items():
        if wanted and source != wanted:
            continue
        unnamed = source.startswith("$")
        if columns is None or (unnamed and len(scope.sources) > 1):
            return None
        found += [exp.column(name, table=None if unnamed else source, quoted=True) for name in columns]
    return found or None


def _braces(node: Node) -> Node:
    """Write `{'a': 1}`, an object constant, as the call that it stands for."""
    pairs = []
    for item in node.expressions:
        if not isinstance(item, (exp.PropertyEQ, exp.Slice)):
            raise unsupported("this object constant")
        key = exp.Literal.string(item.this.name) if isinstance(item.this, exp.Identifier) else item.this
        pairs.append((key, item.expression))
    return object_of(pairs, keep_null=False)


def _parse(safe: bool) -> FunctionRule:
    """Return the rule of PARSE_JSON; an empty text is NULL."""

    def rule(arguments: Arguments) -> Node:
        expect("PARSE_JSON", arguments, 1, 1)
        value = arguments[0]
        if is_json(value):
            return value
        known = build.literal_text(value)
        if known is not None and known.strip() and not safe:
            return call("json", value, kind=Kind.VARIANT)
        read = cast(call("nullif", call("trim", value), build.text("")), "JSON", Kind.VARIANT, safe)
        return call("json", read, kind=Kind.VARIANT)

    return rule


def _check(arguments: Arguments) -> Node:
    """CHECK_JSON: NULL for valid JSON, a text about the fault otherwise."""
    expect("CHECK_JSON", arguments, 1, 1)
    value = as_text(arguments[0])
    valid = build.any_of([build.is_null(value), call("json_valid", value, kind=Kind.BOOLEAN)])
    return case([(valid, build.null())], build.text("Error parsing JSON"), Kind.TEXT)


def _to_variant(arguments: Arguments) -> Node:
    expect("TO_VARIANT", arguments, 1, 1)
    return typed(as_variant(arguments[0]), Kind.VARIANT)


def _to_json(arguments: Arguments) -> Node:
    expect("TO_JSON", arguments, 1, 1)
    return cast(as_variant(arguments[0]), "VARCHAR", Kind.TEXT)


def _to_object(arguments: Arguments) -> Node:
    expect("TO_OBJECT", arguments, 1, 1)
    if not is_json(arguments[0]):
        return build.refused_by_type("TO_OBJECT of what is not a VARIANT", *arguments)
    return typed(arguments[0].copy(), Kind.OBJECT)


def _typeof(arguments: Arguments) -> Node:
    expect("TYPEOF", arguments, 1, 1)
    value = as_variant(arguments[0])
    kind = call("json_type", value)
    branches = [
        (build.equals(kind, build.text(found)), build.text(name))
        for found, name in _TYPE_NAMES.items()
        if found != "DOUBLE"
    ]
    exponent = build.typed(
        exp.Paren(
            this=exp.Like(this=call("lower", cast(value, "VARCHAR", Kind.TEXT)), expression=build.text("%e%"))
        ),
        Kind.BOOLEAN,
    )
    is_double = build.all_of([build.equals(kind, build.text("DOUBLE")), exponent])
    number = build.equals(kind, build.text("DOUBLE"))
    return case(
        [*branches, (is_double, build.text("DOUBLE")), (number, build.text("DECIMAL"))], kind=Kind.TEXT
    )


def _is(*kinds: str) -> FunctionRule:
    """Return the rule of IS_ARRAY and its kin."""

    def rule(arguments: Arguments) -> Node:
        expect("IS_..", arguments, 1, 1)
        found = call("json_type", as_variant(arguments[0]))
        return typed(exp.In(this=found, expressions=[build.text(kind) for kind in kinds]), Kind.BOOLEAN)

    return rule


_SCALARS = {
    "INTEGER": ("NUMBER", ("BIGINT", "UBIGINT", "HUGEINT")),
    "NUMBER": ("NUMBER", ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE")),
    "DOUBLE": ("DOUBLE", ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE")),
    "REAL": ("DOUBLE", ("BIGINT", "UBIGINT", "HUGEINT", "DOUBLE")),
    "CHAR": ("VARCHAR", ("VARCHAR",)),
    "VARCHAR": ("VARCHAR", ("VARCHAR",)),
    "BOOLEAN": ("BOOLEAN", ("BOOLEAN",)),
    "ARRAY": ("ARRAY", ("ARRAY",)),
    "OBJECT": ("OBJECT", ("OBJECT",)),
}


def _as(type_name: str, kinds: tuple[str, ...]) -> FunctionRule:
    """Return the rule of AS_VARCHAR and its kin: NULL where the value is of another type."""

    def rule(arguments: Arguments) -> Node:
        expect(f"AS_{type_name}", arguments, 1, 1)
        value = as_variant(arguments[0])
        found = converted(value, exp.DataType.build(type_name, dialect="snowflake"))
        return case([(_is(*kinds)([value]), found)], kind=kind_of(found))

    return rule


def _keys(arguments: Arguments) -> Node:
    expect("OBJECT_KEYS", arguments, 1, 1)
    return call("to_json", call("list_sort", call("json_keys", as_variant(arguments[0]))), kind=Kind.ARRAY)


def _without(arguments: Arguments) -> Node:
    """OBJECT_DELETE(object, key ..)."""
    expect("OBJECT_DELETE", arguments, 2, None)
    return _filtered(arguments, wanted=False)


def _picked(arguments: Arguments) -> Node:
    """OBJECT_PICK(object, key ..)."""
    expect("OBJECT_PICK", arguments, 2, None)
    return _filtered(arguments, wanted=True)


def _filtered(arguments: Arguments, wanted: bool) -> Node:
    """Keep or drop the named keys of an object."""
    if any(is_json(key) for key in arguments[1:]):
        return build.refused_by_type("OBJECT_PICK or OBJECT_DELETE with an array of keys", *arguments)
    value = as_variant(arguments[0])
    names = [as_text(key) for key in arguments[1:]]
    inside: Node = exp.In(this=build.local("k"), expressions=[name.copy() for name in names])
    test = build.each(inside if wanted else exp.Not(this=inside), "k")
    keys = call("list_sort", call("list_filter", call("json_keys", value), test))
    return _rebuilt(value, keys)


def _rebuilt(value: Node, keys: Node) -> Node:
    """Return the object of *keys* with the values that they have in *value*."""
    path = build.binary(
        exp.DPipe, build.binary(exp.DPipe, build.text('$."'), build.local("k")), build.text('"')
    )
    found = call("json_extract", value, path)
    entry = call("struct_pack", _named("k", build.local("k")), _named("v", found))
    entries = call("list_transform", keys, build.each(entry, "k"))
    built = call("to_json", call("map_from_entries", entries))
    return case([(build.is_not_null(value), built)], kind=Kind.OBJECT)


def _inserted(arguments: Arguments) -> Node:
    """OBJECT_INSERT(object, key, value [, update]): a key that is there already is an error."""
    expect("OBJECT_INSERT", arguments, 3, 4)
    value, key, new = as_variant(arguments[0]), as_text(arguments[1]), as_variant(arguments[2])
    update = len(arguments) == 4 and isinstance(arguments[3], exp.Boolean) and bool(arguments[3].this)
    if len(arguments) == 4 and not isinstance(arguments[3], exp.Boolean):
        raise unsupported("OBJECT_INSERT with an update flag that is not a constant")
    other = _filtered([value, key], wanted=False)
    merged = call("json_merge_patch", other, object_of([(key, new)], keep_null=False), kind=Kind.OBJECT)
    if update:
        return merged
    there = call("list_contains", call("json_keys", value), key, kind=Kind.BOOLEAN)
    return case(
        [(there, cast(build.failing("Duplicate field key"), "JSON", Kind.VARIANT))], merged, Kind.OBJECT
    )


def _strip_null(arguments: Arguments) -> Node:
    expect("STRIP_NULL_VALUE", arguments, 1, 1)
    value = as_variant(arguments[0])
    return case([(_is("NULL")([value]), build.null())], value, Kind.VARIANT)


def _is_number_or_text(arguments: Arguments) -> Node:
    expect("IS_DECIMAL", arguments, 1, 1)
    return is_number(as_variant(arguments[0]))


FUNCTIONS: Mapping[str, FunctionRule] = {
    "OBJECT_CONSTRUCT": _construct("OBJECT_CONSTRUCT", keep_null=False),
    "OBJECT_CONSTRUCT_KEEP_NULL": _construct("OBJECT_CONSTRUCT_KEEP_NULL", keep_null=True),
    "PARSE_JSON": _parse(safe=False),
    "TRY_PARSE_JSON": _parse(safe=True),
    "CHECK_JSON": _check,
    "TO_VARIANT": _to_variant,
    "TO_JSON": _to_json,
    "TO_OBJECT": _to_object,
    "TYPEOF": _typeof,
    "IS_NULL_VALUE": _is("NULL"),
    "IS_ARRAY": _is("ARRAY"),
    "IS_OBJECT": _is("OBJECT"),
    "IS_BOOLEAN": _is("BOOLEAN"),
    "IS_CHAR": _is("VARCHAR"),
    "IS_VARCHAR": _is("VARCHAR"),
    "IS_INTEGER": _is("BIGINT", "UBIGINT", "HUGEINT"),
    "IS_DECIMAL": _is_number_or_text,
    "IS_DOUBLE": _is_number_or_text,
    "OBJECT_KEYS": _keys,
    "OBJECT_DELETE": _without,
    "OBJECT_PICK": _picked,
    "OBJECT_INSERT": _inserted,
    "STRIP_NULL_VALUE": _strip_null,
    **{f"AS_{name}": _as(type_name, kinds) for name, (type_name, kinds) in _SCALARS.items()},
}
RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {exp.Struct: _braces}
