"""Where a job could have run instead: the figures hold the true cost between them, and reasons are told."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.nextbest import LATE, Elsewhere, elsewhere, ran
from optimizer.solve.optimum import optimise
from scenarios.case import Case, Floats
from tests.cases import random_case, two_site_case
from tests.commands.conftest import Command

GAP = 1e-7


def solved(case: Case) -> tuple[Program, Floats, float]:
    program = compile_case(case)
    found = optimise(program, GAP, 60.0)
    assert found.x is not None
    return program, found.x, found.objective_kcny


def forced(program: Program, job: str, cluster: str | None) -> float:
    """The least cost with the job in a cluster, or dropped, by a search of its own; infinite if there is none."""
    upper = program.upper.copy()
    for name in ("jobs.start", "jobs.dropped_frac"):
        for member, column in zip(program.index[name], program.variables[name].tolist(), strict=True):
            owner, place = (member[0], member[1]) if name == "jobs.start" else (member, None)
            if owner == job and (place != cluster or (cluster is None and name == "jobs.start")):
                upper[column] = 0.0
    return optimise(replace(program, upper=upper), GAP, 60.0).objective_kcny


@pytest.mark.parametrize("seed", [0, 2, 3, 5, 8])
def test_the_true_cost_lies_between_the_proved_and_the_whole_plan(seed: int) -> None:
    case = random_case(seed)
    program, x, plan_kcny = solved(case)
    for job in case.jobs:
        now = ran(program, case, x, job.name)
        rows = elsewhere(program, case, x, job.name)
        assert {row.cluster for row in rows} | {now.cluster} == {*case.clusters, None}
        for row in rows:
            truth = forced(program, job.name, row.cluster) - plan_kcny
            assert truth >= -1e-5
            assert row.proved_kcny <= truth + 1e-5
            if not row.why_not:
                assert row.whole_kcny >= truth - 1e-5


def test_rows_come_cheapest_first_and_dropping_costs_at_most_the_value() -> None:
    case = random_case(2)
    program, x, _ = solved(case)
    for job in case.jobs:
        rows = elsewhere(program, case, x, job.name)
        whole = [row.whole_kcny for row in rows]
        assert whole == sorted(whole)
        for row in rows:
            if row.cluster is None:
                assert row.whole_kcny <= job.value_kcny + 1e-6


def test_where_a_job_ran_is_where_its_load_is() -> None:
    case = two_site_case()
    program, x, _ = solved(case)
    for job in case.jobs:
        now = ran(program, case, x, job.name)
        assert now.cluster == "Plateau"
        assert now.start_h is not None
        started = dict(zip(program.index["jobs.start"], program.values("jobs.start", x), strict=True))
        assert started[job.name, now.cluster, now.start_h] == pytest.approx(1.0)
    with pytest.raises(KeyError):
        ran(program, case, x, "no such job")


def why(case: Case, job: str, time_limit_s: float = 600.0) -> dict[str | None, Elsewhere]:
    program, x, _ = solved(case)
    return {row.cluster: row for row in elsewhere(program, case, x, job, time_limit_s)}


def two_clusters() -> Case:
    """A case with clusters A and B, a job that A runs, and nothing that stands in the way of B."""
    case = random_case(0)
    assert case.clusters == ("A", "B")
    job = replace(case.jobs[0], region="North", eflops=0.3, duration_h=1, release_h=-1, deadline_h=2, value_kcny=50.0)
    idle = np.zeros_like(case.running_eflops)
    return replace(case, jobs=(job,), running_eflops=idle)


def test_the_next_best_cluster_is_dearer_than_its_own_and_cheaper_than_none() -> None:
    case = two_clusters()
    program, x, _ = solved(case)
    own = ran(program, case, x, "job 0").cluster
    rows = {row.cluster: row for row in elsewhere(program, case, x, "job 0")}
    (other,) = {"A", "B"} - {own}
    assert rows[other].why_not == ""
    assert 0 < rows[other].whole_kcny < rows[None].whole_kcny
    assert rows[other].proved_kcny <= rows[other].whole_kcny


def test_no_route_no_time_and_no_room_are_told() -> None:
    case = two_clusters()
    cut = replace(case, routes={pair: ways for pair, ways in case.routes.items() if pair != ("North", "B")})
    assert "no route from North" in why(cut, "job 0")["B"].why_not
    late = replace(case, jobs=(replace(case.jobs[0], duration_h=2, release_h=1),))
    assert "released at hour 1, it runs 2 h and is due at hour 2" in why(late, "job 0")["A"].why_not
    pods = case.pods_installed.copy()
    pods[1], vacant = 0, np.zeros_like(case.pods_vacant)
    small = replace(case, pods_installed=pods, pods_vacant=vacant, expansion=None)
    assert "no plan has room" in why(small, "job 0")["B"].why_not


def test_what_time_did_not_allow_is_told() -> None:
    rows = why(two_clusters(), "job 0", time_limit_s=0.0)
    assert {row.why_not for row in rows.values()} == {LATE}


# -- the command


@pytest.fixture
def explain(command: Command) -> Command:
    return partial(command, "explain")


def test_the_smallest_case_by_hand(explain: Command) -> None:
    """Dropping the job loses 50 and saves half an EFLOPS·h of load and two idle pod-hours."""
    code, out, err = explain("tiny", "--job", "train", "--json")
    found = json.loads(out)["job"]
    assert (code, err) == (0, "")
    assert (found["cluster"], found["start_h"]) in {("Guian", 0), ("Guian", 1)}
    (row,) = found["elsewhere"]
    assert row["cluster"] is None
    assert row["whole_kcny"] == pytest.approx(50 - 0.5 * 1.092 - 2 * 0.2184)
    assert row["relaxed_kcny"] == pytest.approx(50 - 0.5 * (1.092 + 0.4368))


def test_the_page_names_the_place_and_what_the_figures_mean(explain: Command) -> None:
    code, out, _ = explain("tiny", "--job", "train")
    assert code == 0
    assert "train of Guangdong (1 pod, 0.5 EFLOPS for 1 h" in out
    assert "it runs in Guian from hour" in out
    assert "| dropped   |" in out
    assert "At most: a whole plan with the job there" in out


def test_an_unknown_job_is_a_fault(explain: Command) -> None:
    code, out, err = explain("tiny", "--job", "trian")
    assert (code, out) == (2, "")
    assert "job 'trian' is not known" in err
    assert "train" in err
