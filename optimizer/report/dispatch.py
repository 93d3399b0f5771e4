"""The computing-resource ledger: every site in every hour, its machines, its power and its carbon."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.solve.solution import Plan
from scenarios.case import Floats


def dispatch_table(plan: Plan) -> pd.DataFrame:
    """site x hour: supply, load, idle, power, energy, carbon on both ledgers.

    import_mw + direct_mw + new_mw (plants built) + discharge_mw - charge_mw = facility_mw, which is what the halls
    draw: PUE x IT and the energy of moving data. A battery's losses are not in it: they are what import, direct
    supply and new plants bring beyond it over the horizon. energy_kcny is what the import costs at the hour's price,
    energy_kcny_per_mwh; peak_shaving_kcny what is paid for drawing less. Certificates are spread over the hours in
    proportion to what is drawn from the grid; direct supply is claimed where it is taken. carbon_market_tco2 counts
    claimed energy as zero and the rest at the residual factor. capacity_eflops is of installed machines; idle_eflops
    is never negative, also where vacant racks were lit or pods built.
    """
    case, sites, hours = plan.case, plan.case.sites, range(plan.case.horizon.hours)
    frame = pd.DataFrame(index=pd.MultiIndex.from_product([sites, hours], names=["site", "hour"]))
    on_mw, load_eflops, pods_on = _machines(plan)
    capacity = np.array([case.usable_eflops(s) for s in sites])
    frame["capacity_eflops"] = np.repeat(capacity, len(hours))
    frame["load_eflops"] = load_eflops.ravel()
    frame["idle_eflops"] = np.maximum(0.0, capacity[:, None] - load_eflops).ravel()
    frame["pods_on"] = pods_on.ravel()
    frame["it_mw"] = on_mw.ravel()
    frame["pue_ratio"] = case.pue_ratio.ravel()
    import_mw = by_site_hour(plan, "grid.import_mw")
    frame["import_mw"] = import_mw.ravel()
    for column, variable in POWER.items():
        frame[column] = by_site_hour(plan, variable).ravel()
    supply_mw = frame["import_mw"] + frame["direct_mw"] + frame["new_mw"]
    frame["facility_mw"] = supply_mw + frame["discharge_mw"] - frame["charge_mw"]
    frame["energy_kcny_per_mwh"] = case.energy_kcny_per_mwh.ravel()
    frame["energy_kcny"] = (import_mw * case.energy_kcny_per_mwh).ravel()
    shaved_kcny_per_mwh = case.peak_shaving.kcny_per_mwh if case.peak_shaving else 0.0
    frame["peak_shaving_kcny"] = shaved_kcny_per_mwh * by_site_hour(plan, "peak_shaving.shaved_mw").ravel()
    drawn = import_mw.sum(axis=1)
    share = np.divide(certificates_mwh(plan), drawn, out=np.zeros_like(drawn), where=drawn > 0)
    frame["certificate_mwh"] = (import_mw * share[:, None]).ravel()
    frame["carbon_location_tco2"] = (import_mw * case.grid_tco2_per_mwh[:, None]).ravel()
    frame["carbon_market_tco2"] = (import_mw * (1 - share)[:, None] * case.residual_tco2_per_mwh[:, None]).ravel()
    return frame.reset_index()


POWER = {
    "direct_mw": "renewable.direct_mw",
    "new_mw": "expansion.supply_mw",
    "charge_mw": "storage.charge_mw",
    "discharge_mw": "storage.discharge_mw",
}
"""Column -> variable; zero where the block is absent."""


def by_site_hour(plan: Plan, variable: str) -> Floats:
    """A variable whose index begins with a site and ends with an hour, summed to (s, t); zero if it is absent."""
    case = plan.case
    total = np.zeros((len(case.sites), case.horizon.hours))
    if plan.has(variable):
        rank = {site: i for i, site in enumerate(case.sites)}
        members = plan.program.index[variable]
        place = [rank[member[0]] for member in members], [member[-1] for member in members]
        np.add.at(total, place, plan.program.values(variable, plan.x))
    return total


def _machines(plan: Plan) -> tuple[Floats, Floats, Floats]:
    """IT power, load and pods on, each (s, t)."""
    case, program, x = plan.case, plan.program, plan.x
    shape = (len(case.clusters), len(case.generations), case.horizon.hours)
    pods = program.values("fleet.pods_on", x).reshape(shape)
    load = program.values("fleet.load_eflops", x).reshape(shape)
    local = program.values("fleet.local_load_eflops", x).reshape(len(case.locals), case.horizon.hours)
    idle, slope = (
        np.array([getattr(g, name) for g in case.generations]) for name in ("idle_mw", "slope_mw_per_eflops")
    )
    power = np.einsum("g,cgt->ct", idle, pods) + np.einsum("g,cgt->ct", slope, load)
    rank = [
        case.clusters.index(s) if s in case.site_hub else len(case.clusters) + case.locals.index(s) for s in case.sites
    ]
    return (
        np.concatenate([power, local * case.local_mw_per_eflops])[rank],
        np.concatenate([load.sum(axis=1), local])[rank],
        np.concatenate([pods.sum(axis=1), np.zeros_like(local)])[rank],
    )


def certificates_mwh(plan: Plan) -> Floats:
    """Certificates claimed by each site over the horizon, (s,)."""
    claimed = np.zeros(len(plan.case.sites))
    if plan.has("green.certificate_mwh"):
        claimed[[plan.case.sites.index(c) for c in plan.case.clusters]] = plan.program.values(
            "green.certificate_mwh", plan.x
        )
    return claimed
