"""`explain --price SITE:HOUR`: the marginal chain of one price, in planner's words.

The price is the dual of the compute ledger at the site and hour, of the programme with the plan's whole numbers held
and of its relaxation. It is taken apart in several ways, all of which sum to it, because all are the same dual: what
carrying one EFLOPS·h more takes there; what the work pays that could as well go elsewhere; and, with whole numbers
held, how the whole plan answers.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hubs.errors import Fault, InputError, nearest
from optimizer.commands import sheet
from optimizer.market.duals import COMPUTE, KINDS, Prices, price_plan
from optimizer.solve.compile import Program
from optimizer.solve.marginal import Answer, answer
from optimizer.solve.naming import quantity
from optimizer.solve.whyprice import Chain, Part, PriceBook, Step
from scenarios.case import Case, Floats

WORDS = {
    "fixed": "with the plan's whole numbers held",
    "relaxed": "in the relaxation, where pods and jobs are divisible",
}
TITLES = {
    COMPUTE: "price of the same work in its other hours",
    "batch.runs_what_has_arrived": "worth of one unit less in the queue",
    "service.steers_all_demand": "worth of serving the work",
    "fleet.fits_on_lit_pods": "the pods that are on are full",
    "fleet.lights_only_built_pods": "no pod is left to switch on",
    "fleet.pays_for_starts": "start-ups",
    "fleet.stays_on": "least time that pods stay on",
    "fleet.uses_pods_that_are_on": "capital of pods in use",
    "grid.draws_within_peak": "demand charge, this hour's share",
    "network.carries_within_capacity": "link rents",
    "storage.holds_what_is_left": "worth of what the battery holds",
}
"""Constraint -> a short name for its part of a price; others are named by their claim."""
PAYERS = {
    "batch.run_eflops": "batch work that may wait in its queue",
    "service.share_frac": "a service that could be steered elsewhere",
}
WORKS, LOADS, LEAST = 3, 6, 5e-4
"""So many kinds of work at the margin are told, and so many sites whose load changes, by so many EFLOPS·h or more."""


@dataclass(frozen=True)
class Explained:
    """One kind of price of a site-hour, kCNY per EFLOPS·h: both ends, what supplies it, and the work that pays it."""

    kind: str
    kcny_per_eflopsh: float
    low: float
    high: float
    identified: bool
    supply: Chain | None
    works: tuple[Chain, ...]
    answer: Answer | None
    """Of the plan with its whole numbers held, where load is carried."""


def ledger_row(program: Program, case: Case, asked: str) -> int:
    """The row of `SITE:HOUR` in the compute ledger; InputError if there is none."""
    site, _, hour = asked.rpartition(":")
    known = {member: row for row, (name, member) in enumerate(program.row_keys) if name == COMPUTE}
    found: str | None = None
    rule, mend = "a price is that of a site and an hour, SITE:HOUR", "write for example --price Guian:14"
    if not site or not hour.strip().isdigit():
        found = f"'{asked}' is no site and hour"
    elif site not in case.sites:
        found, rule, mend = f"site '{site}' is not known", "a site is one of the scenario", nearest(site, case.sites)
    elif (site, int(hour)) not in known:
        found, rule = f"hour {int(hour)} is not in the horizon", f"hours run from 0 to {case.horizon.hours - 1}"
        mend = "name one of them"
    if found is not None:
        raise InputError([Fault("--price", None, None, found, rule, mend)])
    return known[site, int(hour)]


def explain_price(program: Program, x: Floats, row: int) -> list[Explained]:
    """Both kinds of the price of one ledger row at the plan `x`; SolverError if HiGHS gives up."""
    prices = price_plan(program, x, intervals=True, only=np.array([row]))
    found = [_explained(prices, kind, row) for kind in KINDS]
    return [
        replace(one, answer=answer(program, x, row)) if one.kind == "fixed" and one.supply else one for one in found
    ]


def _explained(prices: Prices, kind: str, row: int) -> Explained:
    priced = prices.of_kind(kind)
    free = ~priced.program.integer if kind == "fixed" else np.ones(priced.program.columns, dtype=bool)
    book = PriceBook(priced.program, priced.x, priced.row, free)
    ends = (float(priced.row_low[row]), float(priced.row_high[row]))
    known = bool(priced.rows_identified(np.array([row]))[0])
    works = tuple(book.work(row)[:WORKS])
    return Explained(kind, float(priced.row[row]), *ends, known, book.supply(row), works, None)


def as_object(explained: list[Explained]) -> list[dict[str, Any]]:
    """For machines: every digit, no number that is not finite."""
    rows = []
    for one in explained:
        row: dict[str, Any] = _finite(asdict(one))
        if one.answer is not None:
            loads = [{"site": s, "hour": t, "eflops": load} for (s, t), load in one.answer.loads_eflops.items()]
            row["answer"] = {"items_kcny": one.answer.items_kcny, "loads": loads}
        rows.append(row)
    return rows


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def page(explained: list[Explained], case: Case, asked: str) -> str:
    """What the command prints."""
    site, _, hour = asked.rpartition(":")
    lines = [f"Price of compute at {site}, hour {int(hour)} ({case.horizon.time(int(hour)):%Y-%m-%d %H:%M})"]
    for one in explained:
        lines += ["", *_told(one, case)]
    return "\n".join(lines)


def _told(one: Explained, case: Case) -> list[str]:
    ends = f"between {_end(one.low)} and {_end(one.high)} kCNY per EFLOPS·h"
    if one.supply is None:
        why = "nothing runs there in that hour, so no machine there sets a price"
        return [f"{WORDS[one.kind].capitalize()}: not identified; {why}. Any price {ends} supports the plan."]
    lines = [f"{WORDS[one.kind].capitalize()}: {one.kcny_per_eflopsh:.4f} kCNY per EFLOPS·h."]
    if not one.identified:
        lines = [f"{WORDS[one.kind].capitalize()}: not identified, {ends}; taken here at {one.kcny_per_eflopsh:.4f}."]
    lines += ["One EFLOPS·h more takes", *(f"  {_step(step, case)}" for step in one.supply.steps)]
    lines += ["", _sums(one.supply), ""]
    lines += [f"  The same price, paid by {_work(chain)}." for chain in one.works]
    lines += _answered(one.answer) if one.answer else []
    return lines


def _answered(one: Answer) -> list[str]:
    """The whole plan's answer: at which sites load changes, and which cost items."""
    moved: dict[str, list[tuple[int, float]]] = {}
    for (site, hour), load in one.loads_eflops.items():
        moved.setdefault(site, []).append((hour, load))
    totals = {site: math.fsum(load for _, load in loads) for site, loads in moved.items()}
    told = [
        f"{totals[site]:+.3f} at {site} ({_hours([hour for hour, _ in moved[site]])})"
        for site in sorted(totals, key=lambda site: (-abs(totals[site]), site))
        if abs(totals[site]) >= LEAST
    ]
    rest = f" and {len(told) - LOADS} more sites" if len(told) > LOADS else ""
    items = " ".join(f"{_signed(kcny)} {item.replace('_', ' ')}" for item, kcny in one.items_kcny.items())
    return [
        f"  The whole plan's answer to one EFLOPS·h more: load {', '.join(told[:LOADS])}{rest};",
        f"  cost {items.removeprefix('+ ')} = {one.kcny:.4f}.",
    ]


def _hours(hours: list[int]) -> str:
    return f"hour {hours[0]}" if len(hours) == 1 else f"{len(hours)} hours from {min(hours)} to {max(hours)}"


def _signed(kcny: float) -> str:
    return f"{'-' if kcny < 0 else '+'} {abs(kcny):.4f}"


def _end(value: float) -> str:
    return sheet.number(value, ".4f") if math.isfinite(value) else "no limit"


def _step(step: Step, case: Case) -> str:
    """What a unit of the price takes, and why that sets it: between its bounds the reduced cost of a column is zero."""
    why = "between its bounds" if step.between else "at a bound, which has a worth"
    size = f"{step.value:,.4g} in the plan, {why}"
    return f"{quantity(step.amount, step.unit)}: {step.claim}, {step.place} ({size}){_machine(step, case)}"


def _machine(step: Step, case: Case) -> str:
    """For load on machines, what it draws."""
    if step.variable not in ("fleet.load_eflops", "fleet.local_load_eflops"):
        return ""
    site, hour = step.member[0], step.member[-1]
    slopes = {g.name: g.slope_mw_per_eflops for g in case.generations}
    slope = slopes[step.member[1]] if step.variable == "fleet.load_eflops" else case.local_mw_per_eflops
    pue = float(case.pue_ratio[case.sites.index(site), hour])
    return f"; it draws {slope:.4g} MW/EFLOPS x PUE {pue:.4g} = {slope * pue:.4g} MW"


def _sums(chain: Chain) -> str:
    rows = [[title(part), *_amounts(part), f"{part.kcny:.4f}"] for part in chain.parts]
    total = sum(part.kcny for part in chain.parts)
    rows.append(["sum", "", "", f"{total:.4f}"])
    return sheet.markdown(["part", "amount", "kCNY per unit", "kCNY per EFLOPS·h"], rows)


def _amounts(part: Part) -> tuple[str, str]:
    """What one EFLOPS·h takes, and the price of a unit of it: signs are turned so that the price is not negative."""
    if not math.isfinite(part.amount):
        return part.place, ""
    sign = math.copysign(1.0, part.kcny_per_unit)
    return quantity(sign * part.amount, part.unit), f"{sign * part.kcny_per_unit:.5f}"


def title(part: Part) -> str:
    """A short name of a part: the cost item, the rule, or the bound."""
    if part.kind == "cost":
        return part.name.replace("_", " ")
    if part.kind == "bound":
        return f"bound on {part.claim}"
    return TITLES.get(part.name, part.claim)


def _work(chain: Chain) -> str:
    """Work at the margin, and the sum of its parts by name."""
    first, sums = chain.steps[0], dict[str, float]()
    for part in chain.parts:
        sums[title(part)] = sums.get(title(part), 0.0) + part.kcny
    told = " ".join(f"{_signed(kcny)} {name}" for name, kcny in sums.items())
    return f"{PAYERS.get(first.variable, first.claim)} ({first.place}): {told.removeprefix('+ ')}"
