"""Small cases made by hand, for tests: two sites and two hours, and variations on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from optimizer.blocks import BLOCKS
from scenarios.case import Batch, Case, Generation, Horizon, Job, Prices, Route, Service


def two_site_case(**changes: Any) -> Case:
    """One eastern region with a local site, one western cluster, two hours; every block present."""
    case = Case(
        name="two-site",
        horizon=Horizon(datetime(2025, 7, 14), hours=2, period_h=1),
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
        demand_eflops=np.array([[[1.0, 1.5], [2.0, 3.0]], [[0.2, 0.2], [0.4, 0.4]]]),
        batches=(Batch("render", 1, 0.5, 1.0, 20.0),),
        arrivals_eflopsh=np.array([[[2.0]], [[0.5]]]),
        arrived_by_frac=np.array([[0.6, 1.0]]),
        jobs=(Job("train", "East", 2, 0.5, 1, -6, 2, 0.5, 40.0), Job("tune", "West", 1, 0.25, 1, -6, 2, 0.1, 20.0)),
        start_grid_h=1,
        running_eflops=np.array([[0.3, 0.1]]),
        generations=(Generation("a", 0.3, 0.3, 1.0, 2.0, 5.0, usable_frac=0.9),),
        pods_installed=np.array([[25]]),
        pods_vacant=np.array([[4]]),
        local_eflops={"East local": 5.0},
        local_mw_per_eflops=3.5,
        home_reserve_frac={"Plateau": 0.1},
        pue_ratio=np.array([[1.2, 1.25], [1.4, 1.45]]),
        connection_mw=np.array([40.0, 30.0]),
        energy_kcny_per_mwh=np.array([[0.3, 0.5], [0.6, 0.9]]),
        demand_charge_kcny_per_mw=np.array([0.1, 0.12]),
        carriers=("wind", "sun"),
        direct_mw=np.array([[[3.0, 1.0], [0.0, 2.0]]]),
        direct_kcny_per_mwh=np.array([0.25, 0.2]),
        green_target_frac=np.array([0.8]),
        grid_tco2_per_mwh=np.array([0.6, 0.45]),
        residual_tco2_per_mwh=np.array([0.7, 0.5]),
        carbon_ledger="location",
        prices=Prices(0.006, 0.05, 0.06, 0.02, 0.01),
    )
    return replace(case, **changes)
