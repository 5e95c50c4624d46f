"""Text functions: positions that start anywhere, NULL that wins, and numbers that are text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from flight_server.dialects import build
from flight_server.dialects.build import Node, call, case, cast
from flight_server.dialects.coerce import as_integer, as_text
from flight_server.dialects.functions import Arguments, FunctionRule, coerced, expect, plain
from flight_server.dialects.kinds import Kind, kind_of, typed
from flight_server.dialects.refuse import unsupported

_SPACE = " "
_HEXADECIMAL = {"SHA1": "sha1", "SHA1_HEX": "sha1", "MD5": "md5", "MD5_HEX": "md5"}


def _joined(values: list[Node]) -> Node:
    """Return the texts joined with `||`, NULL if one of them is."""
    joined = values[0]
    for value in values[1:]:
        joined = build.binary(exp.DPipe, joined, value, Kind.TEXT)
    return joined


def _concat(arguments: Arguments) -> Node:
    expect("CONCAT", arguments, 1, None)
    return _joined([_text(value) for value in arguments])


def _concat_ws(arguments: Arguments) -> Node:
    expect("CONCAT_WS", arguments, 2, None)
    separator, *values = [_text(value) for value in arguments]
    pieces = [values[0]]
    for value in values[1:]:
        pieces += [separator, value]
    return _joined(pieces) if len(pieces) > 1 else pieces[0]


def _text(node: Node) -> Node:
    return cast(node, "VARCHAR", Kind.TEXT) if kind_of(node) is Kind.UNKNOWN else as_text(node)


def _pipe(node: Node) -> Node:
    node.set("this", as_text(node.this))
    node.set("expression", as_text(node.expression))
    return typed(node, Kind.TEXT)


def _substring(arguments: Arguments) -> Node:
    """Take position 0 for position 1, as Snowflake does; a negative length gives nothing."""
    subject, *rest = coerced("SUBSTR", "ti?i", arguments)
    rest[0] = _from_one(rest[0])
    return call("substr", subject, rest[0], *[_not_negative(length) for length in rest[1:]], kind=Kind.TEXT)


def _from_one(start: Node) -> Node:
    known = build.literal_integer(start)
    if known is not None:
        return build.integer(known or 1)
    return case([(build.equals(start, build.integer(0)), build.integer(1))], start, Kind.INTEGER)


def _not_negative(length: Node) -> Node:
    known = build.literal_integer(length)
    return build.integer(max(known, 0)) if known is not None else call("greatest", length, build.integer(0))


def _end(target: str) -> FunctionRule:
    """Return the rule of LEFT or RIGHT, whose negative length gives an empty text."""

    def rule(arguments: Arguments) -> Node:
        subject, length = coerced(target, "ti", arguments)
        return call(target, subject, _not_negative(length), kind=Kind.TEXT)

    return rule


def _position(arguments: Arguments) -> Node:
    """Return the rule of POSITION and CHARINDEX, whose third argument is where the search starts."""
    if len(arguments) == 1 and isinstance(arguments[0], exp.In):
        arguments = [arguments[0].this, arguments[0].args["field"]]
    needle, subject, *start = coerced("POSITION", "tt?i", arguments)
    if not start:
        return call("instr", subject, needle, kind=Kind.INTEGER)
    first = call("greatest", start[0], build.integer(1))
    found = call("instr", call("substr", subject, first), needle)
    moved = build.binary(exp.Sub, build.binary(exp.Add, found, first), build.integer(1))
    return case([(build.equals(found, build.integer(0)), build.integer(0))], moved, Kind.INTEGER)


def _split_part(arguments: Arguments) -> Node:
    """Take part 0 for part 1; an empty separator splits nothing."""
    subject, separator, part = coerced("SPLIT_PART", "tti", arguments)
    found = call("split_part", subject, separator, _from_one(part), kind=Kind.TEXT)
    if build.literal_text(separator):
        return found
    one = typed(exp.In(this=part.copy(), expressions=[build.integer(n) for n in (-1, 0, 1)]), Kind.BOOLEAN)
    whole = case([(one, subject)], build.text(""))
    empty = build.equals(separator, build.text(""))
    return case([(empty, whole)], found, Kind.TEXT)


def _pad(target: str) -> FunctionRule:
    def rule(arguments: Arguments) -> Node:
        subject, length, *fill = coerced(target, "ti?t", arguments)
        return call(
            target,
            subject,
            cast(length, "INTEGER", Kind.INTEGER),
            *(fill or [build.text(_SPACE)]),
            kind=Kind.TEXT,
        )

    return rule


def _trimmed(target: str) -> FunctionRule:
    """Return the rule of a trim function; without characters it removes spaces only."""

    def rule(arguments: Arguments) -> Node:
        subject, *characters = coerced(target, "t?t", arguments)
        return call(target, subject, *(characters or [build.text(_SPACE)]), kind=Kind.TEXT)

    return rule


def _replaced(arguments: Arguments) -> Node:
    subject, search, *replacement = coerced("REPLACE", "tt?t", arguments)
    return call("replace", subject, search, *(replacement or [build.text("")]), kind=Kind.TEXT)


def _inserted(arguments: Arguments) -> Node:
    """INSERT(text, position, length, new text)."""
    subject, position, length, new = coerced("INSERT", "tiit", arguments)
    before = call("substr", subject, build.integer(1), build.binary(exp.Sub, position, build.integer(1)))
    after = call("substr", subject, build.binary(exp.Add, position, length))
    return _joined([before, new, after])


def _space(arguments: Arguments) -> Node:
    (count,) = coerced("SPACE", "i", arguments)
    return call("repeat", build.text(_SPACE), count, kind=Kind.TEXT)


def _initcap(arguments: Arguments) -> Node:
    """Capitalise the first letter of each word; words end at anything that is no letter and no digit."""
    (subject,) = coerced("INITCAP", "t", arguments)
    words = call("regexp_extract_all", call("lower", subject), build.text(r"[\p{L}\p{N}]+|[^\p{L}\p{N}]+"))
    word = build.local("w")
    capital = exp.DPipe(
        this=call("upper", call("left", word, build.integer(1))),
        expression=call("substr", word, build.integer(2)),
    )
    return call(
        "array_to_string", call("list_transform", words, _each("w", capital)), build.text(""), kind=Kind.TEXT
    )


def _each(name: str, body: Node) -> Node:
    """Return DuckDB's `lambda name: body`."""
    return build.each(body, name)


def _distance(arguments: Arguments) -> Node:
    values = coerced("EDITDISTANCE", "tt?i", arguments)
    found = call("levenshtein", *values[:2], kind=Kind.INTEGER)
    return call("least", found, values[2], kind=Kind.INTEGER) if len(values) == 3 else found


def _likeness(arguments: Arguments) -> Node:
    """JAROWINKLER_SIMILARITY in whole percent, without regard to case."""
    one, other = coerced("JAROWINKLER_SIMILARITY", "tt", arguments)
    found = call("jaro_winkler_similarity", call("lower", one), call("lower", other), kind=Kind.FLOAT)
    percent = call("floor", build.binary(exp.Mul, found, build.integer(100)), kind=Kind.FLOAT)
    return cast(percent, "BIGINT", Kind.INTEGER)


def _digest(target: str) -> FunctionRule:
    return plain(target, "t", Kind.TEXT)


def _sha2(arguments: Arguments) -> Node:
    expect("SHA2", arguments, 1, 2)
    if len(arguments) == 2 and build.literal_integer(arguments[1]) != 256:
        raise unsupported("SHA2 with a size other than 256")
    return call("sha256", as_text(arguments[0]), kind=Kind.TEXT)


def _hex(arguments: Arguments) -> Node:
    expect("HEX_ENCODE", arguments, 1, 1)
    return call("hex", _text(arguments[0]), kind=Kind.TEXT)


def _without_spaces(arguments: Arguments) -> Node:
    (subject,) = coerced("RTRIMMED_LENGTH", "t", arguments)
    return call("length", call("rtrim", subject, build.text(_SPACE)), kind=Kind.INTEGER)


def _binary(arguments: Arguments) -> Node:
    """TO_BINARY(text [, format]), in hexadecimal digits unless the format is UTF-8 or BASE64."""
    expect("TO_BINARY", arguments, 1, 2)
    name = (build.literal_text(arguments[1]) or "").upper() if len(arguments) > 1 else "HEX"
    targets = {"HEX": "unhex", "UTF-8": "encode", "UTF8": "encode", "BASE64": "from_base64"}
    if name not in targets:
        raise unsupported("TO_BINARY with this format")
    return call(targets[name], as_text(arguments[0]), kind=Kind.BINARY)


def _from_hex(arguments: Arguments) -> Node:
    (subject,) = coerced("HEX_DECODE_STRING", "t", arguments)
    return call("decode", call("unhex", subject), kind=Kind.TEXT)


def _base64(arguments: Arguments) -> Node:
    (subject,) = coerced("BASE64_ENCODE", "t", arguments)
    return call("to_base64", call("encode", subject), kind=Kind.TEXT)


def _from_base64(arguments: Arguments) -> Node:
    (subject,) = coerced("BASE64_DECODE_STRING", "t", arguments)
    return call("decode", call("from_base64", subject), kind=Kind.TEXT)


def _strtok(arguments: Arguments) -> Node:
    """STRTOK(text [, delimiters [, part]]): every character delimits, empty parts do not count."""
    subject, *rest = coerced("STRTOK", "t?ti", arguments)
    delimiters = build.literal_text(rest[0]) if rest else _SPACE
    if delimiters is None:
        raise unsupported("STRTOK with delimiters that are not a constant")
    part = rest[1] if len(rest) > 1 else build.integer(1)
    return call("list_extract", tokens(subject, delimiters), part, kind=Kind.TEXT)


def tokens(subject: Node, delimiters: str) -> Node:
    """Return the list of the non-empty parts of *subject* between any of the characters *delimiters*."""
    listed = "".join(f"\\x{{{ord(character):x}}}" for character in delimiters)
    return call("regexp_extract_all", subject, build.text(f"[^{listed}]+"))


def _like_function(operator: type[exp.Binary]) -> FunctionRule:
    return lambda arguments: _likened(operator, arguments)


def _likened(operator: type[exp.Binary], arguments: Arguments) -> Node:
    expect("LIKE", arguments, 2, 3)
    like: Node = operator(
        this=build.wrap(as_text(arguments[0])), expression=build.wrap(as_text(arguments[1]))
    )
    if len(arguments) == 3:
        like = exp.Escape(this=like, expression=arguments[2].copy())
    return typed(exp.Paren(this=like), Kind.BOOLEAN)


def _character(arguments: Arguments) -> Node:
    expect("CHR", arguments, 1, 1)
    return call("chr", cast(as_integer(arguments[0]), "INTEGER", Kind.INTEGER), kind=Kind.TEXT)


def _uuid(arguments: Arguments) -> Node:
    expect("UUID_STRING", arguments, 0, 0)
    return cast(call("uuid"), "VARCHAR", Kind.TEXT)


FUNCTIONS: Mapping[str, FunctionRule] = {
    "ASCII": plain("ascii", "t", Kind.INTEGER),
    "BASE64_DECODE_STRING": _from_base64,
    "BASE64_ENCODE": _base64,
    "CHAR": _character,
    "CHARINDEX": _position,
    "CHR": _character,
    "CONCAT": _concat,
    "CONCAT_WS": _concat_ws,
    "CONTAINS": plain("contains", "tt", Kind.BOOLEAN),
    "EDITDISTANCE": _distance,
    "ENDSWITH": plain("ends_with", "tt", Kind.BOOLEAN),
    "HEX_DECODE_STRING": _from_hex,
    "HEX_ENCODE": _hex,
    "INITCAP": _initcap,
    "INSERT": _inserted,
    "JAROWINKLER_SIMILARITY": _likeness,
    "LEFT": _end("left"),
    "LEN": plain("length", "t", Kind.INTEGER),
    "LENGTH": plain("length", "t", Kind.INTEGER),
    "LIKE": _like_function(exp.Like),
    "ILIKE": _like_function(exp.ILike),
    "LOWER": plain("lower", "t", Kind.TEXT),
    "LPAD": _pad("lpad"),
    "LTRIM": _trimmed("ltrim"),
    "OCTET_LENGTH": plain("strlen", "t", Kind.INTEGER),
    "POSITION": _position,
    "REPEAT": plain("repeat", "ti", Kind.TEXT),
    "REPLACE": _replaced,
    "REVERSE": plain("reverse", "t", Kind.TEXT),
    "RIGHT": _end("right"),
    "RPAD": _pad("rpad"),
    "RTRIM": _trimmed("rtrim"),
    "RTRIMMED_LENGTH": _without_spaces,
    "SHA2": _sha2,
    "SHA2_HEX": _sha2,
    "SPACE": _space,
    "SPLIT_PART": _split_part,
    "STARTSWITH": plain("starts_with", "tt", Kind.BOOLEAN),
    "STRTOK": _strtok,
    "SUBSTR": _substring,
    "SUBSTRING": _substring,
    "TO_BINARY": _binary,
    "TRANSLATE": plain("translate", "ttt", Kind.TEXT),
    "TRIM": _trimmed("trim"),
    "UNICODE": plain("unicode", "t", Kind.INTEGER),
    "UPPER": plain("upper", "t", Kind.TEXT),
    "UUID_STRING": _uuid,
    **{name: _digest(target) for name, target in _HEXADECIMAL.items()},
}

RULES: Mapping[type[exp.Expr], Callable[[Node], Node]] = {exp.DPipe: _pipe}
