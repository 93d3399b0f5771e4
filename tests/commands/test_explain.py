"""The command `explain`: rules that leave no plan, and what binds where there is one."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from optimizer.cli import app

SMALL = (
    'scope.regions=["Guangdong"]',
    'scope.clusters=["Guian"]',
    'scope.local_sites=["Guangdong"]',
    "horizon.hours=6",
    "demand.scale_ratio=0.05",
    "jobs.count=0",
    "solve.gap_frac=1e-4",
)


def explained(*changes: str) -> tuple[int, dict[str, object]]:
    sets = [part for change in (*SMALL, *changes) for part in ("--set", change)]
    result = CliRunner().invoke(app, ["explain", "day", "--json", *sets])
    return result.exit_code, json.loads(result.stdout)


def test_a_plan_is_explained_by_what_binds() -> None:
    code, said = explained()
    assert code == 0
    assert said["status"] == "feasible"
    rows = said["binding"]
    assert isinstance(rows, list)
    assert rows
    assert all(row["saves_kcny_per_unit"] > 0 for row in rows)


@pytest.mark.parametrize("cluster_mw", [0])
def test_no_power_at_a_cluster_is_named(cluster_mw: int) -> None:
    """Work runs there already when the horizon opens, and nothing may feed it."""
    code, said = explained(f"facts.clusters.Guian.connection_mw={cluster_mw}", "blocks.renewable=false")
    assert code == 4
    assert said["status"] == "infeasible"
    text = " ".join(map(str, said["sentences"]))  # type: ignore[call-overload]
    assert "for Guian" in text
    assert "would have to give way by" in text
