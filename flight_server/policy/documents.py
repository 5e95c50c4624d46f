"""Reads the YAML files into entries that remember their lines.

The syntax tree of PyYAML is walked directly, since loaded Python values have
lost their lines and a repeated key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from flight_server.policy.faults import PolicyFault

_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One mapping of a file: a rule, or the limits of a role."""

    file: str
    line: int
    fields: Mapping[str, yaml.Node]
    faults: list[PolicyFault]

    def fault(self, message: str, name: str | None = None) -> None:
        """Note *message* at the line of the field *name*, or of the entry."""
        node = self.fields.get(name) if name else None
        self.faults.append(PolicyFault(self.file, line_of(node) if node else self.line, message))

    def text(self, name: str, *, required: bool = True) -> str | None:
        """Return the scalar *name* as it is written, or None with a fault noted."""
        node = self.fields.get(name)
        if node is None:
            if required:
                self.fault(f"field '{name}' is missing")
            return None
        if not isinstance(node, yaml.ScalarNode):
            self.fault(f"field '{name}' must be a text", name)
            return None
        return str(node.value)

    def names(self, name: str) -> frozenset[str]:
        """Return the list of texts *name*; empty when it is absent, with a fault noted when it is no list."""
        node = self.fields.get(name)
        if node is None:
            return frozenset()
        if not isinstance(node, yaml.SequenceNode) or not all(map(_is_name, node.value)):
            self.fault(f"field '{name}' must be a list of names, as in [admin, auditor]", name)
            return frozenset()
        return frozenset(str(item.value) for item in node.value)

    def number(self, name: str) -> float | None:
        """Return *name* as a number that is not negative, or None with a fault noted."""
        node = self.fields[name]
        if isinstance(node, yaml.ScalarNode) and node.tag in (
            "tag:yaml.org,2002:int",
            "tag:yaml.org,2002:float",
        ):
            value = float(yaml.SafeLoader("").construct_object(node))
            if 0 <= value < float("inf"):
                return value
        self.fault(f"field '{name}' must be a number, zero or more", name)
        return None

    def whole(self, name: str) -> int | None:
        """Return *name* as a whole number that is not negative, or None with a fault noted."""
        value = self.number(name)
        if value is not None and not value.is_integer():
            self.fault(f"field '{name}' must be a whole number", name)
            return None
        return None if value is None else int(value)

    def is_null(self, name: str) -> bool:
        """Whether *name* is written as YAML's null."""
        node = self.fields[name]
        return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def line_of(node: yaml.Node) -> int:
    """Return the line where *node* starts, counted from 1."""
    return int(node.start_mark.line) + 1


def _is_name(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and str(node.value) not in _NULLS


def compose(file: str, text: str, faults: list[PolicyFault]) -> yaml.Node | None:
    """Return the root of *text*, or None when it is empty or a fault was noted."""
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        faults.append(
            PolicyFault(file, mark.line + 1 if mark else 1, f"YAML: {error.problem or error.context}")
        )
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        faults.append(PolicyFault(file, line, f"YAML: {error.reason}"))
    return None


def read_entries(file: str, text: str, known: frozenset[str], faults: list[PolicyFault]) -> Iterator[Entry]:
    """Yield the mappings of a file that is a list; unknown and repeated fields are faults."""
    root = _unwrapped(file, compose(file, text, faults))
    if root is None or _is_null(root):
        return
    if not isinstance(root, yaml.SequenceNode):
        faults.append(PolicyFault(file, line_of(root), "the file must be a list of rules"))
        return
    for node in root.value:
        entry = read_entry(file, node, known, faults)
        if entry is not None:
            yield entry


def read_named_entries(
    file: str, text: str, known: frozenset[str], faults: list[PolicyFault]
) -> Iterator[tuple[str, Entry]]:
    """Yield the mappings of a file that maps names to them, or lists them: then the name is empty."""
    root = _unwrapped(file, compose(file, text, faults))
    if root is None or _is_null(root):
        return
    if isinstance(root, yaml.SequenceNode):
        named = [("", node) for node in root.value]
    else:
        entry = read_entry(file, root, None, faults)
        named = list(entry.fields.items()) if entry else []
    for name, node in named:
        entry = read_entry(file, node, known, faults)
        if entry is not None:
            yield name, entry


def read_entry(
    file: str, node: yaml.Node, known: frozenset[str] | None, faults: list[PolicyFault]
) -> Entry | None:
    """Return *node* as an entry with the fields *known* (None: any), or None with a fault noted."""
    if not isinstance(node, yaml.MappingNode):
        faults.append(PolicyFault(file, line_of(node), "a mapping of fields is expected here"))
        return None
    fields: dict[str, yaml.Node] = {}
    for key, value in node.value:
        problem = _key_problem(key, fields, known)
        if problem:
            faults.append(PolicyFault(file, line_of(key), problem))
        else:
            fields[str(key.value)] = value
    return Entry(file, line_of(node), fields, faults)


def _key_problem(key: yaml.Node, fields: Mapping[str, yaml.Node], known: frozenset[str] | None) -> str:
    if not isinstance(key, yaml.ScalarNode):
        return "a field's name must be a text"
    if known is not None and key.value not in known:
        return f"unknown field '{key.value}'; known are {', '.join(sorted(known))}"
    return f"'{key.value}' is given twice" if key.value in fields else ""


def _unwrapped(file: str, root: yaml.Node | None) -> yaml.Node | None:
    """Return what stands under `masks:` in masks.yaml, which people write as well as the bare rules."""
    stem = file.removesuffix(".yaml")
    if isinstance(root, yaml.MappingNode) and [key.value for key, _ in root.value] == [stem]:
        value: yaml.Node = root.value[0][1]
        return value
    return root


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
