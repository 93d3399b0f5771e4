"""Tables of work: what runs where in each hour, whose work is sent where, and what was not done."""

from __future__ import annotations

import pandas as pd

from optimizer.solve.solution import Plan
from scenarios.case import Case


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
