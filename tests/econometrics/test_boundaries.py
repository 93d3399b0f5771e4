"""The core stands on numpy and scipy alone; pandas and plotly stay at the edge; no other package of ours is used."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "optimizer" / "econometrics"
PANDAS = {"panel", "synthetic", "tables", "tablesmore", "tablecells", "projection", "events"}
PLOTLY = {"plots", "writers", "studies"}
FOREIGN = {"numpy", "scipy", "pandas", "plotly"}
ALLOWED_STANDARD = {
    "__future__", "collections", "dataclasses", "typing", "functools", "pathlib", "tomllib", "decimal", "difflib",
    "html", "math", "types", "importlib",
}  # fmt: skip


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda p: p.stem)
def test_imports(path: Path) -> None:
    for name in _imports(path):
        top = name.split(".")[0]
        if top == "optimizer":
            assert name.startswith("optimizer.econometrics"), f"{path.name} imports {name}"
        else:
            assert top in FOREIGN | ALLOWED_STANDARD, f"{path.name} imports {name}"
        assert top != "pandas" or path.stem in PANDAS, f"{path.name} imports pandas"
        assert top != "plotly" or path.stem in PLOTLY, f"{path.name} imports plotly"


def test_no_import_circle() -> None:
    graph = {
        path.stem: {name.split(".")[-1] for name in _imports(path) if name.startswith("optimizer.econometrics.")}
        for path in PACKAGE.glob("*.py")
    }
    done: set[str] = set()
    while remaining := {m for m in graph if m not in done}:
        ready = {m for m in remaining if graph[m] & set(graph) <= done}
        assert ready, f"circle among {sorted(remaining)}"
        done |= ready
