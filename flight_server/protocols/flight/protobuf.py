"""The Flight and Flight SQL messages, as classes made from a table of their fields.

The classes live in a descriptor pool of their own: in protobuf's default pool a
second copy of the same messages (a client library in the same process) would be
refused. No generated code, so any protobuf version will do.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.message import DecodeError, Message

FLIGHT = "arrow.flight.protocol"
SQL = "arrow.flight.protocol.sql"

_KINDS = {
    name: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in ("string", "bytes", "bool", "int32", "int64", "uint32", "uint64", "double", "sfixed64")
}
_REPEATED = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_OPTIONAL = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL

# One line a message: its name, then `number name type`, `?` for a field that may be absent,
# `*` for a list, `{}` for a map of string to the type, `|` for a member of the message's one choice.
# Enums are plain int32: proto3 puts the same bytes on the wire.
_FLIGHT_MESSAGES = """
FlightDescriptor: 1 type int32, 2 cmd bytes, 3 path string*
Ticket: 1 ticket bytes
Location: 1 uri string
FlightEndpoint: 1 ticket Ticket, 2 location Location*, 3 expiration_time .google.protobuf.Timestamp, \
4 app_metadata bytes
FlightInfo: 1 schema bytes, 2 flight_descriptor FlightDescriptor, 3 endpoint FlightEndpoint*, \
4 total_records int64, 5 total_bytes int64, 6 ordered bool, 7 app_metadata bytes
CancelFlightInfoRequest: 1 info FlightInfo
CancelFlightInfoResult: 1 status int32
RenewFlightEndpointRequest: 1 endpoint FlightEndpoint
BasicAuth: 2 username string, 3 password string
StringListValue: 1 values string*
SessionOptionValue: 1 string_value string|, 2 bool_value bool|, 3 int64_value sfixed64|, \
4 double_value double|, 5 string_list_value StringListValue|
SetSessionOptionsRequest: 1 session_options SessionOptionValue{}
Error: 1 value int32
SetSessionOptionsResult: 1 errors Error{}
GetSessionOptionsRequest:
GetSessionOptionsResult: 1 session_options SessionOptionValue{}
CloseSessionRequest:
CloseSessionResult: 1 status int32
"""

_SQL_MESSAGES = """
CommandGetSqlInfo: 1 info uint32*
CommandGetXdbcTypeInfo: 1 data_type int32?
CommandGetCatalogs:
CommandGetDbSchemas: 1 catalog string?, 2 db_schema_filter_pattern string?
CommandGetTables: 1 catalog string?, 2 db_schema_filter_pattern string?, \
3 table_name_filter_pattern string?, 4 table_types string*, 5 include_schema bool
CommandGetTableTypes:
CommandGetPrimaryKeys: 1 catalog string?, 2 db_schema string?, 3 table string
CommandGetExportedKeys: 1 catalog string?, 2 db_schema string?, 3 table string
CommandGetImportedKeys: 1 catalog string?, 2 db_schema string?, 3 table string
CommandGetCrossReference: 1 pk_catalog string?, 2 pk_db_schema string?, 3 pk_table string, \
4 fk_catalog string?, 5 fk_db_schema string?, 6 fk_table string
SubstraitPlan: 1 plan bytes, 2 version string
ActionCreatePreparedStatementRequest: 1 query string, 2 transaction_id bytes?
ActionCreatePreparedSubstraitPlanRequest: 1 plan SubstraitPlan, 2 transaction_id bytes?
ActionCreatePreparedStatementResult: 1 prepared_statement_handle bytes, 2 dataset_schema bytes, \
3 parameter_schema bytes, 4 is_update bool?
ActionClosePreparedStatementRequest: 1 prepared_statement_handle bytes
ActionBeginTransactionRequest:
ActionBeginTransactionResult: 1 transaction_id bytes
ActionBeginSavepointRequest: 1 transaction_id bytes, 2 name string
ActionBeginSavepointResult: 1 savepoint_id bytes
ActionEndTransactionRequest: 1 transaction_id bytes, 2 action int32
ActionEndSavepointRequest: 1 savepoint_id bytes, 2 action int32
CommandStatementQuery: 1 query string, 2 transaction_id bytes?
CommandStatementSubstraitPlan: 1 plan SubstraitPlan, 2 transaction_id bytes?
TicketStatementQuery: 1 statement_handle bytes
CommandPreparedStatementQuery: 1 prepared_statement_handle bytes
CommandStatementUpdate: 1 query string, 2 transaction_id bytes?
CommandPreparedStatementUpdate: 1 prepared_statement_handle bytes
TableDefinitionOptions: 1 if_not_exist int32, 2 if_exists int32
CommandStatementIngest: 1 table_definition_options TableDefinitionOptions, 2 table string, 3 schema string?, \
4 catalog string?, 5 temporary bool, 6 transaction_id bytes?, 1000 options string{}
DoPutUpdateResult: 1 record_count int64
DoPutPreparedStatementResult: 1 prepared_statement_handle bytes?
ActionCancelQueryRequest: 1 info bytes
ActionCancelQueryResult: 1 result int32
"""


def _define(package: str, name: str, text: str) -> descriptor_pb2.FileDescriptorProto:
    """Return the file whose messages *text* lists."""
    file = descriptor_pb2.FileDescriptorProto(
        name=name, package=package, syntax="proto3", dependency=["google/protobuf/timestamp.proto"]
    )
    for line in text.strip().splitlines():
        title, _, fields = line.partition(":")
        message = file.message_type.add(name=title)
        for field in filter(None, map(str.strip, fields.split(","))):
            _add_field(message, package, *field.split(" "))
    return file


def _add_field(
    message: descriptor_pb2.DescriptorProto, package: str, number: str, name: str, written: str
) -> None:
    kind = written.rstrip("?*|{}")
    field = message.field.add(name=name, number=int(number), label=_OPTIONAL)
    _set_type(field, package, kind)
    if written.endswith("*"):
        field.label = _REPEATED
    elif written.endswith("{}"):
        _make_map(message, field, package, kind)
    elif written.endswith("?"):
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")
    elif written.endswith("|"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="value")
        field.oneof_index = 0


def _set_type(field: descriptor_pb2.FieldDescriptorProto, package: str, kind: str) -> None:
    if kind in _KINDS:
        field.type = _KINDS[kind]
    else:
        field.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = kind if kind.startswith(".") else f".{package}.{kind}"


def _make_map(
    message: descriptor_pb2.DescriptorProto,
    field: descriptor_pb2.FieldDescriptorProto,
    package: str,
    kind: str,
) -> None:
    """Turn *field* into a map of string to *kind*, as protobuf spells it: a list of entries."""
    title = "".join(part.capitalize() for part in field.name.split("_")) + "Entry"
    entry = message.nested_type.add(name=title)
    entry.options.map_entry = True
    key = entry.field.add(name="key", number=1, label=_OPTIONAL)
    _set_type(key, package, "string")
    value = entry.field.add(name="value", number=2, label=_OPTIONAL)
    _set_type(value, package, kind)
    field.label = _REPEATED
    field.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
    field.type_name = f".{package}.{message.name}.{title}"


def _classes() -> dict[str, type[Message]]:
    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, timestamp_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    files = (
        _define(FLIGHT, "hatidata/Flight.proto", _FLIGHT_MESSAGES),
        _define(SQL, "hatidata/FlightSql.proto", _SQL_MESSAGES),
    )
    classes: dict[str, type[Message]] = {}
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
        for message in file.message_type:
            descriptor = pool.FindMessageTypeByName(f"{file.package}.{message.name}")
            classes[message.name] = message_factory.GetMessageClass(descriptor)
    any_class = pool.FindMessageTypeByName("google.protobuf.Any")
    classes["Any"] = message_factory.GetMessageClass(any_class)
    return classes


MESSAGES: dict[str, Any] = _classes()  # Any: the classes are made at run time
"""Every message class by its name."""

_TYPE_URL = f"type.googleapis.com/{SQL}."


class NotAMessage(ValueError):
    """Bytes that are no message of Flight or Flight SQL."""


def read(name: str, body: bytes) -> Any:  # Any: the classes are made at run time
    """Return *body* as the message *name*.

    Raises:
        NotAMessage: It is not one.
    """
    message = MESSAGES[name]()
    try:
        message.ParseFromString(body)
    except DecodeError:
        raise NotAMessage(name) from None
    return message


def unwrap(body: bytes) -> Any:  # Any: the classes are made at run time
    """Return the Flight SQL message inside a serialized `Any`.

    Raises:
        NotAMessage: *body* is not an `Any`, or holds a message that is not Flight SQL's.
    """
    wrapper = read("Any", body)
    url = str(wrapper.type_url)
    name = url.rpartition("/")[2]
    package, _, title = name.rpartition(".")
    if package != SQL or title not in MESSAGES:
        raise NotAMessage(url[:200])
    return read(title, wrapper.value)


def make(name: str, **fields: object) -> Any:  # Any: the classes are made at run time
    """Return the message *name* with *fields*."""
    return MESSAGES[name](**fields)


def wrap(message: Any) -> bytes:  # Any: the classes are made at run time
    """Return *message* as a serialized `Any`."""
    url = _TYPE_URL + message.DESCRIPTOR.name
    wrapper = MESSAGES["Any"](type_url=url, value=message.SerializeToString())
    return bytes(wrapper.SerializeToString())
