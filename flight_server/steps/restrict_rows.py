"""Step 7: every table a statement reads becomes what the grant leaves of it.

Nothing after this step can see more: tables without a filter or mask are named
in the sealed catalog, the others become secured derived tables, and what the
step does not understand is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Action, Grant, Kind, Mask, MaskFunction, Statement, TableGrant, TableName
from flight_server.semantic.names import MEMORY, STORES
from flight_server.semantic.rewrite import Known, StoredRanks, bind_caller, check_calls, store_outputs
from flight_server.steps.refuse_forms import refuse_forms
from flight_server.stores.catalog import CatalogSnapshot, Table
from flight_server.syntax.facts import Facts, below, gather
from flight_server.syntax.flat import is_flat
from flight_server.syntax.functions import refuse_functions
from flight_server.syntax.laundering import refuse_laundering, refuse_whole_rows
from flight_server.syntax.leakproof import leakproof_conjuncts, plain_tables
from flight_server.syntax.lineage import Output, from_sources, outputs, resolved
from flight_server.syntax.names import PUBLIC_CATALOG, fold, resolve
from flight_server.syntax.parser import Node, Parser, only_statement, write_body
from flight_server.syntax.row_writes import Check, by_row, check_of
from flight_server.syntax.samples import spread_samples
from flight_server.syntax.secure import secured_table
from flight_server.syntax.unnamed import expands_names, printed

_SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog"})


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where the raw tables are, and the word that no caller can know.

    Attributes:
        semantics: The embedder's side of the engine; None for an engine without.
        shadow: Where empty tables stand for those of the remote engines; empty without any.
        engines: The names of the remote engines.
    """

    catalog: str
    nonce: str
    semantics: Known | None = None
    shadow: str = ""
    engines: frozenset[str] = frozenset()

    def holder(self, schema: str) -> str:
        """Return the catalog that holds *schema*: the shadow for `engine.schema`, or the sealed one."""
        return self.shadow if "." in schema and fold(schema).split(".")[0] in self.engines else self.catalog


@dataclass(frozen=True, slots=True)
class Restricted:
    """A statement that can only reach what its grant leaves.

    Attributes:
        tree: DuckDB's tree to print; None for definitions and control, which run as they are.
        write: The statement around a restricted write, with `{source}` where the tree's text goes.
        check: How a write is held to rows that are visible afterwards, if rows of its target can be hidden.
        masked: Mask of every output column that is a masked column unchanged.
        late: Masks still to be applied to the result's arrays, by position.
        names: The output names, where they can be told; empty otherwise.
        targets: What `write` names besides the tree.
    """

    statement: Statement
    grant: Grant
    tree: Node | None
    write: str = ""
    check: Check | None = None
    masked: tuple[tuple[int, Mask], ...] = ()
    late: tuple[tuple[int, Mask], ...] = ()
    names: tuple[str, ...] = ()
    targets: frozenset[TableName] = frozenset()


def restrict_rows(
    statement: Statement, grant: Grant, parser: Parser, catalog: CatalogSnapshot, sealed: Sealed
) -> Restricted:
    """Return *statement* with every table cut down to what *grant* leaves of it.

    Raises:
        QueryRefused: POLICY_DENIED for functions and forms that would see more.
    """
    refuse_forms(statement, grant)
    if sealed.nonce in statement.tree.lower() and not grant.administers:
        raise _denied("This form of query is not permitted", "it holds the word that names what is sealed")
    if statement.kind in (Kind.DEFINE, Kind.CONTROL):
        return Restricted(statement, grant, None)
    tree: Node = json.loads(statement.tree)
    rewriter = Rewriter(statement, grant, parser, catalog, sealed)
    if statement.kind is Kind.READ:
        return rewriter.read(tree)
    if statement.verb == STORES:
        return rewriter.store(tree)
    return rewriter.write(tree)


def _denied(message: str, detail: str = "") -> QueryRefused:
    return QueryRefused(ErrorCode.POLICY_DENIED, message, detail=detail)


class Rewriter:
    """One rewriting of one tree; it changes the tree in place."""

    def __init__(
        self, statement: Statement, grant: Grant, parser: Parser, catalog: CatalogSnapshot, sealed: Sealed
    ) -> None:
        self._statement = statement
        self._grant = grant
        self._parser = parser
        self._catalog = catalog
        self._sealed = sealed
        self._carrier = f"__raw_{sealed.nonce}_"
        self._carried: dict[TableName, set[str]] = {}
        self._conjuncts: dict[int, list[Node]] = {}
        self._expands = False
        masks = grant.tables[MEMORY].masks if MEMORY in grant.tables else ()
        masked = [column for column, _ in masks]
        self._ranks = StoredRanks(parser, sealed.semantics, self._columns_of, masked, sealed.nonce)

    def read(self, tree: Node) -> Restricted:
        """Rewrite a query."""
        root = only_statement(tree)["node"]
        facts = gather(root)
        self._refuse(facts)
        masked, names = self._masked_outputs(root)
        late = self._carry(root, facts) if masked else ()
        self._ranks.find(facts)
        self._keep_names(root)
        self._replace_tables(root)
        late_at = {position for position, _ in late}
        nulls = tuple((p, m) for p, m in masked if m.function is MaskFunction.NULL and p not in late_at)
        return Restricted(
            self._statement, self._grant, tree, masked=masked, late=(*late, *nulls), names=names
        )

    def _masked_outputs(self, root: Node) -> tuple[tuple[tuple[int, Mask], ...], tuple[str, ...]]:
        """Return which outputs are masked columns unchanged, and the names of all outputs."""
        if not any(grant.masks for grant in self._grant.tables.values()):
            return (), ()
        found = outputs(root, self._columns_of)
        if found is None:
            return (), ()
        masks = ((position, self._mask(output)) for position, output in enumerate(found))
        masked = tuple((position, mask) for position, mask in masks if mask is not None)
        return masked, tuple(output.name for output in found)

    def _mask(self, output: Output) -> Mask | None:
        grant = self._grant.tables.get(output.table) if output.table else None
        return dict(grant.masks).get(output.column) if grant else None

    def _columns_of(self, node: Node) -> tuple[TableName, tuple[str, ...]] | None:
        name = self._public(node)
        table = self._catalog.tables.get(name) if name else None
        return (name, tuple(c.name for c in table.columns)) if name and table else None

    def _carry(self, root: Node, facts: Facts) -> tuple[tuple[int, Mask], ...]:
        """Have a flat query carry the raw values of plain masked outputs to the mask step."""
        sources = (
            from_sources(root["from_table"], self._columns_of) if root["type"] == "SELECT_NODE" else None
        )
        classes = {node["class"] for node in below(root) if "class" in node}
        if not is_flat(root, facts, sources, classes):
            return ()
        late = []
        for position, item in enumerate(root["select_list"]):
            origin = resolved(item["column_names"], sources or ()) if item["class"] == "COLUMN_REF" else None
            mask = self._mask(origin) if origin else None
            if origin is None or origin.table is None or mask is None or mask.function is MaskFunction.NULL:
                continue
            self._carried.setdefault(origin.table, set()).add(origin.column)
            item["column_names"] = [*item["column_names"][:-1], self._carrier + origin.column]
            item["alias"] = f"__late_{self._sealed.nonce}_{position}"
            late.append((position, mask))
        return tuple(late)

    def write(self, tree: Node) -> Restricted:
        """Rewrite an INSERT, UPDATE or DELETE."""
        body = write_body(tree)
        facts = gather(body)
        self._refuse(facts)
        target = self._target()
        if not self._grant.restricted:
            self._replace_tables(body)
            self._place_target(body)
            return Restricted(self._statement, self._grant, tree)
        self._refuse_laundering(body, facts)
        if body["type"] == "INSERT_QUERY_NODE":
            self._replace_tables(body)
            self._place_target(body)
            return Restricted(self._statement, self._grant, tree, check=self._check(target))
        return self._write_by_row(body, target)

    def store(self, tree: Node) -> Restricted:
        """Rewrite a `store_memory` to the query for what is to be stored."""
        root = only_statement(tree)["node"]
        store_outputs(root, self._grant)
        self._refuse(gather(root))
        target = self._target()
        return Restricted(self._statement, self._grant, tree, check=self._check(target))

    def _target(self) -> TableGrant:
        """Return the grant of the table that is written to."""
        names = [name for action, name in self._statement.accesses if action is not Action.SELECT]
        if not names:
            return TableGrant(TableName("temp", ""))
        return self._grant.tables[names[0]]

    def _refuse(self, facts: Facts) -> None:
        check_calls(facts, self._sealed.semantics)
        bind_caller(facts, self._grant, self._statement.default_schema)
        refuse_functions(facts, self._grant.administers)
        if not self._grant.sees_everything:
            spread_samples(facts)
        if facts.unknown and not self._grant.administers:
            raise _denied("This form of query is not permitted", f"unknown nodes {sorted(facts.unknown)}")
        if facts.shows and not self._grant.sees_everything:
            raise _denied("SHOW, DESCRIBE and SUMMARIZE are not permitted")
        if any(node.get("at_clause") for node in facts.tables) and not self._grant.sees_everything:
            raise _denied("AT is not permitted")

    def _refuse_laundering(self, body: Node, facts: Facts) -> None:
        read = {self._public(node) for node in facts.tables}
        masks = [grant.masks for name, grant in self._grant.tables.items() if name in read]
        refuse_laundering(body, facts, {column for found in masks for column, _ in found})

    def _keep_names(self, root: Node) -> None:
        """Give the outputs whose name would show the rewriting the name that DuckDB gives the original."""
        for select in gather(root).selects:
            for item in select["select_list"]:
                if not item.get("alias") and any(n.get("type") == "BASE_TABLE" for n in below(item)):
                    item["alias"] = printed(self._parser, item)

    def _replace_tables(self, root: Node) -> None:
        facts = gather(root)
        self._expands = expands_names(facts) and not self._grant.sees_everything
        for select in facts.selects:
            self._find_conjuncts(select)
        secured = [node for node in facts.tables if self._secure(node)]
        names = {fold(node["alias"]) for node in secured}
        for node in facts.columns:
            node["column_names"] = self._shortened(node["column_names"], names)

    def _find_conjuncts(self, select: Node) -> None:
        """Note which predicates of *select* may be tested on the raw rows of its own tables."""
        nodes = plain_tables(select["from_table"])
        if not any(self._is_filtered(node) for node in nodes.values()):
            return
        found = leakproof_conjuncts(
            select, from_sources(select["from_table"], self._columns_of), self._testable
        )
        for alias, conjuncts in found.items():
            if alias in nodes:
                self._conjuncts[id(nodes[alias])] = conjuncts

    def _is_filtered(self, node: Node) -> bool:
        table = self._columns_of(node)
        grant = self._grant.tables.get(table[0]) if table else None
        return bool(grant and grant.filters)

    def _testable(self, output: Output) -> str | None:
        """Return the type of a column whose raw value a leakproof predicate may see."""
        if output.table is None or self._mask(output) is not None or self._is_barrier(output.table):
            return None
        column = self._table(output.table).column(output.column)
        return column.type if column else None

    def _shortened(self, names: list[str], secured: set[str]) -> list[str]:
        """Return a column's path without the catalog, and without the schema of a derived table."""
        if len(names) > 2 and fold(names[0]) == PUBLIC_CATALOG:
            names = names[1:]
        if len(names) > 3 and fold(names[0]) in self._sealed.engines:
            names = names[2:]
        if len(names) > 2 and fold(names[0]) in self._catalog.schemas and fold(names[1]) in secured:
            names = names[1:]
        return names

    def _secure(self, node: Node) -> bool:
        """Put what the grant leaves in the place of a table node; tell whether it is a derived table."""
        written = node["qualified_name"]["path"]
        name = self._public(node)
        grant = self._grant.tables.get(name) if name else None
        if name is None or grant is None or not (grant.restricted or self._is_barrier(name)):
            node["qualified_name"] = {"path": self._place(node)}
            renamed = self._expands and not node["alias"]
            node["alias"] = node["alias"] or (written[-1] if renamed else "")
            return self._ranks.wrap(node) or renamed
        table = self._table(name)
        carried = frozenset(self._carried.get(name, ()))
        secured = secured_table(
            self._parser,
            self._raw(table),
            table,
            grant,
            self._locate,
            carriers=self._carrier,
            carried=carried,
            conjuncts=self._conjuncts.get(id(node), ()),
        )
        secured["alias"] = node["alias"] or written[-1]
        secured["column_name_alias"] = node["column_name_alias"]
        secured["sample"] = node["sample"]
        node.clear()
        node.update(secured)
        self._ranks.wrap(node)
        return True

    def _is_barrier(self, name: TableName) -> bool:
        """Tell whether *name* is a view, which may hide rows from whoever does not see everything."""
        table = self._catalog.tables.get(name)
        return table is not None and table.is_view and not self._grant.sees_everything

    def _table(self, name: TableName) -> Table:
        table = self._catalog.tables.get(name)
        if table is None:
            raise _denied("Permission denied", f"{name} vanished after authorisation")
        return table

    def _raw(self, table: Table) -> list[str]:
        return [self._sealed.holder(table.schema), table.schema, table.name]

    def _public(self, node: Node) -> TableName | None:
        """Return the public table that *node* names; None for the session's own and other catalogs'."""
        path = node["qualified_name"]["path"]
        name = resolve(path, self._catalog.schemas, self._statement.default_schema)
        hidden = name and len(path) == 1 and TableName("temp", name.table) in self._statement.temporary
        return None if hidden else name

    def _place(self, node: Node) -> list[str]:
        """Return the path of a table node of the statement in the catalog it really is in."""
        written: list[str] = node["qualified_name"]["path"]
        name = self._public(node)
        if len(written) == 1 and name is None:
            return ["temp", "main", written[0]]
        if len(written) == 1 and self._grant.administers and name not in self._catalog.tables:
            return written  # such as sqlite_master, or of a transaction that is not committed yet
        return self._locate(node)

    def _locate(self, node: Node) -> list[str]:
        """Return the path of a table node whose name is the public catalog's, as those of filters are."""
        written: list[str] = node["qualified_name"]["path"]
        name = resolve(written, self._catalog.schemas, self._statement.default_schema)
        if name is None or name.schema in _SYSTEM_SCHEMAS:
            return written
        if name in self._catalog.tables:
            return self._raw(self._catalog.tables[name])
        return [self._sealed.holder(name.schema), name.schema, written[-1]]

    def _place_target(self, body: Node) -> None:
        """Name the target of an INSERT; an UPDATE's or DELETE's is a table node, and done already."""
        if body["type"] != "INSERT_QUERY_NODE":
            return
        body["qualified_name"] = {"path": self._place(body)}
        if body.get("table_ref"):
            body["table_ref"]["qualified_name"] = body["qualified_name"]

    def _check(self, target: TableGrant) -> Check | None:
        if not target.filters:
            return None
        return check_of(self._parser, self._raw(self._table(target.table)), target.filters, self._locate)

    def _write_by_row(self, body: Node, target: TableGrant) -> Restricted:
        """Turn an UPDATE or DELETE into a query for the row identities and the new values, and a shell."""
        row = f"__row_{self._sealed.nonce}"
        table = self._table(target.table)
        refuse_whole_rows(body, gather(body), {fold(column.name) for column in table.columns})
        source = secured_table(self._parser, self._raw(table), table, target, self._locate, row_id=row)
        secured = {id(node) for node in gather(source).tables}
        written = by_row(self._parser, body, source, row, self._raw(table))
        inner = gather(written.select)
        self._expands = expands_names(inner) and not self._grant.sees_everything
        others = [node for node in inner.tables if id(node) not in secured and self._secure(node)]
        names = {fold(node["alias"]) for node in (source, *others)}
        for column in inner.columns:
            column["column_names"] = self._shortened(column["column_names"], names)
        check = None
        if body["type"] == "UPDATE_QUERY_NODE" and target.filters:
            noted = f"temp.main.__noted_{self._sealed.nonce}"
            query = self._parser.print_read(written.tree)
            held = check_of(self._parser, self._raw(table), target.filters, self._locate, noted, row)
            check = held.of_update(query, written.shell, noted)
        return Restricted(
            self._statement,
            self._grant,
            written.tree,
            write=written.shell,
            check=check,
            targets=frozenset({TableName(fold(table.schema), fold(table.name))}),
        )
