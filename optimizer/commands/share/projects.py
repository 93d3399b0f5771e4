"""The joint plan as the finances of each cluster: a year of the plan's days, sold at the wholesale price.

The project is the whole cluster: the pods the plan has (installed, lit in vacant racks, built) and their building, at
first cost. Work run in the plan is paid at the wholesale price of the facts, whoever sends it, so that a transfer under
a sharing rule would come on top and is left out. What grows with the work is its part of bought power, direct supply,
carbon and green claims, as far as the slope of the machines' power reaches; the rest of what the plan spends at the
cluster stands. Staff, upkeep, land and rent are not in the facts and are left out, which flatters every project.

A contract held is take-or-pay at the same price on a share of capacity: what is not taken is paid and costs nothing to
run. No market for such contracts exists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from optimizer.commands.share.booking import site_cost_kcny
from optimizer.commands.share.terms import Terms
from optimizer.market.coalitions import Territories
from optimizer.market.finance import HOURS_PER_YEAR, Project, appraise, assumptions
from optimizer.solve.solution import Plan
from scenarios.case import Floats

CAPITAL = ("fleet.lit", "fleet.used", "expansion.pods")
"""Annuities of pods in the plan's cost: here pods are paid at first cost."""
VARYING = ("grid.import_mw", "renewable.", "green.")
UTILISATIONS = (0.3, 0.5, 0.7, 0.9)
CONTRACTS = (0.5, 0.8)
"""Share of capacity under take-or-pay."""
MOST_KCNY_PER_EFLOPSH = 1e6


@dataclass(frozen=True)
class _Machines:
    """Of each cluster (c,): capacity, first cost, mean life, work per hour, and varying energy over all IT energy."""

    capacity_eflops: Floats
    first_kcny: Floats
    life_years: Floats
    load_eflops: Floats
    varying_frac: Floats


def projects(plan: Plan, terms: Terms) -> dict[str, Project]:
    """cluster -> its project on a plan, contracts and transfers left out; clusters without pods are left out.

    Work and money of the horizon are scaled to a year of 8 760 h.
    """
    case = plan.case
    years = case.horizon.hours / HOURS_PER_YEAR
    machines = _machines(plan, terms)
    rows = [case.sites.index(cluster) for cluster in case.clusters]
    whole = site_cost_kcny(plan, CAPITAL)[rows]
    bought = whole - site_cost_kcny(plan, (*CAPITAL, *VARYING))[rows]
    varying = machines.varying_frac * bought
    made = {}
    for i, cluster in enumerate(case.clusters):
        if machines.capacity_eflops[i] <= 0:
            continue
        work_eflopsh = machines.load_eflops[i] * case.horizon.hours
        made[cluster] = Project(
            capacity_eflops=float(machines.capacity_eflops[i]),
            machines_kcny=float(machines.first_kcny[i]),
            building_kcny=float(terms.building_frac * machines.first_kcny[i]),
            utilisation_frac=min(1.0, float(machines.load_eflops[i] / machines.capacity_eflops[i])),
            price_kcny_per_eflopsh=terms.fee_kcny_per_eflopsh,
            energy_kcny_per_eflopsh=float(varying[i] / work_eflopsh) if work_eflopsh > 0 else 0.0,
            standing_kcny_per_year=float((whole[i] - varying[i]) / years),
            transfer_kcny_per_year=0.0,
            machine_life_years=round(float(machines.life_years[i])),
        )
    return made


def _machines(plan: Plan, terms: Terms) -> _Machines:
    case, program = plan.case, plan.program
    shape = (len(case.clusters), len(case.generations))
    pods = case.pods_installed + program.values("fleet.lit", plan.x).reshape(shape)
    if plan.has("expansion.pods"):
        for (cluster, generation), count in zip(
            program.index["expansion.pods"], program.values("expansion.pods", plan.x).tolist(), strict=True
        ):
            pods[case.clusters.index(cluster), [g.name for g in case.generations].index(generation)] += count
    load = program.values("fleet.load_eflops", plan.x).reshape(*shape, case.horizon.hours)
    lit = program.values("fleet.pods_on", plan.x).reshape(*shape, case.horizon.hours)
    rows = [case.sites.index(cluster) for cluster in case.clusters]
    pue = case.pue_ratio[rows]
    slope, idle, usable = (
        np.array([getattr(g, name) for g in case.generations])
        for name in ("slope_mw_per_eflops", "idle_mw", "usable_eflops")
    )
    varying_mwh = np.einsum("g,cgt,ct->c", slope, load, pue)
    all_mwh = varying_mwh + np.einsum("g,cgt,ct->c", idle, lit, pue)
    first = pods * np.array([terms.pod_kcny[g.name] for g in case.generations])
    life = np.array([terms.pod_life_years[g.name] for g in case.generations])
    total = first.sum(axis=1)
    return _Machines(
        capacity_eflops=pods @ usable,
        first_kcny=total,
        life_years=np.divide(first @ life, total, out=np.full(total.shape, life.mean()), where=total > 0),
        load_eflops=load.sum(axis=(1, 2)) / case.horizon.hours,
        varying_frac=np.divide(varying_mwh, all_mwh, out=np.zeros_like(all_mwh), where=all_mwh > 0),
    )


def under_contract(project: Project, held_frac: float) -> Project:
    """A project that holds take-or-pay contracts on a share of its capacity: what is not taken is paid."""
    untaken_frac = max(0.0, held_frac - project.utilisation_frac)
    paid_kcny = project.price_kcny_per_eflopsh * project.capacity_eflops * untaken_frac * HOURS_PER_YEAR
    return replace(project, transfer_kcny_per_year=project.transfer_kcny_per_year + paid_kcny)


def break_even_kcny_per_eflopsh(project: Project, held_frac: float = 0.0) -> float:
    """The price at which the net present value is zero, contracts held at the same price; NaN if none up to 1e6."""

    def npv_kcny(price: float) -> float:
        return appraise(under_contract(replace(project, price_kcny_per_eflopsh=price), held_frac)).npv_kcny

    high = 1.0
    while npv_kcny(high) < 0:
        high *= 2
        if high > MOST_KCNY_PER_EFLOPSH:
            return np.nan
    return float(brentq(npv_kcny, 0.0, high, xtol=1e-9)) if npv_kcny(0.0) < 0 else 0.0


def finance_table(found: dict[str, Project], lands: Territories) -> pd.DataFrame:
    """One row a cluster and situation: the plan, other utilisations, contracts held.

    cluster, hub, situation, contract_frac, utilisation_frac; income_kcny, energy_kcny, standing_kcny (of a year);
    outlay_kcny, npv_kcny, irr_frac, payback_years, discounted_payback_years, owners_npv_kcny, owners_irr_frac,
    least_debt_cover_ratio, price_ and break_even_kcny_per_eflopsh. NaN where a measure does not exist (never paid back,
    no single rate of return).
    """
    rows = []
    for cluster, project in found.items():
        situations = [("the plan", project, 0.0)]
        situations += [("utilisation", replace(project, utilisation_frac=used), 0.0) for used in UTILISATIONS]
        situations += [("contract held", project, held) for held in CONTRACTS]
        for situation, variant, held in situations:
            place = {"cluster": cluster, "hub": lands.players[lands.site[cluster]], "situation": situation}
            rows.append({**place, "contract_frac": held, **_measures(variant, held)})
    return pd.DataFrame(rows)


def _measures(project: Project, held_frac: float) -> dict[str, float]:
    result = appraise(under_contract(project, held_frac))
    flow = result.cash_flow
    measures = {
        "utilisation_frac": project.utilisation_frac,
        "income_kcny": float(flow.income_kcny[1] + flow.transfer_kcny[1]),
        "energy_kcny": float(flow.energy_kcny[1]),
        "standing_kcny": float(flow.standing_kcny[1]),
        "outlay_kcny": project.outlay_kcny,
        "npv_kcny": result.npv_kcny,
        "irr_frac": result.irr_frac,
        "payback_years": result.payback_years,
        "discounted_payback_years": result.discounted_payback_years,
        "owners_npv_kcny": result.owners_npv_kcny,
        "owners_irr_frac": result.owners_irr_frac,
        "least_debt_cover_ratio": result.debt_cover_ratio.min() if result.debt_cover_ratio.size else None,
        "price_kcny_per_eflopsh": project.price_kcny_per_eflopsh,
        "break_even_kcny_per_eflopsh": break_even_kcny_per_eflopsh(project, held_frac),
    }
    return {name: np.nan if value is None else float(value) for name, value in measures.items()}


def assumption_table(found: dict[str, Project]) -> pd.DataFrame:
    """cluster, assumption, value, source: everything the appraisal of each cluster rests on."""
    rows = [(cluster, *entry) for cluster, project in found.items() for entry in assumptions(project)]
    return pd.DataFrame(rows, columns=["cluster", "assumption", "value", "source"])
