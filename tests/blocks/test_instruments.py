"""What each instrument promises in its docstring, by hand arithmetic or by a second way to the same optimum."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Literal

import numpy as np
import pytest

from optimizer.solve.compile import Program, compile_case
from optimizer.solve.engine import Session
from scenarios.case import Case, Horizon
from scenarios.instruments import Cooperation, Expansion, PeakShaving, Position, Storage, Wavelengths
from tests.cases import full_case, random_case, two_site_case

Plan = dict[str, dict[Any, float]]


def solve(program: Program) -> Plan:
    """Values of every variable of the optimal plan by its index, and of every cost item under "cost"."""
    found = Session(program).branch_and_bound(None, 1e-9, 30.0)
    assert found.status == "optimal"
    assert found.x is not None
    values = {
        n: dict(zip(program.index[n], program.values(n, found.x).tolist(), strict=True)) for n in program.variables
    }
    items = program.item_cost @ found.x + program.item_offset
    return values | {"cost": dict(zip(program.items, items.tolist(), strict=True)) | {"all": found.objective_kcny}}


def plan(case: Case) -> Plan:
    return solve(compile_case(case))


def cost(case: Case) -> float:
    return plan(case)["cost"]["all"]


def tuned(case: Case, instrument: str, **changes: Any) -> Case:
    return replace(case, **{instrument: replace(getattr(case, instrument), **changes)})


LOAD_EFLOPS, PODS = 2.0, 8
"""2 EFLOPS take eight pods of 0.27 EFLOPS."""
LOAD_MW = PODS * 0.3 + LOAD_EFLOPS * (1.0 - 0.3) / 0.27
FLAT = np.full((2, 4), 0.5)


def steady(*blocks: str, **changes: Any) -> Case:
    """Two EFLOPS of the west, hour after hour on the plateau: LOAD_MW at a perfect PUE, without a demand charge."""
    demand = np.zeros((2, 1, 4))
    demand[1] = LOAD_EFLOPS
    case = two_site_case(
        blocks=("service", "fleet", "facility", "grid", *blocks),
        services=two_site_case().services[1:],
        demand_eflops=demand,
        pue_ratio=np.ones((2, 4)),
        energy_kcny_per_mwh=FLAT,
        demand_charge_kcny_per_mw=np.zeros(2),
    )
    return replace(case, **changes)


def test_the_steady_case_costs_what_its_load_draws() -> None:
    assert cost(steady()) == pytest.approx(4 * LOAD_MW * 0.5, rel=1e-9)


# -- storage

BATTERY = Storage(np.array([2.0]), np.array([3.0]), 0.9, 0.01)


def test_a_battery_earns_the_spread_less_its_losses_and_wear() -> None:
    """Filled once in two cheap hours, emptied in two dear ones: 3 MWh held, 3 / 0.9 drawn, 3 x 0.9 given back."""
    prices = np.array([[0.1, 0.1, 0.9, 0.9]] * 2)
    case = steady("storage", energy_kcny_per_mwh=prices, storage=BATTERY)
    saved = 3 * 0.9 * (0.9 - 0.01) - 3 / 0.9 * 0.1
    assert cost(case) == pytest.approx(LOAD_MW * 2.0 - saved, rel=1e-9)


@pytest.mark.parametrize(("above", "used"), [(-0.01, False), (0.01, True)])
def test_a_battery_works_only_when_the_spread_covers_losses_and_wear(above: float, used: bool) -> None:
    """A MWh given back was 1 / 0.81 MWh drawn; between the cheap and the dear price must lie that, and wear."""
    dear = 0.4 / 0.81 + 0.01 + above
    case = steady("storage", energy_kcny_per_mwh=np.array([[0.4, dear] * 2] * 2), storage=BATTERY)
    given = sum(plan(case)["storage.discharge_mw"].values())
    assert given == pytest.approx(2 * 2.0 * 0.81 if used else 0.0, abs=1e-7), "two cycles: 2 MW drawn for an hour each"


def test_a_battery_at_flat_prices_stands_still() -> None:
    found = plan(steady("storage", storage=BATTERY))
    assert sum(found["storage.charge_mw"].values()) == pytest.approx(0.0, abs=1e-9)
    assert found["cost"]["all"] == pytest.approx(4 * LOAD_MW * 0.5, rel=1e-9)


@pytest.mark.parametrize("cyclic", [True, False])
def test_what_a_battery_holds_follows_from_what_went_in_and_out(cyclic: bool) -> None:
    case = full_case()
    case = replace(case, horizon=replace(case.horizon, cyclic=cyclic))
    assert case.storage
    found = plan(case)
    power, energy = case.storage.power_mw[0], case.storage.energy_mwh[0]
    moved = [{t: found[f"storage.{name}_mw"]["Plateau", t] for t in range(4)} for name in ("charge", "discharge")]
    held = [found["storage.stored_mwh"]["Plateau", t] for t in range(4)]
    before = held[-1] if cyclic else 0.5 * energy
    for t in range(4):
        assert held[t] == pytest.approx(before + 0.95 * moved[0][t] - moved[1][t] / 0.95, abs=1e-7)
        assert -1e-9 <= held[t] <= energy + 1e-9
        assert max(moved[0][t], moved[1][t]) <= power + 1e-9
        before = held[t]
    assert held[-1] >= (0.0 if cyclic else 0.5 * energy) - 1e-9
    assert sum(moved[1].values()) > 0


# -- service: few sites


def shares(found: Plan, region: str, site: str) -> list[float]:
    return [found["service.share_frac"][region, "chat", site, p] for p in range(2)]


def test_one_site_serves_as_well_as_the_best_single_site_would() -> None:
    """The optimum with max_sites = 1, and without it in a programme where all sites but one are shut by hand."""
    case = full_case(services=(two_site_case().services[0], replace(two_site_case().services[1], max_sites=1)))
    free = compile_case(replace(case, services=two_site_case().services))
    shut = []
    for other in case.sites:
        upper = free.upper.copy()
        doors = zip(free.index["service.share_frac"], free.variables["service.share_frac"], strict=True)
        upper[[column for (r, k, s, _), column in doors if (r, k, s) == ("East", "chat", other)]] = 0.0
        shut.append(solve(replace(free, upper=upper))["cost"]["all"])
    assert cost(case) == pytest.approx(min(shut), rel=1e-7)
    assert abs(shut[0] - shut[1]) > 1.0


@pytest.mark.parametrize(("max_sites", "least"), [(1, 0.2), (2, 0.0), (2, 0.2), (2, 0.45)])
def test_few_sites_are_open_and_each_serves_its_least_share(max_sites: int, least: float) -> None:
    control, chat = full_case().services
    case = full_case(
        services=(control, replace(chat, max_sites=max_sites, min_share_frac=least)), local_eflops={"East local": 4.0}
    )
    found = plan(case)
    serving = [site for site in case.sites if max(shares(found, "East", site)) > 1e-9]
    assert len(serving) <= max_sites
    for site in serving:
        assert found["service.open_site"]["East", "chat", site] == pytest.approx(1.0)
        assert np.mean(shares(found, "East", site)) >= least - 1e-9


# -- network: wavelengths


def narrow(limit: int, rent_kcny: float, trunk_gbps: float = 10.0) -> Case:
    """A thin trunk, and east services that overflow to the plateau."""
    return full_case(
        local_eflops={"East local": 3.0},
        link_capacity_gbps=np.array([trunk_gbps, 0.0, 0.0, 100.0]),
        wavelengths=Wavelengths(np.array([limit, 0, 0, 0]), 4.0, rent_kcny),
        expansion=None,
    )


@cache
def widened(lit: int) -> float:
    """Cost of the plan with so many wavelengths lit for nothing."""
    return cost(narrow(0, 0.0, 10.0 + 4.0 * lit))


@pytest.mark.parametrize(("rent_kcny", "most", "lit"), [(0.3, 3, 2), (50.0, 3, 1), (500.0, 3, 0), (0.3, 1, 1)])
def test_wavelengths_are_lit_whole_while_they_pay(rent_kcny: float, most: int, lit: int) -> None:
    """Against every number of wavelengths tried by hand as a wider trunk: the first saves 60 kCNY, the next 39."""
    tried = [widened(number) + rent_kcny * number for number in range(most + 1)]
    found = plan(narrow(most, rent_kcny))
    assert found["cost"]["all"] == pytest.approx(min(tried), rel=1e-7)
    assert found["network.wavelengths"]["trunk"] == pytest.approx(int(np.argmin(tried))) == pytest.approx(lit)
    assert found["cost"]["wavelengths"] == pytest.approx(rent_kcny * lit)


def test_a_wavelength_may_be_built_where_none_is_left_to_light() -> None:
    """A built one carries as much as a lit one, at its own price."""
    lit, plain = narrow(1, 0.6), narrow(0, 0.6)
    nothing = Expansion(
        np.array([[0]]), np.ones(1), np.zeros((1, 2)), np.ones(2), np.ones((1, 2, 4)), np.array([1, 0, 0, 0]), 0.6
    )
    built = replace(plain, expansion=nothing)
    assert cost(built) == pytest.approx(cost(lit), rel=1e-7)
    assert cost(built) < cost(plain) - 1.0
    assert plan(built)["cost"]["new_wavelengths"] == pytest.approx(0.6)


# -- cooperation

PAIR = ("East", "West hub")
TAX_KCNY_PER_EFLOPSH = 3.0 * 0.04 * 0.5
"""Fee x local tax in it x the origin's half."""
POOR_HOST = tuned(
    full_case(),
    "cooperation",
    cost_kcny_per_eflopsh={"Plateau": 2.8},
    compensation_kcny_per_eflopsh=0.05,
    administration_frac=0.5,
)


@pytest.mark.parametrize("base", [full_case(), POOR_HOST], ids=["rich host", "poor host"])
@pytest.mark.parametrize("cap", [0.0, 0.1, 0.2634, 0.8, 10.0])
def test_returned_tax_is_the_origins_part_up_to_the_cap(base: Case, cap: float) -> None:
    found = plan(tuned(base, "cooperation", tax_cap_kcny=cap))
    part = TAX_KCNY_PER_EFLOPSH * found["cooperation.outsourced_eflopsh"][PAIR]
    assert part > 0.2
    assert found["cooperation.tax_kcny"][PAIR] == pytest.approx(min(part, cap), abs=1e-6)


@pytest.mark.parametrize("base", [full_case(), POOR_HOST], ids=["rich host", "poor host"])
def test_transfers_meet_the_policy_and_the_fund_and_leave_the_hub_no_loss(base: Case) -> None:
    terms = base.cooperation
    assert terms
    found = plan(base)
    work, paid = found["cooperation.outsourced_eflopsh"][PAIR], found["cooperation.transfer_kcny"][PAIR]
    hosted = found["hosting.hosted_eflopsh"]["East", "Plateau", 0]
    assert work == pytest.approx(hosted)
    kept = 3.0 - terms.cost_kcny_per_eflopsh["Plateau"] - 0.25
    needed = TAX_KCNY_PER_EFLOPSH * work - kept * work
    assert paid == pytest.approx(max(terms.compensation_kcny_per_eflopsh * work, needed), abs=1e-6)
    assert paid <= terms.fund_kcny["East"]
    assert found["cost"]["administration"] == pytest.approx(terms.administration_frac * paid)


def test_fees_and_taxes_between_regions_are_no_national_cost() -> None:
    """A fee of 3 or of 30, as long as the hub keeps as much of it, and any tax that does not touch that bound."""
    dear = tuned(full_case(), "cooperation", fee_kcny_per_eflopsh=30.0, cost_kcny_per_eflopsh={"Plateau": 29.5})
    assert cost(dear) == pytest.approx(cost(full_case()), rel=1e-7)
    assert cost(tuned(full_case(), "cooperation", local_tax_frac=0.1)) == pytest.approx(cost(full_case()), rel=1e-7)


def test_without_an_agreement_nothing_is_outsourced() -> None:
    found = plan(tuned(full_case(), "cooperation", partners_max=0))
    assert found["cooperation.outsourced_eflopsh"][PAIR] == pytest.approx(0.0, abs=1e-9)
    assert found["hosting.hosted_eflopsh"]["East", "Plateau", 0] == pytest.approx(0.0, abs=1e-9)
    assert found["cost"]["agreements"] == 0.0


@cache
def alone_and_together() -> tuple[float, float]:
    """Costs without any agreement, and with one for nothing."""
    together = cost(tuned(full_case(), "cooperation", agreement_kcny=0.0))
    return cost(tuned(full_case(), "cooperation", partners_max=0)), together


@pytest.mark.parametrize("agreement_kcny", [0.0, 5.0, 60.0, 80.0, 200.0])
def test_an_agreement_is_held_only_while_it_pays(agreement_kcny: float) -> None:
    """Against the two plans it lies between: none at all, and one that costs nothing."""
    alone, together = alone_and_together()
    assert 60.0 < alone - together < 80.0
    found = plan(tuned(full_case(), "cooperation", agreement_kcny=agreement_kcny))
    assert found["cost"]["all"] == pytest.approx(min(alone, together + agreement_kcny), rel=1e-7)
    assert found["cooperation.agreement"][PAIR] == pytest.approx(float(agreement_kcny < 70.0))


def test_a_small_fund_bounds_what_is_outsourced_and_a_larger_one_is_never_worse() -> None:
    """At 0.2 kCNY per EFLOPS·h, of 3.5 EFLOPS·h that are worth sending."""
    funds = (0.0, 0.3, 0.6, 6.0)
    plans = [plan(tuned(full_case(), "cooperation", fund_kcny={"East": fund})) for fund in funds]
    work = [found["cooperation.outsourced_eflopsh"][PAIR] for found in plans]
    for fund, sent in zip(funds, work, strict=True):
        assert sent <= fund / 0.2 + 1e-7
    costs = [found["cost"]["all"] for found in plans]
    assert costs == sorted(costs, reverse=True)
    assert costs[2] > costs[3] + 1e-3
    assert work[-1] > work[-2]


def two_hubs(partners_max: int, agreement_kcny: float = 0.0) -> Case:
    """South may work with two hubs in the north; little money is asked for."""
    case = random_case(WIDE)
    terms = Cooperation(
        compensation_kcny_per_eflopsh=0.0,
        fee_kcny_per_eflopsh=3.0,
        cost_kcny_per_eflopsh=dict.fromkeys(case.clusters, 1.0),
        margin_kcny_per_eflopsh=0.0,
        agreement_kcny=agreement_kcny,
        minimum_eflopsh=0.0,
        partners_max=partners_max,
        fund_kcny=dict.fromkeys(case.regions, 9.0),
        administration_frac=0.0,
        local_tax_frac=0.0,
        origin_tax_frac=0.0,
        tax_cap_kcny=0.0,
    )
    return replace(case, site_hub={"A": "hub A", "B": "hub B"}, cooperation=terms, local_eflops={"South local": 0.1})


WIDE = next(seed for seed in range(99) if len(random_case(seed).clusters) == 2)


def test_a_region_holds_few_agreements_and_fewer_when_they_are_dear() -> None:
    held, costs = {}, {}
    for most, price in ((0, 0.0), (1, 0.0), (2, 0.0), (2, 0.5), (2, 1e3)):
        found = plan(two_hubs(most, price))
        held[most, price] = round(sum(found["cooperation.agreement"].values()))
        costs[most, price] = found["cost"]["all"]
        for pair, work in found["cooperation.outsourced_eflopsh"].items():
            assert work <= 1e-9 or found["cooperation.agreement"][pair] > 0.5
        assert held[most, price] <= most
    assert costs[0, 0.0] > costs[1, 0.0] > costs[2, 0.0]
    assert held[2, 0.0] == 2
    assert held[2, 0.0] >= held[2, 0.5] >= held[2, 1e3] == 0
    assert costs[2, 1e3] == pytest.approx(costs[0, 0.0], rel=1e-7)


# -- delivery


def two_days(kind: Literal["fixed", "take-or-pay", "call"], **changes: Any) -> Case:
    """The east asks for 3 EFLOPS·h of batch work on the first day and for none on the second; 2.4 a day are sold."""
    position = Position("sold", "Plateau", "East", kind, np.full(48, 0.1), 2.0, **changes)
    return two_site_case(
        horizon=Horizon(datetime(2025, 7, 14), 48, 2),
        blocks=("batch", "hosting", "delivery", "fleet", "facility", "grid"),
        arrived_by_frac=np.tile(np.arange(1, 25) / 24, 2)[None, :],
        arrivals_eflopsh=np.array([[[3.0, 0.0]], [[0.0, 0.0]]]),
        pue_ratio=np.full((2, 48), 1.2),
        energy_kcny_per_mwh=np.full((2, 48), 0.5),
        positions=(position,),
    )


def test_a_fixed_position_is_owed_every_day_or_paid() -> None:
    """What is done beyond the first day's 2.4 EFLOPS·h does not count for the second, on which 2.4 are paid for."""
    found = plan(two_days("fixed"))
    assert found["delivery.delivered_eflopsh"]["sold", 0] == pytest.approx(2.4)
    assert found["delivery.undelivered_eflopsh"]["sold", 1] == pytest.approx(2.4)
    assert found["cost"]["non_delivery"] == pytest.approx(2.0 * 2.4)


def test_a_band_leaves_the_day_free_and_asks_for_its_least_take() -> None:
    """A first day of up to 1.2 x 2.4 EFLOPS·h counts towards 0.8 x 4.8 of both."""
    found = plan(two_days("take-or-pay", low_frac=0.0, high_frac=1.2, take_frac=0.8))
    assert found["delivery.delivered_eflopsh"]["sold", 0] == pytest.approx(1.2 * 2.4)
    assert found["cost"]["non_delivery"] == pytest.approx(2.0 * (0.8 * 4.8 - 1.2 * 2.4))


def test_work_counts_under_one_position_only() -> None:
    """Two positions of 2.4 EFLOPS·h a day on 3 EFLOPS·h of work: 1.8 are missing on the first day, 4.8 on the next."""
    case = two_days("fixed")
    twin = replace(case, positions=(*case.positions, replace(case.positions[0], name="again")))
    assert plan(twin)["cost"]["non_delivery"] == pytest.approx(2.0 * (2 * 2.4 - 3.0 + 2 * 2.4))


def test_a_band_is_not_paid_for_twice() -> None:
    """Nothing is delivered: 0.5 of 4.8 EFLOPS·h are paid for by the day, and the rest of 0.8 at the end."""
    case = two_days("take-or-pay", low_frac=0.5, take_frac=0.8)
    found = plan(replace(case, arrivals_eflopsh=np.zeros((2, 1, 2))))
    assert found["cost"]["non_delivery"] == pytest.approx(2.0 * 0.8 * 4.8)


def called(**eflops: float) -> Case:
    """Calls by region on the plateau, whose 25 pods carry 27 EFLOPS·h in four hours; the east has little of its own."""
    positions = tuple(
        Position(region, "Plateau", region, "call", np.full(4, quantity), 0.0) for region, quantity in eflops.items()
    )
    return full_case(
        blocks=tuple(block for block in full_case().blocks if block not in ("coverage", "cooperation")),
        local_eflops={"East local": 2.0},
        pods_vacant=np.array([[0]]),
        expansion=None,
        positions=positions,
    )


@pytest.mark.parametrize("eflops", [1.0, 4.5, 6.0])
def test_a_call_holds_its_capacity_back_from_others(eflops: float) -> None:
    """Written for the west, it leaves the east what is left of 27 EFLOPS·h; the east would use 14.1 of them."""
    found = plan(called(West=eflops))
    hosted = found["hosting.hosted_eflopsh"]["East", "Plateau", 0]
    assert hosted <= 27.0 - 4 * eflops + 1e-7
    if eflops == 1.0:
        assert hosted > 13.0
        assert found["cost"]["all"] == pytest.approx(cost(called()), rel=1e-7)
    else:
        assert hosted == pytest.approx(27.0 - 4 * eflops)
        assert found["cost"]["all"] > cost(called()) + 1.0


def test_a_holder_may_use_its_own_call_and_no_ones_else() -> None:
    """The east's large call keeps nothing from it; a small one gives it nothing of what is held for the west."""
    assert cost(called(East=4.5)) == pytest.approx(cost(called()), rel=1e-7)
    small = plan(called(East=0.25, West=4.5))
    assert small["hosting.hosted_eflopsh"]["East", "Plateau", 0] == pytest.approx(27.0 - 18.0)
    assert small["cost"]["all"] == pytest.approx(cost(called(West=4.5)), rel=1e-7)


# -- expansion


def building(**changes: Any) -> Expansion:
    nothing = Expansion(
        pods_max=np.array([[0]]),
        pod_kcny=np.array([5.0]),
        direct_max_mw=np.zeros((1, 2)),
        direct_kcny_per_mw=np.ones(2),
        capacity_frac=np.array([[[0.5, 0.2, 0.3, 0.6], [0.0, 0.4, 0.5, 0.2]]]),
        wavelengths_max=np.zeros(4, dtype=np.int64),
        wavelength_kcny=1.0,
    )
    return replace(nothing, **changes)


@pytest.mark.parametrize(("pod_kcny", "built"), [(5.0, 8), (13.0, 7), (31.0, 0)])
def test_pods_are_built_while_the_next_one_pays_and_carry_load(pod_kcny: float, built: int) -> None:
    """No pod stands there. A full new one saves 1.08 EFLOPS·h of lost service (30.4 kCNY), the eighth 0.44 (12.0)."""
    case = steady("expansion", pods_installed=np.array([[0]]), pods_vacant=np.array([[0]]))
    found = plan(replace(case, expansion=building(pods_max=np.array([[20]]), pod_kcny=np.array([pod_kcny]))))
    carried = min(LOAD_EFLOPS, 0.27 * built)
    by_hand = pod_kcny * built + 4 * (0.5 * (0.3 * built + carried * 0.7 / 0.27) + 30.0 * (LOAD_EFLOPS - carried))
    assert found["expansion.pods"]["Plateau", "a"] == pytest.approx(built)
    assert [found["fleet.pods_on"]["Plateau", "a", t] for t in range(4)] == pytest.approx([built] * 4)
    assert found["cost"]["all"] == pytest.approx(by_hand, rel=1e-7)


@pytest.mark.parametrize(("kcny_per_mw", "built_mw"), [(0.7, 5.0), (0.9, 0.0)])
def test_plants_are_built_only_when_their_energy_is_worth_more(kcny_per_mw: float, built_mw: float) -> None:
    """A MW of wind gives 1.6 MWh, worth 0.8 kCNY at 0.5 kCNY/MWh; the sun is too dear."""
    plants = building(direct_max_mw=np.array([[5.0, 5.0]]), direct_kcny_per_mw=np.array([kcny_per_mw, 9.0]))
    found = plan(steady("expansion", expansion=plants))
    assert found["expansion.plant_mw"]["Plateau", "wind"] == pytest.approx(built_mw, abs=1e-7)
    assert found["expansion.plant_mw"]["Plateau", "sun"] == pytest.approx(0.0, abs=1e-7)
    assert found["cost"]["all"] == pytest.approx(2.0 * LOAD_MW + built_mw * (kcny_per_mw - 0.8), rel=1e-7)


# -- peak shaving


def test_a_fully_enrolled_cluster_is_paid_for_every_mwh_below_its_baseline() -> None:
    """With the connection as baseline nothing speaks against enrolment: income is price x (40 - load) in two hours."""
    called = PeakShaving((1, 2), np.array([40.0]), 0.4)
    found = plan(steady("peak_shaving", peak_shaving=called))
    income = 0.4 * 2 * (40.0 - LOAD_MW)
    assert found["cost"]["peak_shaving_income"] == pytest.approx(-income, rel=1e-7)
    assert found["cost"]["all"] == pytest.approx(2.0 * LOAD_MW - income, rel=1e-7)


def test_a_battery_shaves_what_it_holds() -> None:
    """Prices are flat; 3 x 0.9 MWh come back in the called hours and earn 0.4 each, for 3 / 0.9 MWh bought before."""
    called = PeakShaving((2, 3), np.array([40.0]), 0.4)
    alone = steady("peak_shaving", peak_shaving=called)
    with_battery = replace(alone, blocks=(*alone.blocks, "storage"), storage=BATTERY)
    gain = 3 * 0.9 * (0.5 + 0.4 - 0.01) - 3 / 0.9 * 0.5
    assert cost(with_battery) == pytest.approx(cost(alone) - gain, rel=1e-7)


def test_only_enrolled_halls_are_paid_and_only_in_called_hours() -> None:
    found = plan(full_case())
    enrolled = found["peak_shaving.enrolled_frac"]["Plateau"]
    shaved = found["peak_shaving.shaved_mw"]
    assert set(shaved) == {("Plateau", 1), ("Plateau", 2)}
    assert max(shaved.values()) <= 12.0 * enrolled + 1e-7
    for (cluster, t), paid in shaved.items():
        drawn = found["grid.import_mw"][cluster, t]
        assert drawn + paid <= 12.0 + (40.0 - 12.0) * (1 - enrolled) + 1e-7
    assert found["cost"]["peak_shaving_income"] == pytest.approx(-0.4 * sum(shaved.values()))
    assert found["cost"]["peak_shaving_income"] < -1.0


# -- credit and green


@pytest.mark.parametrize("rate", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("direct", [True, False])
def test_conveyed_claims_leave_the_cluster_and_no_mwh_is_claimed_twice(rate: float, direct: bool) -> None:
    case = full_case(credit_mwh_per_eflopsh=rate)
    case = case if direct else replace(case, expansion=None, direct_mw=np.zeros((1, 2, 4)))
    found = plan(case)
    imported = sum(found["grid.import_mw"]["Plateau", t] for t in range(4))
    supplied = sum(found["renewable.direct_mw"].values()) + sum(found.get("expansion.supply_mw", {}).values())
    conveyed = sum(found["credit.conveyed_mwh"].values())
    own = supplied + found["green.certificate_mwh"]["Plateau"] - conveyed
    assert conveyed == pytest.approx(rate * found["hosting.hosted_eflopsh"]["East", "Plateau", 0], rel=1e-7)
    assert conveyed > 0.5
    assert own >= -1e-7, "no more is conveyed than is held"
    assert own + conveyed <= imported + supplied + 1e-7, "no more is claimed than is drawn"
    short = found["green.shortfall_mwh"]["Plateau"]
    assert own + short >= 0.8 * (imported + supplied - conveyed) - 1e-6


def test_what_is_conveyed_is_bought_once_more() -> None:
    """Steady work of the east on the plateau, no direct supply: 0.8 of what is left, and all that travels."""
    demand = np.zeros((2, 1, 4))
    demand[0] = LOAD_EFLOPS
    case = replace(
        steady("hosting", "green", "credit", demand_eflops=demand, local_eflops={"East local": 0.0}),
        credit_mwh_per_eflopsh=1.5,
    )
    conveyed, drawn = 1.5 * 4 * LOAD_EFLOPS, 4 * LOAD_MW
    found = plan(case)
    assert found["green.certificate_mwh"]["Plateau"] == pytest.approx(conveyed + 0.8 * (drawn - conveyed))
    assert found["cost"]["all"] == pytest.approx(0.5 * drawn + 0.006 * (conveyed + 0.8 * (drawn - conveyed)))


# -- capital


def test_counted_capital_adds_the_annuity_of_every_pod_in_use() -> None:
    """Eight of 25 pods are used, at 5 kCNY each; what counts is the busiest hour."""
    counted = steady(capital_counted=("Plateau",))
    assert cost(counted) == pytest.approx(cost(steady()) + 5.0 * PODS, rel=1e-9)
    busy = steady().demand_eflops * np.array([1.0, 1.35, 1.0, 0.5])
    found = plan(replace(counted, demand_eflops=busy))
    assert found["cost"]["capital"] == pytest.approx(5.0 * 10), "2.7 EFLOPS take ten"


def test_capital_that_is_counted_leaves_others_sunk() -> None:
    """Lit vacancy pays the same annuity, and never twice."""
    few = steady(pods_installed=np.array([[6]]), pods_vacant=np.array([[4]]))
    assert cost(few) == pytest.approx(cost(steady()) + 5.0 * 2, rel=1e-9)
    assert cost(replace(few, capital_counted=("Plateau",))) == pytest.approx(cost(steady()) + 5.0 * 8, rel=1e-9)
