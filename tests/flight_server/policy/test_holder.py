"""Policies are replaced as a whole, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flight_server.policy.faults import PolicyFaults
from flight_server.policy.holder import PolicyHolder
from flight_server.policy.load import load_policies
from flight_server.policy.model import Policies
from tests.fixtures.policies import ACCESS, CATALOG

FILTER = '- {{table: orders, filter: "{predicate}", exempt_roles: [admin]}}\n'


class Folder:
    """A folder of policies and the holder over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.report = folder / "run" / "policies.json"
        self.write("access.cedar", ACCESS)
        self.write("row_filters.yaml", FILTER.format(predicate="total > 1"))
        self.write("masks.yaml", "")
        self.write("limits.yaml", "")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def load(self) -> Policies:
        return load_policies(self.folder, CATALOG, lambda _table, _predicate: None, {})

    def holder(self) -> PolicyHolder:
        return PolicyHolder(self.load, self.report)

    def reported(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.report.read_text())
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_what_is_in_force_is_reported(folder: Folder) -> None:
    holder = folder.holder()

    assert folder.reported()["version"] == holder.current.version
    assert folder.reported()["faults"] == []


def test_a_reload_puts_the_new_files_in_force(folder: Folder) -> None:
    holder = folder.holder()
    before = holder.current
    folder.write("row_filters.yaml", FILTER.format(predicate="total > 2"))

    assert holder.reload()
    assert holder.current is not before
    assert folder.reported()["version"] == holder.current.version != before.version


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("access.cedar", "permit (principal,"),
        ("row_filters.yaml", '- {table: nowhere, filter: "true", exempt_roles: [admin]}'),
        ("masks.yaml", "- {table: orders, column: nowhere, function: full, exempt_roles: [admin]}"),
        ("limits.yaml", "{analyst: {max_rows: -1}}"),
    ],
)
def test_a_faulty_file_leaves_everything_as_it_was(folder: Folder, name: str, text: str) -> None:
    holder = folder.holder()
    before = holder.current
    folder.write("row_filters.yaml", FILTER.format(predicate="total > 2"))
    folder.write(name, text)

    assert not holder.reload()
    assert holder.current is before
    assert folder.reported()["version"] == before.version
    assert name in str(folder.reported()["faults"])


def test_a_missing_file_is_a_fault(folder: Folder) -> None:
    holder = folder.holder()
    before = holder.current
    (folder.folder / "masks.yaml").unlink()

    assert not holder.reload()
    assert holder.current is before


def test_the_next_good_set_is_taken_after_a_faulty_one(folder: Folder) -> None:
    holder = folder.holder()
    folder.write("access.cedar", "nonsense")
    refused = holder.reload()
    folder.write("access.cedar", ACCESS)

    assert not refused
    assert holder.reload()
    assert folder.reported()["faults"] == []


def test_faulty_policies_stop_the_start(folder: Folder) -> None:
    folder.write("access.cedar", "nonsense")

    with pytest.raises(PolicyFaults):
        folder.holder()
    assert not folder.report.exists()


def test_a_reader_never_sees_half_a_report(folder: Folder) -> None:
    holder = folder.holder()
    first = folder.report.stat().st_ino
    holder.reload()

    assert folder.report.stat().st_ino != first
    assert [path.name for path in folder.report.parent.iterdir()] == ["policies.json"]
