"""Which kinds of statement are for those alone who see everything (step 7)."""

from __future__ import annotations

from flight_server.errors import ErrorCode, QueryRefused
from flight_server.model import Grant, Kind, Statement
from flight_server.syntax.names import DEFAULT_SCHEMA


def refuse_forms(statement: Statement, grant: Grant) -> None:
    """Refuse the kinds of statement that a principal with less than full sight may not send."""
    if statement.administrative and not grant.administers:
        raise _denied("This statement is reserved to administrators")
    if statement.kind is Kind.DEFINE and not grant.sees_everything:
        raise _denied(f"Statements of type {statement.verb} are not permitted")
    if statement.explain and not grant.sees_everything:
        raise _denied("EXPLAIN is not permitted")
    if statement.verb == "USE" and statement.text != DEFAULT_SCHEMA and not grant.sees_everything:
        raise _denied(f"Schema '{statement.text}' is not permitted")
    if statement.verb == "TRUNCATE" and not grant.sees_everything:
        raise _denied("TRUNCATE is not permitted; use DELETE")


def _denied(message: str) -> QueryRefused:
    return QueryRefused(ErrorCode.POLICY_DENIED, message)
