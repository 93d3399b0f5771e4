"""A small solved run to report on, runs with changes to it, and a browser that stays at home."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hubs import load_facts
from optimizer.report.computeprices import compute_prices
from optimizer.report.indicators import indicators
from optimizer.report.page import write_page
from optimizer.report.tables import plan_tables
from optimizer.runs.store import Run, write_run
from optimizer.solve.compile import compile_case
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.case import Case
from tests.cases import full_case, two_site_case

NODES = pd.DataFrame(
    [("East", "region", 31.2, 121.5), ("West", "region", 40.8, 111.7), ("Plateau", "cluster", 40.4, 111.8)],
    columns=["node", "kind", "lat_deg", "lon_deg"],
)
Parts = tuple[dict[str, Any], dict[str, pd.DataFrame]]
WriteRun = Callable[..., Run]


def solved_plan(case: Case) -> Plan:
    program = compile_case(case)
    outcome = optimise(program, 1e-6, 60.0)
    assert outcome.x is not None
    return Plan(case, program, outcome.x)


def strained_case() -> Case:
    """The full case short of all: pods are lit and built, wavelengths built, tax capped, positions not delivered."""
    case = full_case(
        pods_installed=np.array([[5]]),
        pods_vacant=np.array([[1]]),
        link_capacity_gbps=np.array([0.2, 0.2, 20.0, 100.0]),
        local_eflops={"East local": 4.0},
        home_reserve_frac={"Plateau": 0.0},
        capital_counted=(),
    )
    assert case.cooperation is not None
    assert case.expansion is not None
    forward, band, _ = case.positions
    return replace(
        case,
        cooperation=replace(case.cooperation, tax_cap_kcny=0.1),
        positions=(replace(forward, quantity_eflops=np.full(4, 2.0)), band),
        expansion=replace(case.expansion, pod_kcny=np.array([5.5]), wavelength_kcny=0.1),
    )


def run_parts(case: Case) -> Parts:
    """Manifest and tables of a solved case, as a run keeps them."""
    program = compile_case(case)
    outcome = optimise(program, 1e-6, 60.0)
    assert outcome.x is not None
    assert outcome.verdict is not None
    plan, facts = Plan(case, program, outcome.x), load_facts()
    tables = plan_tables(plan)
    tables |= {"indicators": indicators(case, tables), "facts": facts.provenance, "nodes": NODES}
    tables["sources"] = facts.sources.reset_index()
    prices = compute_prices(plan)
    assert prices is not None
    tables["prices"] = prices
    # The report only reads a greedy plan's items: dearer ones, each by another factor, stand for it.
    rival = tables["cost_items"].copy()
    rival["cost_kcny"] *= 1.1 + 0.1 * np.arange(len(rival))
    tables["greedy_cost_items"] = rival
    manifest = {
        "run": "two-site-1",
        "scenario": "two-site",
        "why": "Small enough to check by hand.",
        "status": outcome.words,
        "stop": outcome.stop,
        "objective_kcny": outcome.objective_kcny,
        "bound_kcny": outcome.bound_kcny,
        "gap_frac": outcome.gap_frac,
        "greedy_kcny": float(rival["cost_kcny"].sum()),
        "greedy_note": None,
        "hours": case.horizon.hours,
        "columns": program.columns,
        "rows": program.rows,
        "nonzeros": int(program.matrix.nnz),
        "integers": int(program.integer.sum()),
        "max_violation": outcome.verdict.max_violation,
        "cost_items": outcome.verdict.items_kcny,
        "start": case.horizon.start.isoformat(),
        "seed": 1,
        "inputs": {"case_sha256": "0" * 64},
        "versions": {"computegrid": "0.1.0", "highspy": "1"},
        "options": {"gap_frac": 1e-6},
        "timing": {"build_s": 0.1, "finished": "2025-07-14T00:00:00+08:00"},
    }
    return manifest, tables


@pytest.fixture(scope="session")
def plan() -> Plan:
    return solved_plan(two_site_case())


@pytest.fixture(scope="session")
def full_plan() -> Plan:
    return solved_plan(full_case())


@pytest.fixture(scope="session")
def strained_plan() -> Plan:
    return solved_plan(strained_case())


@pytest.fixture(scope="session", params=["plain", "full", "strained"])
def any_plan(request: pytest.FixtureRequest) -> Plan:
    """Plans without any instrument, with all of them, and with all of them short of everything."""
    names = {"plain": "plan", "full": "full_plan", "strained": "strained_plan"}
    found: Plan = request.getfixturevalue(names[request.param])
    return found


@pytest.fixture(scope="session")
def parts() -> Parts:
    return run_parts(two_site_case())


@pytest.fixture(scope="session")
def solve_parts() -> Callable[[Case], Parts]:
    return run_parts


@pytest.fixture
def write(parts: Parts, tmp_path: Path) -> WriteRun:
    """Write the small run with a changed manifest and changed tables (None leaves one out)."""

    def written(changes: dict[str, Any] | None = None, other: Parts = parts, **tables: pd.DataFrame | None) -> Run:
        manifest = copy.deepcopy(other[0]) | (changes or {})
        kept = {name: table for name, table in (other[1] | tables).items() if table is not None}
        return write_run(tmp_path / "run", manifest, "name = 'two-site'\n", kept)

    return written


@pytest.fixture(scope="session")
def run(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The small run as it is, with its report beside the tables."""
    return write_run(
        tmp_path_factory.mktemp("runs") / "two-site",
        parts[0],
        "name = 'two-site'\n",
        parts[1],
        lambda made: write_page(made, made.folder / "report.html"),
    )


class Visit:
    """A page opened from disk with the network cut, and everything it complained of or asked for."""

    def __init__(self, browser: Any, path: Path, width_px: int = 1280) -> None:
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(viewport={"width": width_px, "height": 900})
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.locator(".plot:not(:has(.main-svg))").first.wait_for(state="detached")

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def opened(path: Path, width_px: int = 1280) -> Visit:
        visits.append(Visit(browser, path, width_px))
        return visits[-1]

    yield opened
    for made in visits:
        made.context.close()
