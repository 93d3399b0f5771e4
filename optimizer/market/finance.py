"""Project finance of a cluster: yearly cash flow, payback, net present value, rate of return, debt-service cover.

Year 0 is the outlay, years 1 to `years` are operation of 8 760 h. All money is kCNY of constant prices, net of
value-added tax; cash falls at the end of a year. Machines are replaced at the end of their life at their first cost.
What is left at the end is sold at a share of its book value. Losses are carried forward, the oldest first.

Sources: Enterprise Income Tax Law of the PRC (2007, amended 2018), articles 4 (rate 25 %) and 18 (losses carried for
five years), and its Implementation Regulations, articles 59 and 60 (straight line; at least three years for electronic
equipment, twenty for buildings). The measures are those of Brealey, Myers & Allen, "Principles of Corporate Finance".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
from scipy.optimize import brentq

from hubs.errors import Fault, InputError
from scenarios.case import Floats

HOURS_PER_YEAR = 8760


def _assumption(source: str, least: float = 0.0, most: float = np.inf) -> dict[str, object]:
    return {"source": source, "least": least, "most": most}


@dataclass(frozen=True)
class Project:
    """Assumptions of a project; `assumptions` lists each with its source."""

    capacity_eflops: float = field(metadata=_assumption("the facts or the plan: usable capacity of the cluster"))
    machines_kcny: float = field(metadata=_assumption("the facts: pods and network, first cost"))
    building_kcny: float = field(metadata=_assumption("the facts: land, shell, power and cooling, first cost"))
    utilisation_frac: float = field(metadata=_assumption("the plan: work done over capacity x hours", most=1.0))
    price_kcny_per_eflopsh: float = field(metadata=_assumption("the facts or a contract, net of value-added tax"))
    energy_kcny_per_eflopsh: float = field(metadata=_assumption("the plan: energy that grows with the work"))
    standing_kcny_per_year: float = field(metadata=_assumption("the plan: idle energy, demand charge, staff, upkeep"))
    transfer_kcny_per_year: float = field(
        metadata=_assumption("a sharing rule: received (paid if negative), taken as taxable", least=-np.inf)
    )
    years: int = field(default=10, metadata=_assumption("design choice: two machine lives", least=1))
    machine_life_years: int = field(default=5, metadata=_assumption("design choice; law: at least 3", least=3))
    building_life_years: int = field(default=20, metadata=_assumption("Implementation Regulations, art. 60", least=20))
    sale_of_book_frac: float = field(default=1.0, metadata=_assumption("design choice: sold at book value", most=1.0))
    income_tax_frac: float = field(default=0.25, metadata=_assumption("Enterprise Income Tax Law, art. 4", most=1.0))
    loss_carried_years: int = field(default=5, metadata=_assumption("Enterprise Income Tax Law, art. 18"))
    discount_frac: float = field(default=0.08, metadata=_assumption("design choice, real and after tax", least=-0.99))
    debt_frac: float = field(default=0.6, metadata=_assumption("design choice: share of the first outlay", most=1.0))
    interest_frac: float = field(default=0.04, metadata=_assumption("design choice: bank loan, per year"))
    debt_years: int = field(default=8, metadata=_assumption("design choice: equal yearly payments", least=1))

    @property
    def outlay_kcny(self) -> float:
        return self.machines_kcny + self.building_kcny


@dataclass(frozen=True)
class CashFlow:
    """Years 0 to `years`, each (y + 1,); outflows are positive under their own names."""

    income_kcny: Floats
    energy_kcny: Floats
    standing_kcny: Floats
    transfer_kcny: Floats
    depreciation_kcny: Floats
    """With the book loss of the final sale."""
    investment_kcny: Floats
    sale_kcny: Floats
    interest_kcny: Floats
    principal_kcny: Floats
    tax_kcny: Floats
    """Without debt."""
    tax_with_debt_kcny: Floats

    @property
    def earnings_kcny(self) -> Floats:
        """Before interest, tax and depreciation."""
        return np.asarray(self.income_kcny - self.energy_kcny - self.standing_kcny + self.transfer_kcny)

    @property
    def project_kcny(self) -> Floats:
        """Free cash flow as if all were paid by owners."""
        return np.asarray(self.earnings_kcny - self.tax_kcny - self.investment_kcny + self.sale_kcny)

    @property
    def owners_kcny(self) -> Floats:
        """Cash flow of the owners after the loan is drawn and served."""
        service = self.interest_kcny + self.principal_kcny
        return np.asarray(
            self.earnings_kcny - self.tax_with_debt_kcny - self.investment_kcny + self.sale_kcny - service
        )


@dataclass(frozen=True)
class Appraisal:
    """Measures of a project; None where a measure does not exist (never paid back, no single rate of return)."""

    cash_flow: CashFlow
    npv_kcny: float
    irr_frac: float | None
    owners_npv_kcny: float
    owners_irr_frac: float | None
    payback_years: float | None
    discounted_payback_years: float | None
    debt_cover_ratio: Floats
    """(debt years,) earnings less tax over debt service; empty without debt. Owners pay for replaced machines."""


@dataclass(frozen=True)
class Sensitivity:
    """Measures over utilisations (u,) and prices (p,), each (u, p); NaN where a measure does not exist."""

    utilisation_frac: Floats
    price_kcny_per_eflopsh: Floats
    npv_kcny: Floats
    irr_frac: Floats
    least_debt_cover_ratio: Floats


def assumptions(project: Project) -> tuple[tuple[str, float, str], ...]:
    """Each assumption: name, value, source."""
    return tuple((item.name, getattr(project, item.name), str(item.metadata["source"])) for item in fields(project))


def appraise(project: Project) -> Appraisal:
    """All measures of a project. InputError naming every assumption out of its bounds."""
    _check(project)
    flow = cash_flow(project)
    cash, owners, rate = flow.project_kcny, flow.owners_kcny, project.discount_frac
    service = (flow.interest_kcny + flow.principal_kcny)[1 : project.debt_years + 1]
    before = (flow.earnings_kcny - flow.tax_with_debt_kcny)[1 : project.debt_years + 1]
    cover = before / service if project.debt_frac and project.outlay_kcny else np.zeros(0)
    return Appraisal(
        cash_flow=flow,
        npv_kcny=npv_kcny(cash, rate),
        irr_frac=irr_frac(cash),
        owners_npv_kcny=npv_kcny(owners, rate),
        owners_irr_frac=irr_frac(owners),
        payback_years=payback_years(cash),
        discounted_payback_years=payback_years(cash / (1 + rate) ** np.arange(cash.size)),
        debt_cover_ratio=cover,
    )


def sensitivity(
    project: Project, utilisation_frac: Sequence[float], price_kcny_per_eflopsh: Sequence[float]
) -> Sensitivity:
    """Measures on a grid of utilisations and prices, all else as in the project."""
    shape = (len(utilisation_frac), len(price_kcny_per_eflopsh))
    npv, irr, cover = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for u, utilisation in enumerate(utilisation_frac):
        for p, price in enumerate(price_kcny_per_eflopsh):
            result = appraise(replace(project, utilisation_frac=utilisation, price_kcny_per_eflopsh=price))
            npv[u, p] = result.npv_kcny
            irr[u, p] = np.nan if result.irr_frac is None else result.irr_frac
            cover[u, p] = result.debt_cover_ratio.min() if result.debt_cover_ratio.size else np.nan
    return Sensitivity(np.array(utilisation_frac), np.array(price_kcny_per_eflopsh), npv, irr, cover)


def cash_flow(project: Project) -> CashFlow:
    """Yearly accounts of a project."""
    running = np.concatenate([[0.0], np.ones(project.years)])
    work_eflopsh = project.capacity_eflops * project.utilisation_frac * HOURS_PER_YEAR * running
    investment, depreciation, book_kcny = _capital(project)
    sale = np.zeros(project.years + 1)
    sale[-1] = project.sale_of_book_frac * book_kcny
    depreciation[-1] += book_kcny - sale[-1]
    drawn, interest, principal = _loan(project)
    income, energy = project.price_kcny_per_eflopsh * work_eflopsh, project.energy_kcny_per_eflopsh * work_eflopsh
    standing, transfer = project.standing_kcny_per_year * running, project.transfer_kcny_per_year * running
    profit = income - energy - standing + transfer - depreciation
    principal[0] -= drawn
    return CashFlow(
        income,
        energy,
        standing,
        transfer,
        depreciation,
        investment,
        sale,
        interest,
        principal,
        income_tax_kcny(profit, project.income_tax_frac, project.loss_carried_years),
        income_tax_kcny(profit - interest, project.income_tax_frac, project.loss_carried_years),
    )


def income_tax_kcny(profit_kcny: Floats, tax_frac: float, carried_years: int) -> Floats:
    """(y,) tax on profits (y,) after losses of the last `carried_years` years, the oldest used first."""
    tax = np.zeros(len(profit_kcny))
    losses: list[tuple[int, float]] = []
    for year, profit in enumerate(profit_kcny):
        losses = [(made, left) for made, left in losses if year - made <= carried_years]
        rest = float(profit)
        if rest < 0:
            losses.append((year, -rest))
            continue
        kept = []
        for made, left in losses:
            used = min(left, rest)
            rest -= used
            kept.append((made, left - used))
        losses = [(made, left) for made, left in kept if left > 0]
        tax[year] = tax_frac * rest
    return tax


def npv_kcny(cash_kcny: Floats, discount_frac: float) -> float:
    """Present value in year 0 of cash at the end of years 0, 1, 2 ..."""
    return float(np.sum(cash_kcny / (1 + discount_frac) ** np.arange(len(cash_kcny))))


def irr_frac(cash_kcny: Floats) -> float | None:
    """The rate of zero present value, or None if the cash changes sign not once but never or several times.

    With one change of sign there is exactly one rate above -100 % (Descartes); with several there may be more than one,
    and none of them ranks projects.
    """
    cash = np.asarray(cash_kcny, dtype=float)
    signs = np.sign(cash[cash != 0])
    if np.count_nonzero(np.diff(signs)) != 1:
        return None
    low, high = -0.5, 1.0
    while npv_kcny(cash, low) * signs[-1] < 0 and low > -1 + 1e-9:
        low = (low - 1) / 2
    while npv_kcny(cash, high) * signs[-1] > 0 and high < 1e9:
        high *= 2
    if npv_kcny(cash, low) * npv_kcny(cash, high) > 0:
        return None
    return float(brentq(lambda rate: npv_kcny(cash, rate), low, high, xtol=1e-14))


def payback_years(cash_kcny: Floats) -> float | None:
    """Years until the sum of cash turns and stays non-negative, straight within a year; None if it never does."""
    total = np.cumsum(cash_kcny)
    below = np.flatnonzero(total < 0)
    if not below.size:
        return 0.0
    last = int(below[-1])
    if last == total.size - 1:
        return None
    return float(last + -total[last] / (total[last + 1] - total[last]))


def _capital(project: Project) -> tuple[Floats, Floats, float]:
    """Investment and depreciation (y + 1,) and the book value left at the end."""
    years = project.years
    investment, depreciation = np.zeros(years + 1), np.zeros(years + 1)
    bought = [(0, project.building_kcny, project.building_life_years)]
    bought += [
        (year, project.machines_kcny, project.machine_life_years)
        for year in range(0, years, project.machine_life_years)
    ]
    book_kcny = 0.0
    for year, cost_kcny, life_years in bought:
        investment[year] += cost_kcny
        used = min(life_years, years - year)
        depreciation[year + 1 : year + 1 + used] += cost_kcny / life_years
        book_kcny += cost_kcny * (1 - used / life_years)
    return investment, depreciation, book_kcny


def _loan(project: Project) -> tuple[float, Floats, Floats]:
    """Loan drawn in year 0, its interest and principal (y + 1,), in equal yearly payments."""
    years, rate = project.debt_years, project.interest_frac
    drawn = project.debt_frac * project.outlay_kcny
    payment = drawn * (rate / (1 - (1 + rate) ** -years) if rate else 1 / years)
    interest, principal = np.zeros(project.years + 1), np.zeros(project.years + 1)
    owed = drawn
    for year in range(1, years + 1):
        interest[year] = rate * owed
        principal[year] = payment - interest[year]
        owed -= principal[year]
    return drawn, interest, principal


def _check(project: Project) -> None:
    faults = []
    for item in fields(project):
        value, least, most = getattr(project, item.name), item.metadata["least"], item.metadata["most"]
        if not np.isfinite(value) or not least <= value <= most:
            found, rule = f"{item.name} is {value}", f"it lies between {least} and {most}"
            faults.append(Fault("Project", None, item.name, found, rule, f"correct {item.name}"))
    if project.debt_years > project.years:
        found, rule = f"debt_years is {project.debt_years}", f"the loan is served within the {project.years} years"
        faults.append(Fault("Project", None, "debt_years", found, rule, "shorten the loan"))
    if faults:
        raise InputError(faults)
