"""Tidy tables of a plan: long, one fact a row, the unit in the column name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.solve.solution import Plan
from scenarios.case import Case, Floats


def plan_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Every table of a run, by name."""
    dispatch = dispatch_table(plan)
    return {
        "cost_items": cost_items(plan),
        "dispatch": dispatch,
        "load": load_table(plan),
        "flows": flow_table(plan),
        "steering": steering_table(plan),
        "batch": batch_table(plan),
        "jobs": job_table(plan),
        "links": link_table(plan),
        "green": green_table(plan, dispatch),
        "sites": site_table(plan.case),
    }


def cost_items(plan: Plan) -> pd.DataFrame:
    """item, cost_kcny."""
    return pd.DataFrame(sorted(plan.items_kcny().items()), columns=["item", "cost_kcny"])


def site_table(case: Case) -> pd.DataFrame:
    """site, kind, region, zone, hub, capacity_eflops (usable)."""
    rows = [
        (
            s,
            "cluster" if s in case.site_hub else "local",
            r,
            case.zone.get(r, ""),
            case.site_hub.get(s, ""),
            case.usable_eflops(s),
        )
        for s, r in case.site_region.items()
    ]
    return pd.DataFrame(rows, columns=["site", "kind", "region", "zone", "hub", "capacity_eflops"])


def dispatch_table(plan: Plan) -> pd.DataFrame:
    """The computing-resource ledger: site x hour supply, load, idle, power, energy, carbon on both ledgers.

    Certificates are spread over the hours in proportion to what is drawn from the grid; direct supply is
    claimed where it is taken. carbon_market_tco2 counts claimed energy as zero and the rest at the residual
    factor.
    """
    case, sites, hours = plan.case, plan.case.sites, range(plan.case.horizon.hours)
    place = pd.MultiIndex.from_product([sites, hours], names=["site", "hour"])
    frame = pd.DataFrame(index=place)
    shape = (len(sites), len(hours))
    on_mw, load_eflops, pods_on = _machines(plan)
    capacity = np.array([case.usable_eflops(s) for s in sites])
    frame["capacity_eflops"] = np.repeat(capacity, len(hours))
    frame["load_eflops"] = load_eflops.ravel()
    frame["idle_eflops"] = np.maximum(0.0, capacity[:, None] - load_eflops).ravel()
    frame["pods_on"] = pods_on.ravel()
    frame["it_mw"] = on_mw.ravel()
    frame["pue_ratio"] = case.pue_ratio.ravel()
    import_mw = plan.program.values("grid.import_mw", plan.x).reshape(shape)
    frame["import_mw"] = import_mw.ravel()
    frame["direct_mw"] = _direct(plan).ravel()
    frame["facility_mw"] = frame["import_mw"] + frame["direct_mw"]
    frame["energy_kcny"] = (import_mw * case.energy_kcny_per_mwh).ravel()
    claimed = _certificates(plan)
    drawn = import_mw.sum(axis=1)
    share = np.divide(claimed, drawn, out=np.zeros_like(drawn), where=drawn > 0)
    frame["certificate_mwh"] = (import_mw * share[:, None]).ravel()
    frame["carbon_location_tco2"] = (import_mw * case.grid_tco2_per_mwh[:, None]).ravel()
    frame["carbon_market_tco2"] = (import_mw * (1 - share)[:, None] * case.residual_tco2_per_mwh[:, None]).ravel()
    return frame.reset_index()


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


def _direct(plan: Plan) -> Floats:
    """Direct supply taken, (s, t); zero where the block is absent."""
    case = plan.case
    taken = np.zeros((len(case.sites), case.horizon.hours))
    if plan.has("renewable.direct_mw"):
        by_carrier = plan.program.values("renewable.direct_mw", plan.x)
        by_cluster = by_carrier.reshape(len(case.clusters), len(case.carriers), -1).sum(axis=1)
        taken[[case.sites.index(c) for c in case.clusters]] = by_cluster
    return taken


def _certificates(plan: Plan) -> Floats:
    """Certificates claimed by each site over the horizon, (s,)."""
    claimed = np.zeros(len(plan.case.sites))
    if plan.has("green.certificate_mwh"):
        claimed[[plan.case.sites.index(c) for c in plan.case.clusters]] = plan.program.values(
            "green.certificate_mwh", plan.x
        )
    return claimed


def load_table(plan: Plan) -> pd.DataFrame:
    """site, hour, work (class, or 'training jobs'), kind, load_eflops: what each site runs in each hour."""
    case = plan.case
    parts = []
    steering = plan.frame("service.share_frac", "region", "class", "site", "period", value="share_frac")
    if len(steering):
        demand = demand_long(case)
        demand["period"] = demand["hour"] // case.horizon.period_h
        steering = steering[steering["share_frac"] > 0].merge(demand, on=["region", "class", "period"])
        steering["load_eflops"] = steering["share_frac"] * steering["demand_eflops"]
        parts.append(
            steering.groupby(["site", "hour", "class"], as_index=False)["load_eflops"].sum().assign(kind="service")
        )
    parts.append(batch_load(plan).assign(kind="batch"))
    jobs = plan.frame("jobs.running_eflops", "class", "hour", value="load_eflops").rename(columns={"class": "site"})
    if len(jobs):
        carried = pd.DataFrame(
            [(c, t, case.running_eflops[i, t]) for i, c in enumerate(case.clusters) for t in range(case.horizon.hours)],
            columns=["site", "hour", "carried"],
        )
        jobs = jobs.merge(carried, on=["site", "hour"])
        jobs["load_eflops"] += jobs.pop("carried")
        parts.append(jobs.assign(**{"class": "training jobs", "kind": "jobs"}))
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    table = table.rename(columns={"class": "work"}).sort_values(["site", "hour", "work"])
    table = table.loc[table["load_eflops"] > 1e-9, ["site", "hour", "work", "kind", "load_eflops"]]
    return pd.DataFrame(table).reset_index(drop=True)


def batch_load(plan: Plan) -> pd.DataFrame:
    """site, class, hour, load_eflops: local sites run a slot of local_slot_h hours at one rate."""
    case = plan.case
    run = plan.frame("batch.run_eflops", "site", "class", "slot", value="load_eflops")
    slot_h = {s: 1 if s in case.site_hub else case.local_slot_h for s in case.sites}
    hours = pd.DataFrame(
        [
            (s, t, min((t // slot_h[s] + 1) * slot_h[s], case.horizon.hours) - 1)
            for s in case.sites
            for t in range(case.horizon.hours)
        ],
        columns=["site", "hour", "slot"],
    )
    return run.merge(hours, on=["site", "slot"]).drop(columns="slot")


def demand_long(case: Case) -> pd.DataFrame:
    """region, class, hour, demand_eflops."""
    index = pd.MultiIndex.from_product(
        [case.regions, [k.name for k in case.services], range(case.horizon.hours)], names=["region", "class", "hour"]
    )
    return pd.DataFrame({"demand_eflops": case.demand_eflops.ravel()}, index=index).reset_index()


def flow_table(plan: Plan) -> pd.DataFrame:
    """region, site, day, work_eflopsh: whose work is sent where."""
    flows = plan.frame("hosting.hosted_eflopsh", "region", "site", "day", value="work_eflopsh")
    return flows[flows["work_eflopsh"] > 1e-9].reset_index(drop=True)


def steering_table(plan: Plan) -> pd.DataFrame:
    """region, class, site, period, share_frac, work_eflopsh; site 'unserved' for what is lost."""
    served = plan.frame("service.share_frac", "region", "class", "site", "period", value="share_frac")
    lost = plan.frame("service.unserved_frac", "region", "class", "period", value="share_frac").assign(site="unserved")
    table = pd.concat([part for part in (served, lost) if len(part)] or [served], ignore_index=True)
    demand = demand_long(plan.case)
    demand["period"] = demand["hour"] // plan.case.horizon.period_h
    work = demand.groupby(["region", "class", "period"], as_index=False)["demand_eflops"].sum()
    table = table[table["share_frac"] > 1e-9].merge(work, on=["region", "class", "period"])
    table["work_eflopsh"] = table["share_frac"] * table.pop("demand_eflops")
    return table.sort_values(["region", "class", "period", "site"], ignore_index=True)


def batch_table(plan: Plan) -> pd.DataFrame:
    """region, class, site, day, work_eflopsh."""
    table = plan.frame("batch.assign_eflopsh", "region", "class", "site", "day", value="work_eflopsh")
    return table[table["work_eflopsh"] > 1e-9].reset_index(drop=True)


def job_table(plan: Plan) -> pd.DataFrame:
    """job, region, cluster, start_h, end_h, pods, load_eflops, data_tb, value_kcny; cluster 'dropped' if not run."""
    starts = plan.frame("jobs.start", "job", "cluster", "start_h", value="chosen")
    chosen = starts[starts["chosen"] > 0.5]
    placed = {
        job: (cluster, start) for job, cluster, start in zip(*(chosen[c] for c in chosen.columns[:3]), strict=True)
    }
    rows = []
    for job in plan.case.jobs if plan.has("jobs.start") else ():
        cluster, start = placed.get(job.name, ("dropped", -1))
        end = start + job.duration_h if start >= 0 else -1
        rows.append((job.name, job.region, cluster, start, end, job.pods, job.eflops, job.data_tb, job.value_kcny))
    columns = ["job", "region", "cluster", "start_h", "end_h", "pods", "load_eflops", "data_tb", "value_kcny"]
    return pd.DataFrame(rows, columns=columns)


def link_table(plan: Plan) -> pd.DataFrame:
    """link, period, traffic_gbps, capacity_gbps."""
    case = plan.case
    if not plan.has("network.pinned_gbps"):
        return pd.DataFrame(columns=["link", "period", "traffic_gbps", "capacity_gbps"])
    traffic = np.zeros((len(case.links), case.horizon.periods))
    rank = {link: i for i, link in enumerate(case.links)}
    pinned = zip(
        plan.program.index["network.pinned_gbps"], plan.program.values("network.pinned_gbps", plan.x), strict=True
    )
    for (r, s, p), gbps in pinned:
        for link in case.routes[r, s][0].links:
            traffic[rank[link], p] += gbps
    movable = zip(
        plan.program.index["network.flow_gbps"], plan.program.values("network.flow_gbps", plan.x), strict=True
    )
    for (r, s, q, p), gbps in movable:
        for link in case.routes[r, s][q].links:
            traffic[rank[link], p] += gbps
    index = pd.MultiIndex.from_product([case.links, range(case.horizon.periods)], names=["link", "period"])
    table = pd.DataFrame({"traffic_gbps": traffic.ravel()}, index=index).reset_index()
    table["capacity_gbps"] = np.repeat(case.link_capacity_gbps, case.horizon.periods)
    return table


def green_table(plan: Plan, dispatch: pd.DataFrame) -> pd.DataFrame:
    """cluster, consumption_mwh, direct_mwh, certificate_mwh, shortfall_mwh, green_frac, target_frac."""
    case = plan.case
    energy = dispatch.groupby("site")[["facility_mw", "direct_mw", "certificate_mwh"]].sum().loc[list(case.clusters)]
    table = (
        energy.rename(columns={"facility_mw": "consumption_mwh", "direct_mw": "direct_mwh"})
        .rename_axis("cluster")
        .reset_index()
    )
    shortfall = plan.frame("green.shortfall_mwh", "cluster", value="shortfall_mwh")
    table = table.merge(shortfall, on="cluster", how="left") if len(shortfall) else table.assign(shortfall_mwh=0.0)
    used = table["consumption_mwh"].where(table["consumption_mwh"] > 0)
    table["green_frac"] = (table["direct_mwh"] + table["certificate_mwh"]) / used
    table["target_frac"] = case.green_target_frac
    return table
