"""Uplift: what a site must be paid beyond prices so that following the plan loses nothing.

A site owns its machines, grid connection, direct supply, batteries, certificates, peak-shaving contracts and what is
built there. Its cost is what the plan's cost items charge for those columns: start-ups, lit vacancy, capital, energy,
demand charge, direct supply, certificates, green shortfall, carbon, battery wear, new pods and plants, less
peak-shaving income. It earns the dual of every row that it shares with others times what it puts into that row:
    compute       price x load
    data energy   price of power x energy drawn to receive data, which the network draws at the site
    other         claims that travel with hosted work, and the innovation value of its load, where present
The make-whole payment is max(0, cost - revenue): it covers losses, not the profit forgone by not doing something
better (lost-opportunity uplift would). Where the relaxation has whole numbers it is zero at its prices.

Where a price is not identified though load runs, the solver's own dual is used: one whole set of duals that supports
the plan, not a mixture of ends.

Source  Hogan & Ring (2003), minimum-uplift pricing; O'Neill et al. (2005)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.market.duals import COMPUTE, KINDS, Prices
from optimizer.solve.compile import Program
from optimizer.solve.engine import Columns
from scenarios.case import Case, Floats

POWER = "power_balances"
OWNED = (
    "fleet.",
    "grid.",
    "peak_shaving.",
    "renewable.",
    "storage.",
    "green.",
    "expansion.pods",
    "expansion.plant_mw",
    "expansion.supply_mw",
)
"""Variables, by how their names begin, that belong to the site that stands first in their index."""


def owned_columns(program: Program) -> dict[str, Columns]:
    """Site -> its own columns."""
    mine: dict[str, list[int]] = {}
    for name, columns in program.variables.items():
        if name.startswith(OWNED):
            for member, column in zip(program.index[name], columns.tolist(), strict=True):
                if column >= 0:
                    mine.setdefault(str(member[0] if isinstance(member, tuple) else member), []).append(column)
    return {site: np.array(columns, dtype=np.int64) for site, columns in mine.items()}


def uplift_table(prices: Prices, case: Case) -> pd.DataFrame:
    """One row a site: site, hub (empty for local sites), cost_kcny, and of each kind of price the parts of the revenue
    (compute, data energy, other), revenue and uplift, all kCNY over the horizon.
    """
    program, x = prices.fixed.program, prices.fixed.x
    owned = owned_columns(program)
    rows = []
    for site in case.sites:
        own = owned.get(site, np.array([], dtype=np.int64))
        line: dict[str, object] = {"site": site, "hub": case.site_hub.get(site, "")}
        line["cost_kcny"] = cost = float(program.cost[own] @ x[own])
        for kind in KINDS:
            parts = _revenue(program, own, x, prices.of_kind(kind).row)
            revenue = sum(parts.values())
            line |= {f"{part}_{kind}_kcny": amount for part, amount in parts.items()}
            line |= {f"revenue_{kind}_kcny": revenue, f"uplift_{kind}_kcny": max(0.0, cost - revenue)}
        rows.append(line)
    return pd.DataFrame(rows)


def _revenue(program: Program, own: Columns, x: Floats, dual: Floats) -> dict[str, float]:
    """What the shared rows pay for the entries of some columns."""
    rows = program.matrix.indptr
    mine = program.matrix[:, own]
    shared = np.flatnonzero((np.diff(mine.indptr) > 0) & (np.diff(mine.indptr) < np.diff(rows)))
    paid = dual[shared] * (mine[shared] @ x[own])
    name = np.array([program.row_keys[row][0] for row in shared.tolist()])
    compute, energy = name == COMPUTE, name == POWER
    parts = {"compute": compute, "data_energy": energy, "other": ~(compute | energy)}
    return {part: float(paid[mask].sum()) for part, mask in parts.items()}
