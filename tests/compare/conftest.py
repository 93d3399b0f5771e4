"""Small runs to compare: one scenario of two sites, solved and stored by the path that every run takes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hubs import DATA
from optimizer.runs.store import Run
from optimizer.workflow import solve_case
from scenarios.build import build_case
from scenarios.library import load

JOBS = "job,region,pods,duration_h,release_h,deadline_h,data_tb,value_kcny"
TRAIN = "train,Guangdong,1,1,-6,2,1.0,50"
PRICES = """site,hour,energy_kcny_per_mwh
Guian,0,0.4
Guian,1,0.4
Guangdong local,0,0.6
Guangdong local,1,0.6
"""
SCENARIO = """extends = "tiny"
name = "pair"
why = "Two sites and two hours, with jobs and prices of its own, to be compared with changes to it."
[inputs]
jobs = "jobs.csv"
energy_price = "prices.csv"
"""
EVIL = "<script>window.hacked=1</script>"


class Planted:
    """Solves the scenario of two sites with something changed; each asked for once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def __call__(
        self,
        *changes: str,
        text: str = SCENARIO,
        job: str = TRAIN,
        prices: str = PRICES,
        gap_frac: float | None = None,
        facts: Path = DATA,
    ) -> Run:
        self.count += 1
        folder = self.folder / f"scenario-{self.count}"
        folder.mkdir()
        (folder / "jobs.csv").write_text(f"{JOBS}\n{job}\n", encoding="utf-8")
        (folder / "prices.csv").write_text(prices, encoding="utf-8")
        (folder / "pair.toml").write_text(text, encoding="utf-8")
        target = self.folder / f"run-{self.count}"
        loaded = load(str(folder / "pair.toml"), changes)
        case = build_case(loaded, facts)
        solved = solve_case(loaded, case, target, gap_frac, changes=changes, facts_folder=facts, reports=False)
        assert solved.run is not None
        return solved.run

    def facts(self, edit: Callable[[Path], None]) -> Path:
        """A copy of the facts, edited."""
        folder = self.folder / f"facts-{self.count}"
        shutil.copytree(DATA, folder)
        edit(folder)
        return folder

    def doctored(self, run: Run, edit: Callable[[dict[str, Any]], None]) -> Run:
        """A copy of a run with its manifest edited: what another machine or version would have stored."""
        self.count += 1
        folder = self.folder / f"run-{self.count}"
        shutil.copytree(run.folder, folder)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        edit(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return Run(folder)


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="session")
def base(planted: Planted) -> Run:
    return planted()


@pytest.fixture(scope="session")
def loose(planted: Planted) -> Run:
    """The same problem, left at a gap of about two per cent."""
    return planted(gap_frac=0.5)


@pytest.fixture(scope="session")
def dearer(planted: Planted) -> Run:
    """One price is another; its words, which are no difference, try to be markup."""
    text = SCENARIO.replace("Two sites", f"{EVIL} Two sites")
    return planted("facts.prices.carbon_kcny_per_tco2=0.3", text=text)
