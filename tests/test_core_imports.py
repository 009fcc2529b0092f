"""Imports run one way, down the drawing in docs: parsed from the package's own files."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import workflow_hub

PACKAGE = Path(workflow_hub.__file__).parent

# Lowest first; a room imports from its own line and from those above it here.
DRAWING = (
    ("values", "errors"),
    ("prompts", "source", "report", "config", "schema", "located", "packaged"),
    ("routing", "cache", "providers"),
    ("pipeline",),
    ("tasks",),
    ("hub",),
    ("doors", "diagnosis", "chat", "adapters"),
    ("cli",),
    ("__main__",),
)
LEVELS = {room: level for level, rooms in enumerate(DRAWING) for room in rooms}
# Where two rooms of one line know each other, and in which direction.
BESIDE = {
    ("config", "located"),
    ("prompts", "located"),
    ("prompts", "packaged"),
    ("routing", "providers"),
}
# Dependencies that a room may know; the standard library is free to all.
HEAVY = ("httpx", "pydantic", "jinja2", "anyio", "yaml", "click", "rich", "asyncio", "sqlite3", "ssl")


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "data" not in path.relative_to(PACKAGE).parts)


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module of the package that a file imports, inside functions too, and the line."""
    known = {name_of(one) for one in modules()}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            base = node.module or ""
            names = [f"{base}.{one.name}" if f"{base}.{one.name}" in known else base for one in node.names]
        else:
            continue
        yield from ((name, node.lineno) for name in names if name.partition(".")[0] == "workflow_hub")


def room(name: str) -> str:
    return name.split(".")[1]


# The package itself only names where its public names live.
@pytest.mark.parametrize(
    "path", [path for path in modules() if path.parent != PACKAGE or path.stem != "__init__"], ids=name_of
)
def test_a_module_imports_downwards_only(path: Path) -> None:
    own = room(name_of(path))
    assert own in LEVELS, f"{own} has no place in the drawing"
    wrong = []
    for name, line in imported(path):
        assert name != "workflow_hub", f"{path.name}:{line} imports the package as a whole"
        other = room(name)
        beside = LEVELS[other] == LEVELS[own] and other != own and (own, other) not in BESIDE
        if LEVELS[other] > LEVELS[own] or (beside and own not in ("values", "errors")):
            wrong.append(f"{path.name}:{line} {own} imports {name}")
    assert not wrong


def test_the_rule_sees_what_it_is_to_see() -> None:
    found = {name for name, _ in imported(PACKAGE / "hub.py")}
    assert {"workflow_hub.pipeline", "workflow_hub.config", "workflow_hub.values"} <= found
    inside = {name for name, _ in imported(PACKAGE / "providers" / "table.py")}
    assert "workflow_hub.providers.embedded" in inside, "imports inside of functions count"


def test_no_module_imports_itself_in_a_circle() -> None:
    edges = {name_of(path): {name for name, _ in imported(path)} for path in modules()}
    edges["workflow_hub"] = set()
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for other in sorted(edges[name]):
                visit(other, (*way, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, workflow_hub; print(*sys.modules)"
    # What measures coverage would be loaded, too.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "PYTHONPATH": str(PACKAGE.parent)},
    )
    loaded = set(done.stdout.split())
    assert not loaded.intersection(HEAVY)
    assert {name for name in loaded if name.startswith("workflow_hub")} == {"workflow_hub"}


@pytest.mark.parametrize("name", workflow_hub.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(workflow_hub, name)
    assert found.__name__ == name
    assert found.__doc__
    assert name in dir(workflow_hub)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="module 'workflow_hub' has no attribute 'nothing'"):
        _ = workflow_hub.nothing
    assert sorted(workflow_hub.__all__) == workflow_hub.__all__
