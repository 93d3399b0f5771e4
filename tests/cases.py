"""Cases made by hand, for tests: two sites and four hours, random ones small enough to enumerate, and variations."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from optimizer.blocks import BLOCKS
from scenarios.case import Batch, Case, Floats, Generation, Horizon, Job, Prices, Route, Service
from scenarios.instruments import Cooperation, Expansion, Innovation, PeakShaving, Position, Storage, Wavelengths

START = datetime(2025, 7, 14)


def two_site_case(**changes: Any) -> Case:
    """One eastern region with a local site, one western cluster, four hours in two periods; every block present."""
    case = Case(
        name="two-site",
        horizon=Horizon(START, hours=4, period_h=2),
        blocks=tuple(BLOCKS),
        regions=("East", "West"),
        zone={"East": "east", "West": "west"},
        population_million={"East": 50.0, "West": 10.0},
        sites=("Plateau", "East local"),
        clusters=("Plateau",),
        site_region={"Plateau": "West", "East local": "East"},
        site_hub={"Plateau": "West hub"},
        routes={
            ("East", "Plateau"): (Route(("trunk",), 20.0), Route(("coast", "valley"), 26.0)),
            ("East", "East local"): (Route((), 1.0),),
            ("West", "Plateau"): (Route(("home",), 2.0),),
        },
        links=("trunk", "coast", "valley", "home"),
        link_capacity_gbps=np.array([30.0, 20.0, 20.0, 100.0]),
        services=(
            Service("control", 10.0, 2.0, 60.0, 0.9),
            Service("chat", 50.0, 5.0, 30.0, 0.5),
        ),
        demand_eflops=np.array(
            [[[1.0, 1.5, 1.25, 0.75], [2.0, 3.0, 3.5, 2.5]], [[0.2, 0.2, 0.3, 0.1], [0.4, 0.4, 0.5, 0.3]]]
        ),
        batches=(Batch("render", 1, 0.5, 1.0, 20.0),),
        arrivals_eflopsh=np.array([[[4.0]], [[1.0]]]),
        arrived_by_frac=np.array([[0.3, 0.5, 0.9, 1.0]]),
        jobs=(Job("train", "East", 2, 0.5, 2, -6, 4, 0.5, 40.0), Job("tune", "West", 1, 0.25, 1, 0, 4, 0.1, 20.0)),
        start_grid_h=1,
        running_eflops=np.array([[0.3, 0.2, 0.1, 0.0]]),
        generations=(Generation("a", 0.3, 0.3, 1.0, 2.0, 5.0, usable_frac=0.9, min_up_h=2),),
        pods_installed=np.array([[25]]),
        pods_vacant=np.array([[4]]),
        local_eflops={"East local": 5.0},
        local_mw_per_eflops=3.5,
        local_slot_h=2,
        home_reserve_frac={"Plateau": 0.1},
        pue_ratio=np.array([[1.2, 1.25, 1.3, 1.25], [1.4, 1.45, 1.5, 1.45]]),
        connection_mw=np.array([40.0, 30.0]),
        energy_kcny_per_mwh=np.array([[0.3, 0.5, 0.4, 0.2], [0.6, 0.9, 0.8, 0.5]]),
        demand_charge_kcny_per_mw=np.array([0.1, 0.12]),
        carriers=("wind", "sun"),
        direct_mw=np.array([[[3.0, 1.0, 2.0, 4.0], [0.0, 2.0, 3.0, 1.0]]]),
        direct_kcny_per_mwh=np.array([0.25, 0.2]),
        green_target_frac=np.array([0.8]),
        grid_tco2_per_mwh=np.array([0.6, 0.45]),
        residual_tco2_per_mwh=np.array([0.7, 0.5]),
        carbon_ledger="location",
        prices=Prices(0.006, 0.05, 0.06, 0.02, 0.01),
        innovation=Innovation(0.5, (1.0, 3.0), {"east": (0.3, 0.5, 0.4), "west": (0.1, 0.2, 0.1)}),
    )
    return replace(case, **changes)


def random_case(seed: int) -> Case:
    """One or two clusters, one or two jobs, few pods, two or three hours: every integer choice can be tried."""
    rng = np.random.default_rng(seed)
    wide = bool(rng.integers(2))
    clusters, hours = (("A", "B"), 2) if wide else (("A",), 3)
    regions, sites = ("North", "South"), (*clusters, "South local")
    routes = {(r, c): (Route((f"{r}-{c}",), float(rng.uniform(5, 30))),) for r in regions for c in clusters}
    routes["South", "South local"] = (Route((), 1.0),)
    links = tuple(f"{r}-{c}" for r in regions for c in clusters)
    generations = tuple(
        Generation(
            g,
            1.0,
            *map(float, rng.uniform((0.2, 0.8, 0.1, 0.5), (0.5, 1.5, 1.0, 2.0))),
            min_up_h=int(rng.integers(1, 3)),
        )
        for g in "a"
    )
    shape = (len(clusters), len(generations))
    arrived = np.sort(rng.uniform(0.2, 0.9, (1, hours)))
    arrived[:, -1] = 1.0
    return Case(
        name=f"random {seed}",
        horizon=Horizon(START, hours, period_h=1, cyclic=bool(rng.integers(2))),
        blocks=tuple(BLOCKS),
        regions=regions,
        zone={"North": "west", "South": "east"},
        population_million={"North": 1.0, "South": 2.0},
        sites=sites,
        clusters=clusters,
        site_region={**dict.fromkeys(clusters, "North"), "South local": "South"},
        site_hub=dict.fromkeys(clusters, "hub"),
        routes=routes,
        links=links,
        link_capacity_gbps=rng.uniform(1, 8, len(links)),
        services=(Service("fast", 20.0, 1.0, float(rng.uniform(2, 20))), Service("slow", 99.0, 3.0, 8.0)),
        demand_eflops=rng.uniform(0.0, 0.6, (2, 2, hours)),
        batches=(Batch("bulk", 1, 0.3, float(rng.uniform(0.1, 1)), float(rng.uniform(1, 5))),),
        arrivals_eflopsh=rng.uniform(0.0, 1.0, (2, 1, 1)),
        arrived_by_frac=arrived,
        jobs=tuple(
            Job(
                f"job {n}",
                str(rng.choice(regions)),
                1,
                float(rng.uniform(0.3, 0.9)),
                int(rng.integers(1, 3)),
                -1,
                hours,
                0.2,
                float(rng.uniform(0.2, 6)),
            )
            for n in range(2 if wide else int(rng.integers(1, 3)))
        ),
        start_grid_h=1,
        running_eflops=rng.uniform(0, 0.1, (len(clusters), hours)),
        generations=generations,
        pods_installed=rng.integers(1, 2 if wide else 3, shape),
        pods_vacant=np.zeros(shape, dtype=np.int64) if wide else rng.integers(0, 2, shape),
        local_eflops={"South local": float(rng.uniform(0.2, 1.5))},
        local_mw_per_eflops=3.5,
        local_slot_h=1,
        home_reserve_frac=dict.fromkeys(clusters, float(rng.uniform(0, 0.4))),
        pue_ratio=rng.uniform(1.1, 1.6, (len(sites), hours)),
        connection_mw=rng.uniform(2.0, 6.0, len(sites)),
        energy_kcny_per_mwh=rng.uniform(0.2, 1.2, (len(sites), hours)),
        demand_charge_kcny_per_mw=rng.uniform(0.0, 0.3, len(sites)),
        carriers=("wind",),
        direct_mw=rng.uniform(0, 1.0, (len(clusters), 1, hours)),
        direct_kcny_per_mwh=rng.uniform(0.1, 0.4, 1),
        green_target_frac=rng.uniform(0.2, 0.9, len(clusters)),
        grid_tco2_per_mwh=rng.uniform(0.3, 0.8, len(sites)),
        residual_tco2_per_mwh=rng.uniform(0.4, 0.9, len(sites)),
        carbon_ledger="market" if rng.integers(2) else "location",
        prices=Prices(*map(float, rng.uniform((0.005, 0.02, 0.05, 0.0, 0.0), (0.02, 0.2, 0.2, 0.1, 0.05)))),
        innovation=Innovation(0.5, (0.4,), {"east": (0.1, 0.4), "west": (0.3, 0.2)}) if rng.integers(2) else None,
    )


def priced(case: Case, factor: float) -> Case:
    """The same case with every price, cost and value multiplied: money in another unit."""
    p = case.prices
    return replace(
        case,
        services=tuple(replace(k, lost_kcny_per_eflopsh=factor * k.lost_kcny_per_eflopsh) for k in case.services),
        batches=tuple(
            replace(
                b,
                late_kcny_per_eflopsh_h=factor * b.late_kcny_per_eflopsh_h,
                unfinished_kcny_per_eflopsh=factor * b.unfinished_kcny_per_eflopsh,
            )
            for b in case.batches
        ),
        jobs=tuple(replace(j, value_kcny=factor * j.value_kcny) for j in case.jobs),
        generations=tuple(
            replace(g, start_kcny=factor * g.start_kcny, lighting_kcny=factor * g.lighting_kcny)
            for g in case.generations
        ),
        energy_kcny_per_mwh=factor * case.energy_kcny_per_mwh,
        demand_charge_kcny_per_mw=factor * case.demand_charge_kcny_per_mw,
        direct_kcny_per_mwh=factor * case.direct_kcny_per_mwh,
        innovation=case.innovation
        and replace(case.innovation, weight_kcny_per_point=factor * case.innovation.weight_kcny_per_point),
        prices=Prices(
            factor * p.certificate_kcny_per_mwh,
            factor * p.green_shortfall_kcny_per_mwh,
            factor * p.carbon_kcny_per_tco2,
            factor * p.transfer_kcny_per_tb,
            p.transfer_mwh_per_tb,
        ),
    )


def renamed(case: Case, mark: str) -> Case:
    """The same case with `mark` in front of every name of a region, site, hub, link, class, job and generation."""
    return _copies(case, (mark,), 1.0, apart=True)


def twice(case: Case) -> Case:
    """Two copies of a case in one, that share nothing."""
    return _copies(case, ("one ", "two "), 1.0, apart=True)


def halved(case: Case) -> Case:
    """Every region, site and job as two of half the size, over the same links; no home reserve, no innovation value."""
    return replace(
        _copies(case, ("one ", "two "), 0.5, apart=False),
        innovation=None,
        link_capacity_gbps=case.link_capacity_gbps,
        links=case.links,
    )


def _copies(case: Case, marks: tuple[str, ...], size: float, apart: bool) -> Case:
    """Copies of regions, sites and jobs, each `size` times the original; `apart`: links and routes are copied too."""

    def over(values: Floats, factor: float = 1.0, axis: int = 0) -> Floats:
        return np.concatenate([factor * values] * len(marks), axis=axis)

    def marked(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{mark}{name}" for mark in marks for name in names)

    def keyed(table: dict[str, Any], factor: float | None = None) -> dict[str, Any]:
        return {f"{m}{k}": v if factor is None else v * factor for m in marks for k, v in table.items()}

    whole_pods = [size * n for n in (*case.pods_installed.ravel(), *case.pods_vacant.ravel())]
    assert all(n == round(n) for n in whole_pods), "counts of pods must be divisible"
    cluster_position = [case.sites.index(c) for c in case.clusters]
    local_position = [case.sites.index(s) for s in case.locals]

    def by_site(values: Floats, factor: float = 1.0) -> Floats:
        return np.concatenate([over(values[cluster_position], factor), over(values[local_position], factor)])

    return replace(
        case,
        regions=marked(case.regions),
        zone=keyed(case.zone),
        population_million=keyed(case.population_million, size),
        sites=(*marked(case.clusters), *marked(case.locals)),
        clusters=marked(case.clusters),
        site_region={f"{m}{s}": f"{m}{r}" for m in marks for s, r in case.site_region.items()},
        site_hub={f"{m}{s}": f"{m}{h}" for m in marks for s, h in case.site_hub.items()},
        routes={
            (f"{m}{r}", f"{n}{s}"): tuple(
                Route(tuple(f"{m}{link}" if apart else link for link in way.links), way.rtt_ms) for way in ways
            )
            for m in marks
            for n in marks
            for (r, s), ways in case.routes.items()
            if m == n or (not apart and s in case.clusters)
        },
        links=marked(case.links),
        link_capacity_gbps=over(case.link_capacity_gbps),
        demand_eflops=over(case.demand_eflops, size),
        arrivals_eflopsh=over(case.arrivals_eflopsh, size),
        jobs=tuple(
            replace(
                job,
                name=f"{m}{job.name}",
                region=f"{m}{job.region}",
                eflops=size * job.eflops,
                data_tb=size * job.data_tb,
                value_kcny=size * job.value_kcny,
            )
            for m in marks
            for job in case.jobs
        ),
        running_eflops=over(case.running_eflops, size),
        pods_installed=over(case.pods_installed, size).astype(np.int64),
        pods_vacant=over(case.pods_vacant, size).astype(np.int64),
        local_eflops=keyed(case.local_eflops, size),
        home_reserve_frac=keyed(case.home_reserve_frac) if apart else dict.fromkeys(marked(case.clusters), 0.0),
        pue_ratio=by_site(case.pue_ratio),
        connection_mw=by_site(case.connection_mw, size),
        energy_kcny_per_mwh=by_site(case.energy_kcny_per_mwh),
        demand_charge_kcny_per_mw=by_site(case.demand_charge_kcny_per_mw),
        direct_mw=over(case.direct_mw, size),
        green_target_frac=over(case.green_target_frac),
        grid_tco2_per_mwh=by_site(case.grid_tco2_per_mwh),
        residual_tco2_per_mwh=by_site(case.residual_tco2_per_mwh),
    )


def full_case(**changes: Any) -> Case:
    """The two-site case with every instrument at work: batteries, cooperation, positions, expansion and the rest."""
    case = two_site_case()
    control, chat = case.services
    flat = np.ones(4)
    full = replace(
        case,
        services=(replace(control, home_floor_frac=0.1), replace(chat, max_sites=1, min_share_frac=0.2)),
        innovation=Innovation(3.0, (1.0,), {"east": (0.3, 0.5), "west": (0.04, 0.06)}),
        storage=Storage(np.array([2.0]), np.array([4.0]), 0.95, 0.01),
        cooperation=Cooperation(
            compensation_kcny_per_eflopsh=0.2,
            fee_kcny_per_eflopsh=3.0,
            cost_kcny_per_eflopsh={"Plateau": 2.5},
            margin_kcny_per_eflopsh=0.25,
            agreement_kcny=0.5,
            minimum_eflopsh=0.5,
            partners_max=1,
            fund_kcny={"East": 6.0, "West": 2.0},
            administration_frac=0.01,
            local_tax_frac=0.04,
            origin_tax_frac=0.5,
            tax_cap_kcny=0.8,
        ),
        positions=(
            Position("forward", "Plateau", "East", "fixed", 0.5 * flat, 2.0),
            Position("band", "Plateau", "East", "take-or-pay", 0.4 * flat, 1.5, 0.5, 1.2, 0.8),
            Position("option", "Plateau", "East", "call", 0.3 * flat, 0.0),
        ),
        expansion=Expansion(
            pods_max=np.array([[3]]),
            pod_kcny=np.array([6.0]),
            direct_max_mw=np.array([[5.0, 4.0]]),
            direct_kcny_per_mw=np.array([0.5, 0.4]),
            capacity_frac=np.array([[[0.5, 0.2, 0.3, 0.6], [0.0, 0.4, 0.5, 0.2]]]),
            wavelengths_max=np.array([1, 0, 0, 0]),
            wavelength_kcny=0.6,
        ),
        wavelengths=Wavelengths(np.array([2, 1, 0, 0]), 10.0, 0.3),
        peak_shaving=PeakShaving((1, 2), np.array([12.0]), 0.4),
        credit_mwh_per_eflopsh=0.3,
        capital_counted=("Plateau",),
    )
    return replace(full, **changes)
