"""Reads HOME/policies, checks the whole of it, and returns it as one value.

All four files must be there: a masks.yaml that was deleted by mistake would
otherwise unmask everything without a word.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from flight_server.policy.access import ACCESS, load_access
from flight_server.policy.faults import PolicyFault, PolicyFaults
from flight_server.policy.model import Policies
from flight_server.policy.rules import (
    LIMITS,
    MASKS,
    ROW_FILTERS,
    Catalog,
    CheckPredicate,
    Surroundings,
    load_filters,
    load_limits,
    load_masks,
)

FILES = (ACCESS, ROW_FILTERS, MASKS, LIMITS)


def load_policies(
    directory: Path,
    catalog: Catalog,
    check_predicate: CheckPredicate,
    environ: Mapping[str, str] = os.environ,
) -> Policies:
    """Return the policies in *directory*, checked against *catalog*.

    Args:
        directory: HOME/policies.
        catalog: The columns of every table that exists.
        check_predicate: Says what is wrong with a row filter, or None.
        environ: Where keys written as `env:NAME` come from.

    Raises:
        PolicyFaults: Anything in any of the files is wrong; all of it is named.
    """
    faults: list[PolicyFault] = []
    texts = {name: _text(directory / name, faults) for name in FILES}
    around = Surroundings(catalog, check_predicate, environ)
    access = load_access(texts[ACCESS], catalog, faults)
    filters = load_filters(texts[ROW_FILTERS], around, faults)
    masks = load_masks(texts[MASKS], around, faults)
    limits = load_limits(texts[LIMITS], faults)
    if faults or access is None:
        raise PolicyFaults(faults)
    return Policies(_version(texts), access, filters, masks, limits)


def _text(path: Path, faults: list[PolicyFault]) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        faults.append(PolicyFault(path.name, 1, f"the file cannot be read: {error.strerror}"))
        return ""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        faults.append(PolicyFault(path.name, raw.count(b"\n", 0, error.start) + 1, "the text is not UTF-8"))
        return ""


def _version(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name in FILES:
        digest.update(f"{name}\0{len(texts[name])}\0{texts[name]}".encode())
    return digest.hexdigest()[:12]
