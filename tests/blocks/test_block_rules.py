"""What single blocks promise in their docstrings, seen on optimal plans of small cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from optimizer.blocks import BLOCKS
from optimizer.blocks.batch import GBPS_PER_TB_PER_H
from optimizer.blocks.jobs import move_period, start_hours
from optimizer.solve.compile import compile_case
from optimizer.solve.optimum import optimise
from scenarios.case import TB_PER_GBPS_H, Case, Horizon, Job
from scenarios.instruments import Innovation
from tests.cases import random_case, two_site_case


def plan(case: Case) -> dict[str, dict[Any, float]]:
    """Values of every variable of the optimal plan by its index."""
    program = compile_case(case)
    outcome = optimise(program, 1e-7, 60.0)
    assert outcome.x is not None, outcome.stop
    values = {n: dict(zip(program.index[n], program.values(n, outcome.x), strict=True)) for n in program.variables}
    return values | {"cost": {None: outcome.objective_kcny}}


def cost(case: Case) -> float:
    return plan(case)["cost"][None]


@pytest.mark.parametrize("without", sorted(set(BLOCKS) - {"fleet", "facility", "grid", "service", "hosting"}))
def test_a_block_may_be_left_out(without: str) -> None:
    case = two_site_case(blocks=tuple(block for block in BLOCKS if block != without))
    owners = {name.split(".")[0] for name in compile_case(case).variables}
    assert without not in owners
    assert cost(case) > 0


def test_services_may_be_left_out_with_what_stands_on_them() -> None:
    assert cost(two_site_case(blocks=tuple(b for b in BLOCKS if b not in ("service", "coverage")))) > 0


def test_a_case_without_jobs_still_carries_what_is_running() -> None:
    without = two_site_case(jobs=())
    idle = replace(without, running_eflops=np.zeros((1, 4)))
    assert cost(without) > cost(idle) + 1e-3


def test_conversions() -> None:
    one = TB_PER_GBPS_H * GBPS_PER_TB_PER_H
    assert one == pytest.approx(1.0)


# -- jobs


def job(release_h: int, deadline_h: int, duration_h: int = 2) -> Job:
    return Job("j", "East", 1, 0.3, duration_h, release_h, deadline_h, 1.0, 9.0)


@pytest.mark.parametrize(
    ("release_h", "deadline_h", "hours"),
    [
        (-1, 24, [0, 3, 6, 9, 12, 15, 18, 21]),
        (-9, 8, [0, 3, 6]),
        (0, 24, [6, 9, 12, 15, 18, 21]),
        (1, 24, [12, 15, 18, 21]),
        (6, 24, [12, 15, 18, 21]),
        (0, 7, []),
        (-1, 99, [0, 3, 6, 9, 12, 15, 18, 21]),
    ],
)
def test_start_hours(release_h: int, deadline_h: int, hours: list[int]) -> None:
    """On a grid of three hours, in periods of six: the data moves in the whole period before."""
    case = two_site_case(horizon=Horizon(datetime(2025, 7, 14), 24, 6), start_grid_h=3)
    assert start_hours(case, job(release_h, deadline_h)) == hours
    assert [move_period(case, hour) for hour in (0, 5, 6, 23)] == [-1, -1, 0, 2]


def test_a_started_job_holds_its_load_for_its_duration() -> None:
    case = two_site_case()
    found = plan(case)
    load = np.zeros(case.horizon.hours)
    for one in case.jobs:
        starts = [t for (name, _, t), value in found["jobs.start"].items() if name == one.name and value > 0.5]
        assert len(starts) == 1
        load[starts[0] : starts[0] + one.duration_h] += one.eflops
    np.testing.assert_allclose([found["jobs.running_eflops"]["Plateau", t] for t in range(4)], load, atol=1e-9)


def test_a_job_of_little_value_is_dropped_at_that_value() -> None:
    case = two_site_case()
    cheap = replace(case, jobs=tuple(replace(one, value_kcny=1e-3) for one in case.jobs))
    found = plan(cheap)
    assert set(found["jobs.dropped_frac"].values()) == {1.0}
    assert found["cost"][None] == pytest.approx(cost(two_site_case(jobs=())) + 2e-3, rel=1e-6)


# -- batch


def test_no_work_runs_before_it_arrives_nor_waits_beyond_its_window() -> None:
    case = two_site_case(horizon=Horizon(datetime(2025, 7, 14), 4, 2, cyclic=False))
    found = plan(case)
    sent = {s: found["batch.sent_eflopsh"][s, "render", 0] for s in case.sites}
    for site in case.clusters:
        done = np.cumsum([found["batch.run_eflops"][site, "render", t] for t in range(4)])
        arrived = sent[site] * case.arrived_by_frac[0]
        assert (done <= arrived + 1e-7).all()
        late = np.array([found["batch.late_eflopsh"].get((site, "render", t), 0.0) for t in range(4)])
        assert (done[1:] + late[1:] >= arrived[:-1] - 1e-7).all(), "window of one hour"
    assert sum(sent.values()) == pytest.approx(case.arrivals_eflopsh.sum())


def test_work_without_machines_is_unfinished_and_late_at_its_price() -> None:
    """No machines for it anywhere: 2 EFLOPS·h wait from their arrival to the end, and count as unfinished."""
    case = two_site_case(
        horizon=Horizon(datetime(2025, 7, 14), 4, 2, cyclic=False),
        blocks=("batch", "fleet", "facility", "grid"),
        local_eflops={"East local": 0.0},
        pods_installed=np.array([[0]]),
        pods_vacant=np.array([[0]]),
        arrivals_eflopsh=np.array([[[2.0]], [[0.0]]]),
    )
    assert cost(case) == pytest.approx(2 * 20.0 + _late(case), rel=1e-9)


def _late(case: Case) -> float:
    """At the local site lateness is counted at the end of each slot of two hours, at the cluster of each hour.

    The end of the horizon is left out: what waits then is unfinished. The work goes where it costs less.
    """
    by = case.arrived_by_frac[0]
    hourly = sum(2.0 * by[t - 1] for t in (1, 2))
    local = 2.0 * (2.0 * by[0])
    return float(min(hourly, local))


def test_a_queue_over_midnight_keeps_the_work_of_both_days() -> None:
    """48 hours, all work of a day comes at 20:00 and power is cheap from 02:00 to 04:00 of the next day only."""
    horizon = Horizon(datetime(2025, 7, 14), 48, 2, cyclic=False)
    price = np.full((2, 48), 2.0)
    price[0, 26:28] = 0.1
    price[0, 46:48] = 0.1
    case = two_site_case(
        horizon=horizon,
        blocks=("batch", "fleet", "facility", "grid"),
        arrived_by_frac=np.tile((np.arange(24) >= 20).astype(float), 2)[None, :],
        arrivals_eflopsh=np.array([[[3.0, 3.0]], [[0.0, 0.0]]]),
        pue_ratio=np.full((2, 48), 1.2),
        energy_kcny_per_mwh=price,
        demand_charge_kcny_per_mw=np.zeros(2),
    )
    patient = replace(case, batches=(replace(case.batches[0], window_h=7),))
    hasty = replace(case, batches=(replace(case.batches[0], window_h=3),))
    run = {t: v for (s, _, t), v in plan(patient)["batch.run_eflops"].items() if s == "Plateau"}
    assert run[26] + run[27] == pytest.approx(3.0)
    assert run[46] + run[47] == pytest.approx(3.0)
    assert cost(hasty) > cost(patient) + 0.5


# -- fleet


def test_pods_lit_in_vacant_racks_are_paid_for() -> None:
    case = two_site_case(pods_installed=np.array([[2]]), pods_vacant=np.array([[9]]))
    found = plan(case)
    lit = found["fleet.lit"]["Plateau", "a"]
    on = max(found["fleet.pods_on"]["Plateau", "a", t] for t in range(4))
    assert on > 2
    assert lit == on - 2


def test_a_start_is_paid_unless_the_pod_was_on_before() -> None:
    """Cyclic: pods that are always on never start. With an open first hour they start once."""
    case = two_site_case(generations=(replace(two_site_case().generations[0], start_kcny=50.0),))
    open_end = replace(case, horizon=replace(case.horizon, cyclic=False))
    steady, opened = plan(case), plan(open_end)
    assert sum(steady["fleet.started"].values()) == pytest.approx(0.0)
    first = opened["fleet.pods_on"]["Plateau", "a", 0]
    assert first > 0
    assert opened["fleet.started"]["Plateau", "a", 0] == pytest.approx(first)


@pytest.mark.parametrize("cyclic", [False, True])
def test_a_pod_stays_on_for_its_least_time(cyclic: bool) -> None:
    """Work in one hour of six; starts are cheap, idling is dear: without a least time the pod is on for an hour."""

    def on(min_up_h: int) -> np.ndarray:
        load = np.zeros((2, 1, 6))
        load[0, 0, 2] = 0.2
        generation = replace(two_site_case().generations[0], start_kcny=0.01, min_up_h=min_up_h)
        case = two_site_case(
            horizon=Horizon(datetime(2025, 7, 14), 6, 1, cyclic=cyclic),
            blocks=("service", "fleet", "facility", "grid"),
            services=(two_site_case().services[1],),
            demand_eflops=load,
            arrived_by_frac=np.ones((1, 6)),
            running_eflops=np.zeros((1, 6)),
            generations=(generation,),
            pue_ratio=np.full((2, 6), 1.2),
            energy_kcny_per_mwh=np.full((2, 6), 0.5) * np.array([[1.0], [40.0]]),
            direct_mw=np.zeros((1, 2, 6)),
        )
        return np.array([plan(case)["fleet.pods_on"]["Plateau", "a", t] for t in range(6)])

    assert on(1).tolist() == [0, 0, 1, 0, 0, 0]
    assert on(3).sum() == 3
    assert on(3)[2] == 1


# -- energy and policy


def test_a_site_draws_pue_times_what_its_machines_draw() -> None:
    case = two_site_case()
    found = plan(case)
    pod = case.generations[0]
    for t in range(4):
        on, load = (found[f"fleet.{name}"]["Plateau", "a", t] for name in ("pods_on", "load_eflops"))
        data = case.prices.transfer_mwh_per_tb * found["network.received_tb_per_h"]["Plateau", t // 2]
        drawn = case.pue_ratio[0, t] * (pod.idle_mw * on + pod.slope_mw_per_eflops * load) + data
        direct = sum(found["renewable.direct_mw"]["Plateau", f, t] for f in case.carriers)
        assert found["grid.import_mw"]["Plateau", t] + direct == pytest.approx(drawn)
        full = pod.idle_mw + pod.slope_mw_per_eflops * pod.usable_eflops
        assert full == pytest.approx(pod.peak_mw)


def test_every_mwh_is_claimed_at_most_once_and_the_target_is_met_or_paid() -> None:
    for target, price in ((0.8, 0.006), (1.0, 0.006), (0.8, 9.0)):
        case = two_site_case(green_target_frac=np.array([target]))
        case = replace(case, prices=replace(case.prices, certificate_kcny_per_mwh=price))
        found = plan(case)
        imported = sum(found["grid.import_mw"]["Plateau", t] for t in range(4))
        direct = sum(found["renewable.direct_mw"].values())
        bought, short = found["green.certificate_mwh"]["Plateau"], found["green.shortfall_mwh"]["Plateau"]
        assert bought <= imported + 1e-9
        assert bought + direct + short >= target * (imported + direct) - 1e-7
        assert bool(short > 1e-6) is (price > case.prices.green_shortfall_kcny_per_mwh)


def test_a_west_that_is_dirtier_raises_carbon_by_location_as_work_moves_there() -> None:
    """The carbon price pulls work back east only if the west's grid is the dirtier one."""

    def sent_west(west: float, east: float, price: float) -> float:
        case = two_site_case(grid_tco2_per_mwh=np.array([west, east]))
        case = replace(case, prices=replace(case.prices, carbon_kcny_per_tco2=price))
        return sum(v for (r, _, s, _), v in plan(case)["service.share_frac"].items() if (r, s) == ("East", "Plateau"))

    assert sent_west(0.9, 0.1, 3.0) < sent_west(0.9, 0.1, 0.0) - 0.1
    assert sent_west(0.1, 0.9, 3.0) >= sent_west(0.1, 0.9, 0.0) - 1e-9


def test_a_region_is_served_at_least_to_its_floor_and_a_cluster_keeps_its_reserve() -> None:
    case = two_site_case(
        services=tuple(replace(k, lost_kcny_per_eflopsh=1e-4) for k in two_site_case().services),
        home_reserve_frac={"Plateau": 0.95},
    )
    found = plan(case)
    work = case.demand_eflops.reshape(2, 2, 2, 2).sum(axis=3)
    for i, region in enumerate(case.regions):
        for j, k in enumerate(case.services):
            lost = sum(found["service.unserved_frac"][region, k.name, p] * work[i, j, p] for p in range(2))
            assert lost == pytest.approx((1 - k.served_floor_frac) * work[i, j].sum())
    shared = 0.05 * case.usable_eflops("Plateau") * 4
    assert found["hosting.hosted_eflopsh"]["East", "Plateau", 0] <= shared + 1e-7


def test_traffic_keeps_within_its_links_and_only_batch_and_jobs_take_the_detour() -> None:
    case = replace(two_site_case(), link_capacity_gbps=np.array([6.0, 20.0, 20.0, 100.0]))
    case = replace(case, batches=(replace(case.batches[0], data_tb_per_eflopsh=4.0),))
    found = plan(case)
    for p in range(2):
        pinned = found["network.pinned_gbps"]["East", "Plateau", p]
        assert pinned + found["network.flow_gbps"]["East", "Plateau", 0, p] <= 6.0 + 1e-7
    assert sum(v for (_, _, q, _), v in found["network.flow_gbps"].items() if q == 1) > 0
    assert cost(case) > cost(replace(case, link_capacity_gbps=np.array([60.0, 20.0, 20.0, 100.0]))) + 1e-4


def test_a_peak_is_paid_once_at_its_highest() -> None:
    case = random_case(1)
    found = plan(case)
    for i, site in enumerate(case.sites):
        highest = max(found["grid.import_mw"][site, t] for t in range(case.horizon.hours))
        assert highest <= case.connection_mw[i] + 1e-9
        if case.demand_charge_kcny_per_mw[i] > 0:
            assert found["grid.peak_mw"][site] == pytest.approx(highest, abs=1e-7)


@pytest.mark.parametrize("points", [(0.1, 0.9, 0.2), (0.9, 0.5, 0.1), (0.2, 0.2, 0.2)])
def test_dispatched_compute_is_worth_what_its_segments_say_in_their_order(points: tuple[float, ...]) -> None:
    """Also where a later segment is worth more: it cannot be filled first."""
    value = Innovation(1.5, (1.0, 3.0), {"east": points, "west": points[::-1]})
    case = two_site_case(innovation=value)
    program = compile_case(case)
    outcome = optimise(program, 1e-7, 60.0)
    assert outcome.x is not None
    assert outcome.verdict is not None
    local = program.values("fleet.local_load_eflops", outcome.x).sum() / 4
    west = program.values("fleet.load_eflops", outcome.x).sum() / 4
    worth = 0.0
    for load, slopes in ((local, points), (west, points[::-1])):
        parts = np.diff(np.minimum(load, [0.0, 1.0, 3.0, np.inf]))
        worth += 1.5 * float(parts @ np.array(slopes))
    assert outcome.verdict.items_kcny["innovation_value"] == pytest.approx(-worth, rel=1e-6)


def test_no_weight_is_no_block() -> None:
    value = two_site_case().innovation
    assert value is not None
    weightless = compile_case(two_site_case(innovation=replace(value, weight_kcny_per_point=0.0)))
    assert "innovation_value" not in weightless.items
    assert not any(name.startswith("innovation") for name in weightless.variables)
