"""The house rules that a machine can check: imports run downhill, components say what they are, numbers are tame."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import pyomo.environ as pyo
import pytest

from optimizer.blocks import BLOCKS, build_model
from optimizer.solve.compile import Program, compile_case
from scenarios.build import build_case
from scenarios.library import load
from scenarios.scope import BLOCK_NAMES
from tests.cases import two_site_case

ROOT = Path(__file__).resolve().parents[1]
LAYERS = (
    ("hubs",),
    ("scenarios",),
    ("optimizer.blocks",),
    ("optimizer.solve",),
    ("optimizer.rolling",),
    ("optimizer.runs",),
    ("optimizer.market",),
    ("optimizer.report",),
    ("optimizer.compare",),
    ("optimizer.workflow",),
    ("optimizer.desk",),
    ("optimizer.commands",),
    ("optimizer.cli", "optimizer.docs"),
)
"""From the ground up: a module imports its own package and what lies below."""
NARROW = {
    "hubs": set(),
    "scenarios": {"hubs"},
    "optimizer.blocks": {"scenarios", "hubs.errors"},
    "optimizer.solve": {"optimizer.blocks", "scenarios", "hubs.errors"},
    "optimizer.econometrics": set(),
}
"""Packages that may import only these, not everything below them."""
OURS = ("hubs", "scenarios", "optimizer")


def modules() -> dict[str, Path]:
    paths = (path for top in OURS for path in (ROOT / top).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


MODULES = modules()


def imports(module: str, path: Path) -> Iterator[str]:
    """Modules of ours that a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in OURS)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written in full"
            source = node.module or ""
            if source.split(".")[0] in OURS:
                for alias in node.names:
                    inner = f"{source}.{alias.name}"
                    yield inner if inner in MODULES else source


def room(module: str) -> str:
    """The package or top-level module that a module belongs to."""
    parts = module.split(".")
    return parts[0] if parts[0] != "optimizer" else ".".join(parts[:2])


def height(module: str) -> int:
    floors = [floor for floor, rooms in enumerate(LAYERS) if room(module) in rooms]
    assert len(floors) == 1, f"{module} stands on no floor: give its package one in LAYERS"
    return floors[0]


def allowed(module: str, imported: str) -> bool:
    mine, other = room(module), room(imported)
    if mine == other:
        return True
    if mine in NARROW:
        return other in NARROW[mine] or imported in NARROW[mine]
    if other == "optimizer.econometrics":
        return height(module) >= height("optimizer.report")
    return height(imported) < height(module)


def test_imports_run_downhill() -> None:
    uphill = [
        f"{module} imports {imported}"
        for module, path in MODULES.items()
        if module != "optimizer"
        for imported in imports(module, path)
        if imported != "optimizer" and not allowed(module, imported)
    ]
    assert not uphill, "\n".join(uphill)
    assert len(MODULES) > 40


@pytest.mark.parametrize(
    ("module", "imported", "may"),
    [
        ("hubs.facts", "scenarios.case", False),
        ("scenarios.build", "hubs.tables", True),
        ("scenarios.build", "optimizer.blocks.jobs", False),
        ("optimizer.blocks.jobs", "hubs.tables", False),
        ("optimizer.blocks.jobs", "hubs.errors", True),
        ("optimizer.blocks.jobs", "optimizer.solve.compile", False),
        ("optimizer.solve.greedy", "optimizer.blocks.jobs", True),
        ("optimizer.solve.greedy", "optimizer.runs.store", False),
        ("optimizer.cli", "optimizer.workflow", True),
        ("optimizer.report.page", "optimizer.cli", False),
        ("optimizer.econometrics.linear", "hubs.facts", False),
    ],
)
def test_the_rule_itself(module: str, imported: str, may: bool) -> None:
    assert allowed(module, imported) is may


def test_no_import_goes_in_a_circle() -> None:
    graph = nx.DiGraph((module, imported) for module, path in MODULES.items() for imported in imports(module, path))
    graph.remove_edges_from([(node, node) for node in graph])
    assert list(nx.simple_cycles(graph)) == []


def test_no_drawer_for_odds_and_ends() -> None:
    parts = {part for module in MODULES for part in module.split(".")}
    assert not parts & {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}


def test_every_module_says_what_it_is_for() -> None:
    silent = [m for m, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent


def test_functions_are_short() -> None:
    long = [
        f"{module}.{node.name}: {length} lines"
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (length := (node.end_lineno or 0) - node.lineno + 1) > 60
    ]
    assert not long


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_states_what_it_reads_posts_omits_and_rests_on(name: str) -> None:
    heads = re.findall(r"^(Reads|Posts|Omits|Source)  +\S", BLOCKS[name].__doc__ or "", flags=re.MULTILINE)
    assert heads == ["Reads", "Posts", "Omits", "Source"]


def test_scenarios_know_the_blocks_by_the_names_the_model_gives_them() -> None:
    assert tuple(BLOCKS) == BLOCK_NAMES


def test_every_component_gives_its_unit_and_says_what_it_is() -> None:
    model = build_model(two_site_case())
    components = [*model.component_objects((pyo.Var, pyo.Constraint, pyo.Objective))]
    assert len(components) > 40
    silent = [component.name for component in components if not re.match(r"^\[[^\]]+\] .+", component.doc or "")]
    assert not silent


@pytest.fixture(scope="module", params=["day", "week"])
def national(request: pytest.FixtureRequest) -> Program:
    return compile_case(build_case(load(request.param)))


SMALL, LARGE = 1e-3, 1e4
EXCEPTIONS: dict[str, str] = {}
"""Row, variable or cost item -> why its numbers may lie outside; empty as long as none does."""


def outside(values: np.ndarray) -> np.ndarray:
    size = np.abs(values)
    return np.flatnonzero(np.isfinite(size) & (size > 0) & ((size < SMALL) | (size > LARGE)))


def test_numbers_of_the_national_model_are_tame(national: Program) -> None:
    """A matrix in unlike units slows HiGHS by a factor of thirty; every number stays within 1e-3 and 1e4."""
    p = national
    matrix, costs = p.matrix.tocoo(), p.item_cost.tocoo()
    names = [name for name, _ in p.row_keys]
    wild = {names[matrix.coords[0][k]] for k in outside(matrix.data)}
    wild |= {p.items[costs.coords[0][k]] for k in outside(costs.data)}
    wild |= {names[k] for side in (p.row_lower, p.row_upper) for k in outside(side)}
    owner = {c: name for name, columns in p.variables.items() for c in columns.tolist()}
    wild |= {owner[int(k)] for bound in (p.lower, p.upper) for k in outside(bound)}
    assert wild == set(EXCEPTIONS)
    assert not np.isnan(np.concatenate([matrix.data, costs.data, p.row_lower, p.row_upper, p.lower, p.upper])).any()


def test_no_row_and_no_column_of_the_national_model_stands_twice(national: Program) -> None:
    assert len(set(national.row_names)) == national.rows
    assert len(set(national.column_names)) == national.columns
