"""What a tool is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from http_gateway.mcp.asking import Asking
from http_gateway.mcp.schemas import Schema

Arguments = Mapping[str, Any]
"""Checked against the tool's input schema; `Any` because they are JSON."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: what a model reads about it, and what it does.

    Attributes:
        reads: It changes nothing.
        destroys: It may change or delete what is there, not only add.
        repeatable: Doing it twice does no more than doing it once.
    """

    name: str
    title: str
    description: str
    takes: Schema
    gives: Schema
    run: Callable[[Asking, Arguments], dict[str, Any]]
    reads: bool = False
    destroys: bool = False
    repeatable: bool = False
