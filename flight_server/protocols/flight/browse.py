"""Answers the commands that ask about the server and its catalog."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from flight_server.engines.engine import Engine
from flight_server.pipeline import Pipeline
from flight_server.protocols.flight import metadata, sql_info, xdbc_types
from flight_server.protocols.flight.commands import kind_of
from flight_server.protocols.flight.exchange import Asked, Exchange, query_of
from flight_server.protocols.flight.protobuf import wrap
from flight_server.protocols.flight.session import new_query_id
from flight_server.protocols.flight.streams import table_stream
from flight_server.steps.look import Sight

_Answer = Callable[[Sight, Any], pa.Table]


class Browse:
    """Answers GetCatalogs, GetTables, GetSqlInfo and the like.

    The command is its own ticket, so what is asked about is looked up when it is fetched.
    """

    def __init__(self, pipeline: Pipeline, engine: Engine) -> None:
        self._pipeline = pipeline
        self._engine = engine
        self._answers: dict[str, _Answer] = {
            "CommandGetCatalogs": metadata.catalogs,
            "CommandGetDbSchemas": metadata.db_schemas,
            "CommandGetTables": self._tables,
            "CommandGetTableTypes": metadata.table_types,
            "CommandGetPrimaryKeys": self._primary_keys,
            "CommandGetExportedKeys": self._references,
            "CommandGetImportedKeys": self._references,
            "CommandGetCrossReference": self._references,
            "CommandGetSqlInfo": self._sql_info,
            "CommandGetXdbcTypeInfo": _types,
        }

    def answers(self, kind: str) -> bool:
        """Tell whether the command *kind* is one of these."""
        return kind in self._answers

    def schema(self, command: Any) -> pa.Schema:
        """Return the schema of the answer."""
        kind = kind_of(command)
        if kind == "CommandGetTables":
            return metadata.tables_schema(command.include_schema)
        if kind == "CommandGetSqlInfo":
            return sql_info.SCHEMA
        return xdbc_types.SCHEMA if kind == "CommandGetXdbcTypeInfo" else metadata.SCHEMAS[kind]

    def info(self, exchange: Exchange, command: Any, descriptor: fl.FlightDescriptor) -> fl.FlightInfo:
        """Say where the answer is; who may not ask at all is told so now."""
        self._sight(exchange, command)
        endpoint = fl.FlightEndpoint(wrap(command), [])
        return fl.FlightInfo(self.schema(command), descriptor, [endpoint], -1, -1)

    def stream(self, exchange: Exchange, command: Any) -> fl.FlightDataStream:
        """Stream the answer, in one batch."""
        sight = self._sight(exchange, command)
        return table_stream(self._answers[kind_of(command)](sight, command), exchange.add_trailer)

    def usage(self, exchange: Exchange) -> bytes:
        """Return what the caller's key has used this month, as JSON lines by day, agent and table."""
        query = query_of(exchange, Asked("usage"), (), exchange.told_id or new_query_id())
        sight = self._pipeline.look(query, exchange.is_gone, exchange.session.session_id)
        lines = [line._asdict() | {"table": str(line.table)} for line in self._pipeline.usage(sight)]
        return json.dumps({"key_prefix": sight.principal.key_prefix, "usage": lines}).encode()

    def _sight(self, exchange: Exchange, command: Any) -> Sight:
        asked = Asked(kind_of(command).removeprefix("Command"))
        query = query_of(exchange, asked, (), exchange.told_id or new_query_id())
        return self._pipeline.look(query, exchange.is_gone, exchange.session.session_id)

    def _tables(self, sight: Sight, command: Any) -> pa.Table:
        return metadata.tables(sight, command, self._engine.wire_fields)

    def _primary_keys(self, sight: Sight, command: Any) -> pa.Table:
        return metadata.primary_keys(sight, self._engine.keys(), command)

    def _references(self, sight: Sight, command: Any) -> pa.Table:
        return metadata.references(sight, self._engine.keys(), command, kind_of(command))

    def _sql_info(self, sight: Sight, command: Any) -> pa.Table:
        return sql_info.info_table(self._engine.version, command.info)


def _types(_sight: Sight, command: Any) -> pa.Table:
    return xdbc_types.type_table(command.data_type if command.HasField("data_type") else None)
