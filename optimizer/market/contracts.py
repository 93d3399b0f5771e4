"""Contracts on compute between a buyer region and a seller cluster: terms, hourly quantities, and whether they fit.

The contracts are designs to be tried on scenarios. No exchange lists compute futures: a strike here is an agreed number
and an index is a price of this model, never a quotation. Delivery days are counted from 0 at the start of the horizon,
both ends included; day d is the hours 24 d to 24 d + 23. One lot is 0.1 EFLOPS·day of compute on every day of
delivery (2.4 EFLOPS·h), whatever the shape: a shape moves the volume between hours and leaves the lot as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from hubs.errors import Fault, InputError, nearest
from scenarios.agreements import SHIFTS
from scenarios.case import Case, Floats, Horizon
from scenarios.instruments import Position
from scenarios.profiles import hours_of_day

LOT_EFLOPS_DAY = 0.1
Shape = Literal["baseload", "working-hours", "night", "custom"]
SHAPE_HOURS = {"baseload": SHIFTS["all"], "working-hours": SHIFTS["working"], "night": SHIFTS["night"]}
"""Hours of the day (Beijing time) in which a named shape delivers, every day of the week."""


@dataclass(frozen=True)
class Forward:
    """Physical delivery at a fixed price."""

    strike_kcny_per_eflopsh: float


@dataclass(frozen=True)
class TakeOrPay:
    """Physical, up to `most_frac` of the quantity; `least_frac` of the volume is paid for, taken or not."""

    strike_kcny_per_eflopsh: float
    least_frac: float
    most_frac: float


@dataclass(frozen=True)
class CallOption:
    """The right to call capacity at the strike, for a premium on every EFLOPS·h that may be called."""

    strike_kcny_per_eflopsh: float
    premium_kcny_per_eflopsh: float


@dataclass(frozen=True)
class Difference:
    """Two-way contract for difference against the index, on the agreed profile or on what is dispatched."""

    strike_kcny_per_eflopsh: float
    volume: Literal["profile", "dispatch"] = "profile"


@dataclass(frozen=True)
class Collar:
    """Financial: the seller pays the index above the cap, the buyer pays the index below the floor."""

    floor_kcny_per_eflopsh: float
    cap_kcny_per_eflopsh: float
    premium_kcny_per_eflopsh: float = 0.0


@dataclass(frozen=True)
class GreenForward:
    """A forward whose compute comes with green certificates at their own fixed price."""

    strike_kcny_per_eflopsh: float
    certificate_kcny_per_mwh: float
    certificate_mwh_per_eflopsh: float


Terms = Forward | TakeOrPay | CallOption | Difference | Collar | GreenForward
PHYSICAL = (Forward, TakeOrPay, CallOption, GreenForward)


@dataclass(frozen=True)
class Contract:
    """One agreement. `margin_frac` and `limit_frac` are shares of the price; settlement is daily.

    `hours_ratio`: the 24 hourly weights of a custom shape, in any proportion. `where` and `rows` say in which file and
    on which line each key stands (the key '' is the heading), for messages.
    """

    name: str
    buyer: str
    seller: str
    first_day: int
    last_day: int
    shape: Shape
    lots: int
    terms: Terms
    margin_frac: float
    limit_frac: float
    tick_kcny_per_eflopsh: float
    hours_ratio: tuple[float, ...] | None = None
    where: str = field(default="contracts", compare=False)
    rows: Mapping[str, int | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def physical(self) -> bool:
        return isinstance(self.terms, PHYSICAL)

    def fault(self, key: str, found: str, rule: str, mend: str) -> Fault:
        row = self.rows.get(key, self.rows.get(""))
        return Fault(self.where, row, f"contracts.{self.name}.{key}", f"contract '{self.name}': {found}", rule, mend)


def daily_shape(contract: Contract) -> Floats:
    """(24,) weights with mean one, by hour of the day. InputError for a shape without hours."""
    fault = _shape_fault(contract)
    if fault:
        raise InputError([fault])
    if contract.shape == "custom":
        weights = np.array(contract.hours_ratio, dtype=float)
    else:
        weights = np.isin(np.arange(24), list(SHAPE_HOURS[contract.shape])).astype(float)
    return np.asarray(weights / weights.mean())


def quantity_eflops(contract: Contract, horizon: Horizon) -> Floats:
    """(t,) compute agreed in each hour; zero outside the delivery period. A short last day holds a part of its lots."""
    day = np.arange(horizon.hours) // 24
    inside = (day >= contract.first_day) & (day <= contract.last_day)
    return LOT_EFLOPS_DAY * contract.lots * daily_shape(contract)[hours_of_day(horizon)] * inside


def reserved_eflops(contract: Contract, horizon: Horizon) -> Floats:
    """(t,) the most the seller may have to run in each hour; zero for a financial contract."""
    if not contract.physical:
        return np.zeros(horizon.hours)
    most_frac = contract.terms.most_frac if isinstance(contract.terms, TakeOrPay) else 1.0
    return most_frac * quantity_eflops(contract, horizon)


def position(contract: Contract, horizon: Horizon, damages_kcny_per_eflopsh: float) -> Position:
    """A physical contract as the `delivery` block reads it, to dispatch with it. InputError for a financial one."""
    if not contract.physical:
        rule = "only a physical contract changes the dispatch"
        raise InputError([contract.fault("type", "it is settled in money", rule, "leave it out of the dispatch")])
    quantity = quantity_eflops(contract, horizon)
    sale = Position(contract.name, contract.seller, contract.buyer, "fixed", quantity, damages_kcny_per_eflopsh)
    if isinstance(contract.terms, CallOption):
        return replace(sale, kind="call")
    if isinstance(contract.terms, TakeOrPay):
        least, most = contract.terms.least_frac, contract.terms.most_frac
        return replace(sale, kind="take-or-pay", low_frac=0.0, high_frac=most, take_frac=least)
    return sale


def check(contracts: Sequence[Contract], case: Case) -> None:
    """InputError with every fault of the contracts on a case.

    Named are: a name used twice, an unknown region or cluster, a buyer without a route to the seller of a physical
    contract, lots below one, a delivery outside the horizon, a shape without hours, and a cluster that sold more than
    its installed machines can run (`case.usable_eflops`; work it already holds is not subtracted).
    """
    found = [fault for contract in contracts for fault in _faults(contract, case)]
    names = [contract.name for contract in contracts]
    for place, contract in enumerate(contracts):
        if contract.name in names[:place]:
            rule = "each contract has a name of its own"
            found.append(contract.fault("", "the name stands twice", rule, "rename one"))
    # Quantities mean nothing while a contract is faulty; a user mends those first.
    if not found:
        found = _over_sold(contracts, case)
    if found:
        raise InputError(found)


def _faults(contract: Contract, case: Case) -> list[Fault]:
    faults = []
    for key, name, known in (("buyer", contract.buyer, case.regions), ("seller", contract.seller, case.clusters)):
        if name not in known:
            kind = "region" if key == "buyer" else "cluster"
            rule = f"the {key} is a {kind} of the case"
            faults.append(contract.fault(key, f"{kind} '{name}' is not known", rule, nearest(name, known)))
    if not faults and contract.physical and (contract.buyer, contract.seller) not in case.routes:
        found = f"no route leads from {contract.buyer} to {contract.seller}"
        faults.append(contract.fault("seller", found, "a physical contract needs a route", "choose another cluster"))
    if contract.lots < 1:
        faults.append(contract.fault("lots", f"lots is {contract.lots}", "at least one lot is traded", "correct lots"))
    return faults + _calendar_faults(contract, case.horizon)


def _calendar_faults(contract: Contract, horizon: Horizon) -> list[Fault]:
    """Delivery days within the horizon, and a shape that delivers in them."""
    last = horizon.days - 1
    if not 0 <= contract.first_day <= contract.last_day <= last:
        found = f"delivery runs from day {contract.first_day} to day {contract.last_day}"
        rule = f"days count from 0, and the horizon of {horizon.hours} h ends with day {last}"
        key = "last_day" if contract.first_day <= last else "first_day"
        return [contract.fault(key, found, rule, f"choose days between 0 and {last}, the first one first")]
    shape = _shape_fault(contract)
    if shape:
        return [shape]
    if contract.lots > 0 and not quantity_eflops(contract, horizon).any():
        found = f"the shape '{contract.shape}' has no hour in the days {contract.first_day} to {contract.last_day}"
        return [
            contract.fault("shape", found, "a contract delivers in some hour", "choose another shape or longer days")
        ]
    return []


def _shape_fault(contract: Contract) -> Fault | None:
    if contract.shape in SHAPE_HOURS:
        return None
    if contract.shape != "custom":
        known = [*SHAPE_HOURS, "custom"]
        found = f"shape '{contract.shape}' is not known"
        return contract.fault("shape", found, "a shape is one of the known ones", nearest(contract.shape, known))
    weights = np.array(contract.hours_ratio or (), dtype=float)
    if weights.shape == (24,) and np.isfinite(weights).all() and (weights >= 0).all() and weights.any():
        return None
    found = "the shape is custom, but hours_ratio does not hold its hours"
    rule = "a custom shape has 24 numbers, none negative, not all zero"
    return contract.fault("hours_ratio", found, rule, "give hours_ratio, or choose a named shape")


def _over_sold(contracts: Sequence[Contract], case: Case) -> list[Fault]:
    """One fault per cluster whose physical contracts exceed its machines in some hour, at the worst hour."""
    faults = []
    for cluster in case.clusters:
        sold = [contract for contract in contracts if contract.physical and contract.seller == cluster]
        if not sold:
            continue
        total_eflops = sum((reserved_eflops(contract, case.horizon) for contract in sold), np.zeros(case.horizon.hours))
        usable_eflops, hour = case.usable_eflops(cluster), int(np.argmax(total_eflops))
        if total_eflops[hour] > usable_eflops * (1 + 1e-9):
            names = ", ".join(f"'{contract.name}'" for contract in sold)
            found = f"{cluster} sold {total_eflops[hour]:.6g} EFLOPS in hour {hour} ({names})"
            rule = f"its machines can run {usable_eflops:.6g} EFLOPS"
            faults.append(sold[-1].fault("lots", found, rule, "sell fewer lots, or other hours or clusters"))
    return faults
