"""The joint dispatch in the books of the territories: whose cost is whose, who works for whom, and at what price.

Costs are booked where they arise: machines, power, data received and work run late or not at all to the site's
territory; lost services, agreements and dropped jobs to that of the region they come from; damages of a position to
the seller's; rents of lit or built wavelengths to all equally, as the backbone is common. What each books more or less
than in the plan in which everyone stands alone is what it has before transfers: in sum the saving of the whole.

Hosted work bears its part of all that its site costs, by EFLOPS·h. Batch work run at a site is shared among regions as
what they sent there over the horizon; jobs already running when it opens belong to the cluster's own territory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.commands.share.terms import Terms
from optimizer.market.coalitions import Territories
from optimizer.market.duals import price_plan
from optimizer.market.prices import prices_table
from optimizer.market.sharing import Accounts
from optimizer.market.taxsharing import local_tax_kcny
from optimizer.report.work import batch_load, demand_long, job_table
from optimizer.solve.compile import Program
from optimizer.solve.solution import Plan
from scenarios.case import Case, Floats, Ints

COMMON = -1
ROLES = {
    "service.": "region",
    "innovation.": "region",
    "cooperation.": "region",
    "jobs.": "job",
    "delivery.": "position",
    "network.wavelengths": "link",
    "expansion.wavelengths": "link",
}
"""What the first index of a variable names, by how the variable's name begins; a site where none fits."""


@dataclass(frozen=True)
class Books:
    """Accounts of the joint plan, and the cost each territory books in it and standing alone, (n,) kCNY."""

    accounts: Accounts
    joint_kcny: Floats
    alone_kcny: Floats


def book(joint: Plan, alone: Plan, lands: Territories, terms: Terms) -> Books:
    """Books of a joint plan against the plan in which everyone stands alone, of one case and programme."""
    case = joint.case
    owner = owners(joint.program, case, lands)
    joint_kcny, alone_kcny = (cost_by_player_kcny(plan, owner, lands.n) for plan in (joint, alone))
    work_eflops = work_by_origin_eflops(joint, lands)
    work = _by_host(work_eflops, case, lands)
    fee_kcny = terms.fee_kcny_per_eflopsh * work.sum(axis=2)
    taxes = local_tax_kcny(
        fee_kcny,
        terms.profit_frac * fee_kcny,
        terms.vat_frac,
        terms.income_tax_frac,
        terms.vat_local_share_frac,
        terms.income_tax_local_share_frac,
    )
    accounts = Accounts(
        booked_kcny=alone_kcny - joint_kcny,
        work_eflopsh=work,
        host_kcny=_host_kcny(joint, work_eflops, lands),
        local_tax_kcny=taxes,
        price_kcny_per_eflopsh=territory_prices(joint, lands),
    )
    return Books(accounts, joint_kcny, alone_kcny)


def owners(program: Program, case: Case, lands: Territories) -> Ints:
    """(columns,): the territory that bears what a column costs, COMMON for all of them.

    KeyError if a variable with a cost is indexed by something else than its role says.
    """
    jobs = {job.name: lands.region[job.region] for job in case.jobs}
    positions = {position.name: lands.site[position.cluster] for position in case.positions}
    links = dict.fromkeys(case.links, COMMON)
    places = {"region": lands.region, "job": jobs, "position": positions, "link": links, "site": lands.site}
    owner = np.full(program.columns, COMMON, dtype=np.int64)
    for variable, columns in program.variables.items():
        used = columns >= 0
        if not used.any() or not program.item_cost[:, columns[used]].nnz:
            continue
        role = next((role for start, role in ROLES.items() if variable.startswith(start)), "site")
        for member, column in zip(program.index[variable], columns.tolist(), strict=True):
            if column >= 0:
                owner[column] = places[role][member[0] if isinstance(member, tuple) else member]
    return owner


def cost_by_player_kcny(plan: Plan, owner: Ints, n: int) -> Floats:
    """(n,): the cost of a plan in the books of each territory; what is common, and constants, in equal parts."""
    spent = plan.program.cost * plan.x
    booked = np.bincount(owner + 1, weights=spent, minlength=n + 1)
    return np.asarray(booked[1:] + (booked[0] + plan.program.offset) / n)


def work_by_origin_eflops(plan: Plan, lands: Territories) -> Floats:
    """(n, s, t): work of each territory that every site runs in every hour."""
    case = plan.case
    place = {site: position for position, site in enumerate(case.sites)}
    work = np.zeros((lands.n, len(case.sites), case.horizon.hours))
    _add_services(work, plan, lands, place)
    _add_batches(work, plan, lands, place)
    jobs = job_table(plan).query("cluster != 'dropped'")
    for region, cluster, start, end, eflops in jobs[
        ["region", "cluster", "start_h", "end_h", "load_eflops"]
    ].itertuples(index=False):
        work[lands.region[region], place[cluster], start:end] += eflops
    if plan.has("jobs.start"):
        for row, cluster in enumerate(case.clusters):
            work[lands.site[cluster], place[cluster]] += case.running_eflops[row]
    return work


def _add_services(work: Floats, plan: Plan, lands: Territories, place: dict[str, int]) -> None:
    shares = plan.frame("service.share_frac", "region", "class", "site", "period", value="share_frac")
    demand = demand_long(plan.case)
    demand["period"] = demand["hour"] // plan.case.horizon.period_h
    served = shares[shares["share_frac"] > 0].merge(demand, on=["region", "class", "period"])
    at = served["region"].map(lands.region), served["site"].map(place), served["hour"]
    np.add.at(work, tuple(at), served["share_frac"] * served["demand_eflops"])


def _add_batches(work: Floats, plan: Plan, lands: Territories, place: dict[str, int]) -> None:
    sent = plan.frame("batch.assign_eflopsh", "region", "class", "site", "day", value="sent_eflopsh")
    sent = sent[sent["sent_eflopsh"] > 0].assign(origin=lambda frame: frame["region"].map(lands.region))
    parts = sent.groupby(["site", "class", "origin"], as_index=False)["sent_eflopsh"].sum()
    whole = parts.groupby(["site", "class"])["sent_eflopsh"].transform("sum")
    run = batch_load(plan).merge(parts.assign(part_frac=parts["sent_eflopsh"] / whole), on=["site", "class"])
    np.add.at(work, (run["origin"], run["site"].map(place), run["hour"]), run["load_eflops"] * run["part_frac"])


def _by_host(work_eflops: Floats, case: Case, lands: Territories) -> Floats:
    """(n, n, t) EFLOPS·h by origin and host, from (n, s, t); an hour's EFLOPS are its EFLOPS·h."""
    host = np.array([lands.site[site] for site in case.sites])
    return np.stack([work_eflops[:, host == player].sum(axis=1) for player in range(lands.n)], axis=1)


def _host_kcny(plan: Plan, work_eflops: Floats, lands: Territories) -> Floats:
    """(n, n): what work of the first costs at the second: its part of what each site costs, by EFLOPS·h."""
    case = plan.case
    done = work_eflops.sum(axis=2)
    total = done.sum(axis=0)
    parts = np.divide(done, total, out=np.zeros_like(done), where=total > 0)
    cost = parts * site_cost_kcny(plan)
    host = np.array([lands.site[site] for site in case.sites])
    return np.stack([cost[:, host == player].sum(axis=1) for player in range(lands.n)], axis=1)


def site_cost_kcny(plan: Plan, without: tuple[str, ...] = ()) -> Floats:
    """(s,): what each site costs in a plan, leaving out variables whose names begin with one of `without`."""
    program, place = plan.program, {site: row for row, site in enumerate(plan.case.sites)}
    spent = program.cost * plan.x
    cost = np.zeros(len(place))
    for variable, columns in program.variables.items():
        if variable.startswith((*ROLES, *without)):
            continue
        for member, column in zip(program.index[variable], columns.tolist(), strict=True):
            if column >= 0 and spent[column]:
                cost[place[member[0] if isinstance(member, tuple) else member]] += spent[column]
    return cost


def territory_prices(plan: Plan, lands: Territories) -> Floats:
    """(n, t): shadow price of compute in each territory, whole numbers held at the plan: kCNY per EFLOPS·h.

    The mean over its sites whose price is identified, weighted by load; NaN in an hour in which there is none.
    """
    table = prices_table(price_plan(plan.program, plan.x), plan.case)
    known = table[table["identified_fixed"] & (table["load_eflops"] > 0)]
    at = known["site"].map(lands.site), known["hour"]
    value, load = (np.zeros((lands.n, plan.case.horizon.hours)) for _ in range(2))
    np.add.at(value, at, known["price_fixed_kcny_per_eflopsh"] * known["load_eflops"])
    np.add.at(load, at, known["load_eflops"])
    price = np.full(value.shape, np.nan)
    np.divide(value, load, out=price, where=load > 0)
    return price
