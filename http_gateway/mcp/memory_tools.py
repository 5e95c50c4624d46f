"""The tools with which an agent remembers; all of it is SQL, under the same policies as any other."""

from __future__ import annotations

import json
from typing import Any, Final

from hatidata_agent.memory_sql import ADD_STATE, CHANGE_STATE, DELETE, GET_STATE, SEARCH, STORE
from http_gateway.mcp.asking import Asking
from http_gateway.mcp.schemas import ANYTHING, RECORDS, TEXT, an_object, answer, described
from http_gateway.mcp.tool import Arguments, Tool

_UNIT: Final = {"type": "number", "minimum": 0, "maximum": 1}
_TYPE: Final = described(TEXT, "Such as fact, episode, preference or context")


def _store_memory(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    metadata = arguments.get("metadata")
    rows, _ = asking.rows(
        STORE,
        arguments["content"],
        arguments.get("memory_type", "fact"),
        None if metadata is None else json.dumps(metadata),
        arguments.get("importance", 0.5),
    )
    return {"memory_id": rows[0]["memory_id"]}


def _search_memory(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    sql = SEARCH.format(top_k=int(arguments.get("top_k", 10)))
    found, _ = asking.rows(
        sql, arguments["query"], arguments.get("memory_type"), arguments.get("min_importance")
    )
    for memory in found:
        memory["metadata"] = _loaded(memory["metadata"])
    return {"memories": found}


def _get_agent_state(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    found, _ = asking.rows(GET_STATE, arguments["key"])
    if not found:
        return {"key": arguments["key"], "value": None, "found": False}
    state = found[0]
    return {"key": arguments["key"], **state, "value": _loaded(state["value"]), "found": True}


def _set_agent_state(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    values = (arguments["key"], json.dumps(arguments["value"]))
    _, receipt = asking.rows(CHANGE_STATE, *values)
    if not receipt.affected:
        asking.rows(ADD_STATE, *values)
    return {"key": arguments["key"], "stored": True}


def _delete_memory(asking: Asking, arguments: Arguments) -> dict[str, Any]:
    _, receipt = asking.rows(DELETE, arguments["memory_id"])
    return {"memory_id": arguments["memory_id"], "deleted": bool(receipt.affected)}


def _loaded(text: str | None) -> Any:  # Any: whatever JSON was stored
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


MEMORY_TOOLS: Final = (
    Tool(
        "store_memory",
        "Remember",
        "Store something worth remembering, so that it can be found again by its meaning.",
        an_object(
            ("content",),
            content=described(TEXT, "What to remember", minLength=1),
            memory_type=described(
                _TYPE, "The kind of memory: fact, episode, preference or context", default="fact"
            ),
            metadata={"type": "object", "description": "Anything else about it"},
            importance=described(_UNIT, "From 0 to 1", default=0.5),
        ),
        answer(("memory_id",), memory_id=TEXT),
        _store_memory,
    ),
    Tool(
        "search_memory",
        "Search memories",
        "Find the memories of this agent that are nearest in meaning to a text.",
        an_object(
            ("query",),
            query=described(TEXT, "What to look for", minLength=1),
            top_k={"type": "integer", "minimum": 1, "maximum": 1000, "default": 10},
            memory_type=_TYPE,
            min_importance=described(_UNIT, "Only memories at least as important"),
        ),
        answer(("memories",), memories=RECORDS),
        _search_memory,
        reads=True,
        repeatable=True,
    ),
    Tool(
        "get_agent_state",
        "Read a value",
        "Return the value that this agent keeps under a key.",
        an_object(("key",), key=described(TEXT, "The key", minLength=1)),
        answer(("key", "found"), key=TEXT, value=ANYTHING, found={"type": "boolean"}),
        _get_agent_state,
        reads=True,
        repeatable=True,
    ),
    Tool(
        "set_agent_state",
        "Keep a value",
        "Keep a value for this agent under a key, in the place of an older one.",
        an_object(
            ("key", "value"),
            key=described(TEXT, "The key", minLength=1),
            value=described(ANYTHING, "Any JSON value"),
        ),
        answer(("key", "stored"), key=TEXT, stored={"type": "boolean"}),
        _set_agent_state,
        destroys=True,
        repeatable=True,
    ),
    Tool(
        "delete_memory",
        "Forget",
        "Delete one memory of this agent.",
        an_object(("memory_id",), memory_id=described(TEXT, "As store_memory or search_memory returned it")),
        answer(("deleted",), memory_id=TEXT, deleted={"type": "boolean"}),
        _delete_memory,
        destroys=True,
        repeatable=True,
    ),
)
