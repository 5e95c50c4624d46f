"""The rules of CONTRIBUTING.md that no tool knows."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "flight_server",
    "http_gateway",
    "hatidata_agent",
    "hatidata_settings",
    "hatidata_telemetry",
    "certs",
    "deploy",
    "bench",
)
LONGEST_FUNCTION = 60
LONGEST_MODULE = 400

# Put together from parts, so that this file does not find itself.
NOTES_TO_SELF = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
SILENCED = re.compile("pragma: " + "no cover|" + "unittest" + r"\.mock|pytest" + r"\.mark\.(skip|xfail)")
BARE_IGNORE = re.compile(r"#\s*(type: ignore(?!\[)|noqa(?!:))")
UNREASONED_IGNORE = re.compile(r"#\s*(type: ignore\[[\w, -]+\]|noqa: [A-Z0-9, ]+?)\s*$")
MACHINE_PATH = re.compile(r"(?<![\w.])/(home|Users|root|work|mnt)/\w")
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def _tracked(*patterns: str) -> list[Path]:
    """The files of the repository; those that are not yet committed count, ignored ones do not."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def _modules() -> list[Path]:
    return [file for file in _tracked("*.py") if file.relative_to(ROOT).parts[0] in PACKAGES]


def _texts() -> Iterator[tuple[Path, int, str]]:
    """Every line of every tracked text file with its place."""
    for file in _tracked():
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, start=1):
            yield file.relative_to(ROOT), number, line


def _lines_with(pattern: re.Pattern[str], suffix: str = "") -> list[str]:
    return [
        f"{file}:{number}: {line.strip()[:100]}"
        for file, number, line in _texts()
        if file.name.endswith(suffix) and pattern.search(line)
    ]


def _functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
        for file in _tracked("*.py")
        for node in _functions(file)
        if (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]

    assert long == []


def test_no_module_is_longer_than_one_subject() -> None:
    lengths = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in _tracked("*.py")}

    assert [str(file) for file, length in lengths.items() if length > LONGEST_MODULE] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [file for file in _modules() if not ast.get_docstring(ast.parse(file.read_text("utf-8")))]

    assert silent == []


def test_no_name_says_nothing() -> None:
    nameless = [file for file in _tracked("*.py") if EMPTY_NAMES & {file.stem, file.parent.name}]

    assert nameless == []


def test_nobody_left_a_note_to_self() -> None:
    assert _lines_with(NOTES_TO_SELF, ".py") == []


def test_nothing_is_silenced_in_the_tests() -> None:
    assert _lines_with(SILENCED, ".py") == []


def test_every_ignore_names_its_code_and_its_reason() -> None:
    assert _lines_with(BARE_IGNORE, ".py") == []
    assert _lines_with(UNREASONED_IGNORE, ".py") == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert _lines_with(MACHINE_PATH) == []


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[\w.-]+==\S+ \\\n    --hash=sha256:", lock, re.MULTILINE)

    assert "://" not in lock
    assert len(pins) == lock.count("==")


def test_the_installed_packages_are_the_locked_ones() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))

    assert {name: importlib.metadata.version(name) for name in locked} == locked


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert importlib.metadata.version(project["name"]) == project["version"]


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_ignored_lint_rule_has_its_reason() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    everywhere = {rule for rule in lint["ignore"] if not rule.startswith("RUF00")}
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert {rule for rule in everywhere if rule not in page} == set()


def test_every_decision_record_has_a_number_of_its_own() -> None:
    """Numbers may leave gaps: parallel work takes them from ranges of its own."""
    names = [file.name for file in _tracked("docs/decisions/*.md")]

    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name) for name in names)
    assert len({name[:4] for name in names}) == len(names)


@pytest.mark.parametrize("package", ["steps", "policy", "syntax", "stores"])
def test_steps_do_not_import_pyarrow_flight(package: str) -> None:
    modules = _tracked(f"flight_server/{package}/*.py")
    guilty = [file for file in modules for name in _imports(file) if name.startswith("pyarrow.flight")]

    assert modules
    assert guilty == []


def test_the_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert result.returncode == 0, result.stdout
