"""Planted conflicts: what is named, by how much it has to give, and that nothing named could be left out.

Every claim is checked without the code that made it: scipy's own HiGHS is asked about programmes put together
here from the arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from optimizer.solve import conflict
from optimizer.solve.compile import Program, compile_case, label
from optimizer.solve.diagnose import Diagnosis, Relief, Rule, binding, doubts, enough, explain
from optimizer.solve.engine import Session, SolverError
from optimizer.solve.rules import Rulebook
from optimizer.solve.worth import COLUMNS
from scenarios.case import Case, Job
from tests.cases import random_case, two_site_case

LIMIT_S = 20.0
SERVED = ("service", "hosting", "fleet", "facility", "grid", "network", "coverage")
WORKED = ("service", "batch", "jobs", "hosting", "fleet", "facility", "grid", "network", "coverage")
PRICED = (*WORKED[:-2], "renewable", "green", "carbon", *WORKED[-2:])
FLOOR = "each region is served at least the floor share of each class"


def small(blocks: tuple[str, ...] = SERVED, **changes: Any) -> Case:
    return two_site_case(blocks=blocks, **changes)


def limited(program: Program, **limits: tuple[str, float]) -> Program:
    """The program with some bounds changed: `lower=("jobs.start[a]", 1)`; a name stands for all that begin with it."""
    arrays = {}
    for side, (name, value) in limits.items():
        arrays[side] = getattr(program, side).copy()
        arrays[side][[k for k, column in enumerate(program.column_names) if column.startswith(name)]] = value
    return replace(program, **arrays)


def no_connection() -> Program:
    return compile_case(small(connection_mw=np.array([40.0, 0.0])))


def few_machines() -> Program:
    return compile_case(small(local_eflops={"East local": 1.0}))


def dark_link() -> Program:
    return compile_case(small(link_capacity_gbps=np.array([30.0, 20.0, 20.0, 0.5])))


def full_reserve() -> Program:
    return compile_case(small(home_reserve_frac={"Plateau": 1.0}, local_eflops={"East local": 2.0}))


def no_way_for_data() -> Program:
    return compile_case(small(WORKED, jobs=(), link_capacity_gbps=np.array([30.0, 20.0, 20.0, 0.0]), services=_loose()))


def no_power_for_running_jobs() -> Program:
    return compile_case(small(WORKED, jobs=(), services=_loose(), connection_mw=np.array([0.1, 30.0])))


def idle_pod() -> Program:
    """One pod may be half on in the relaxation; as a whole one it draws more than the connection gives."""
    case = small(connection_mw=np.array([0.3, 30.0]))
    pod = replace(case.generations[0], idle_mw=0.5, peak_mw=0.5)
    return compile_case(replace(case, generations=(pod,), demand_eflops=0.1 * case.demand_eflops))


def part_of_a_pod() -> Program:
    """The rack takes six tenths of a pod, which is none."""
    case = small()
    program = compile_case(replace(case, demand_eflops=0.1 * case.demand_eflops))
    return limited(program, upper=("fleet.pods_on", 0.6))


def _jobs(*jobs: Job, pods: int) -> Program:
    """Jobs that may not be dropped, on a few pods of 0.27 EFLOPS."""
    case = small(WORKED, jobs=jobs, services=_loose(), pods_installed=np.array([[pods]]))
    nothing = {"running_eflops": 0 * case.running_eflops, "arrivals_eflopsh": 0 * case.arrivals_eflopsh}
    program = compile_case(replace(case, pods_vacant=np.array([[0]]), home_reserve_frac={"Plateau": 0.0}, **nothing))
    return limited(program, upper=("jobs.dropped_frac", 0.0))


def large_job() -> Program:
    """Half of it now and half of it later would fit."""
    return _jobs(Job("train", "East", 2, 0.5, 2, -6, 4, 0.1, 40.0), pods=1)


def three_jobs() -> Program:
    """Two fit one after the other, the third only in halves beside them."""
    return _jobs(*(Job(f"train {n}", "East", 2, 0.5, 2, -6, 4, 0.1, 40.0) for n in "abc"), pods=3)


def half_a_step() -> Program:
    """The second segment is to be begun and the first is not to be full."""
    program = compile_case(small((*SERVED, "innovation")))
    begun = limited(program, lower=("innovation.segment_eflops[West,1]", 0.5))
    return limited(begun, upper=("innovation.segment_eflops[West,0]", 0.9))


def _loose() -> Any:
    return tuple(replace(k, served_floor_frac=0.0) for k in two_site_case().services)


@dataclass(frozen=True)
class Planted:
    build: Callable[[], Program]
    linear: bool
    sentences: tuple[str, ...]


PLANTED = (
    Planted(
        no_connection,
        True,
        (
            f"{FLOOR} – for East, control, day 0 – would have to give way by 4.05 EFLOPS·h.",
            "largest import of the horizon: at most 0 MW – for East local – would have to give way by 6.397 MW.",
            "no import exceeds the peak that is paid for, nor so the connection – for East local, hour 2 – cannot help "
            "alone.",
        ),
    ),
    Planted(
        few_machines,
        True,
        (
            f"{FLOOR} – for East, control, day 0 – would have to give way by 0.7834 EFLOPS·h.",
            "load on a local site's machines: at most 1 EFLOPS – for East local, hour 1 – would have to give way by "
            "0.47 EFLOPS.",
        ),
    ),
    Planted(
        dark_link,
        True,
        (
            f"{FLOOR} – for West, chat, day 0 – would have to give way by 0.7536 EFLOPS·h.",
            "a link carries at most its lit capacity – for home, period 1 – would have to give way by 2.355 Gbit/s.",
        ),
    ),
    Planted(
        full_reserve,
        True,
        (
            f"{FLOOR} – for East, chat, day 0 – would have to give way by 2.899 EFLOPS·h.",
            "work from other provinces leaves a cluster's home reserve free – for Plateau, day 0 – would have to give "
            "way by 2.899 EFLOPS·h.",
        ),
    ),
    Planted(
        no_way_for_data,
        True,
        (
            "all arrivals of a day are sent somewhere: at least 1 EFLOPS·h – for West, render, day 0 – would have to "
            "give way by 1 EFLOPS·h.",
            "They meet through: movable traffic is carried on some route.",
        ),
    ),
    Planted(
        no_power_for_running_jobs,
        True,
        (
            "largest import of the horizon: at most 0.1 MW – for Plateau – would have to give way by 1.555 MW.",
            "load carried by machines equals work sent to the site and hour: at least 0.3 EFLOPS – for Plateau, hour 0 "
            "– cannot help alone.",
        ),
    ),
    Planted(
        idle_pod,
        False,
        (
            "largest import of the horizon: at most 0.3 MW – for Plateau – would have to give way by 0.3502 MW.",
            "pods that are on: only whole numbers – for Plateau, a, hour 3 – cannot help alone.",
        ),
    ),
    Planted(
        part_of_a_pod,
        False,
        (
            "pods that are on: at most 0.6 pods – for Plateau, a, hour 3 – cannot help alone.",
            "pods that are on: only whole numbers – for Plateau, a, hour 3 – cannot help alone.",
            "None of these mends it alone: other rules are in conflict too. Mend one and ask again.",
        ),
    ),
    Planted(
        large_job,
        False,
        (
            "a job is not run: at most 0 – for train – would have to give way by 1.",
            "a job starts in a cluster at an hour: only whole numbers – for train, Plateau, hour 2 – cannot help "
            "alone.",
        ),
    ),
    Planted(
        three_jobs,
        False,
        (
            "a job is not run: at most 0 – for train b – would have to give way by 1.",
            "pods that are on: at most 3 pods – for Plateau, a, hours 1, 3, each – cannot help alone.",
        ),
    ),
    Planted(
        half_a_step,
        False,
        (
            "a segment that is called full is full – for West, 0 – would have to give way by 0.1 EFLOPS.",
            "a segment is full, so the next may begin: only whole numbers – for West, 0 – would have to be 0.1 off a "
            "whole number.",
        ),
    ),
)


def ask(program: Program) -> bool:
    """Whether a programme has any point, by scipy."""
    found = milp(
        np.zeros(program.columns),
        constraints=LinearConstraint(program.matrix, program.row_lower, program.row_upper),
        bounds=Bounds(program.lower, program.upper),
        integrality=program.integer.astype(int),
        options={"time_limit": LIMIT_S},
    )
    assert found.status in (0, 2), found.message
    return bool(found.status == 0)


def only(program: Program, rules: tuple[Rule, ...]) -> Program:
    """Accounts, signs, shares of a whole and some rules; everything else is let go."""
    kept = {(rule.label, rule.side) for rule in rules}
    shares = {name for name, doc in program.units.items() if doc.startswith("[1]")}
    ends = zip(program.row_keys, program.row_lower, program.row_upper, strict=True)
    account = np.array([low == high and (low == 0 or (abs(low) == 1 and key[0] in shares)) for key, low, high in ends])
    rows = [np.array([(name, side) in kept for name in program.row_names]) for side in ("at least", "at most")]
    names = program.column_names
    part = np.array([name.split("[")[0] in shares for name in names]) & (program.lower == 0) & (program.upper == 1)
    at_least, at_most, whole = (
        np.array([(name, side) in kept for name in names]) for side in ("at least", "at most", "whole")
    )
    return replace(
        program,
        row_lower=np.where(account | rows[0], program.row_lower, -np.inf),
        row_upper=np.where(account | rows[1], program.row_upper, np.inf),
        lower=np.where(at_least | (program.lower == 0), program.lower, -np.inf),
        upper=np.where(at_most | part, program.upper, np.inf),
        integer=program.integer & whole,
    )


def eased(program: Program, rule: Rule, amount: float) -> list[Program]:
    """Programmes of which at least one has a point if `rule` gives way by `amount`, and all others stay."""
    names = program.row_names if rule.of_row else program.column_names
    k = names.index(rule.label)
    if rule.side == "whole":
        free = replace(program, integer=program.integer & (np.arange(program.columns) != k))
        low, high = program.lower[k], program.upper[k]
        near = [(max(n - amount, low), min(n + amount, high)) for n in range(int(low), math.ceil(high) + 1)]
        return [limited(free, lower=(rule.label, a), upper=(rule.label, b)) for a, b in near if a <= b]
    field = ("row_" if rule.of_row else "") + ("lower" if rule.side == "at least" else "upper")
    bounds = getattr(program, field).copy()
    bounds[k] += -amount if rule.side == "at least" else amount
    return [replace(program, **{field: bounds})]


def check_irreducible(program: Program, diagnosis: Diagnosis) -> None:
    assert diagnosis.irreducible
    assert not ask(only(program, diagnosis.rules))
    for rule in diagnosis.rules:
        assert ask(only(program, tuple(other for other in diagnosis.rules if other != rule))), rule.label


def check_relief(program: Program, relief: Relief) -> None:
    assert relief.settled
    if relief.amount is None:
        far = 0.5 if relief.rule.side == "whole" else 1e6
        assert not any(map(ask, eased(program, relief.rule, far))), relief.rule.label
        return
    assert relief.amount > 0
    assert any(map(ask, eased(program, relief.rule, relief.amount * (1 + 1e-6) + 1e-7))), relief.rule.label
    assert not any(map(ask, eased(program, relief.rule, relief.amount * 0.99))), relief.rule.label


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.build.__name__)
def test_a_planted_conflict_is_named_and_measured(planted: Planted) -> None:
    program = planted.build()
    assert ask(replace(program, integer=np.zeros(program.columns, dtype=bool))) is not planted.linear
    diagnosis = explain(program, LIMIT_S)
    assert diagnosis.status == "infeasible"
    assert diagnosis.only_whole_numbers is not planted.linear
    check_irreducible(program, diagnosis)
    for relief in diagnosis.reliefs:
        check_relief(program, relief)
    said = diagnosis.sentences()
    cause = "" if planted.linear else ", because some quantities come in whole numbers"
    assert said[0] == f"These rules cannot hold together{cause}:"
    missing = [sentence for sentence in planted.sentences if sentence not in said]
    assert not missing, "\n".join(said)


def test_there_are_five_conflicts_of_each_kind() -> None:
    assert sum(planted.linear for planted in PLANTED) >= 5
    assert sum(not planted.linear for planted in PLANTED) >= 5


@pytest.mark.parametrize("seed", range(8))
def test_a_conflict_at_random_is_irreducible(seed: int) -> None:
    """Full floors and a tenth of the power: whatever the conflict, the claims about it hold."""
    case = replace(random_case(seed), blocks=WORKED, innovation=None)
    services = tuple(replace(k, served_floor_frac=1.0) for k in case.services)
    program = compile_case(replace(case, services=services, connection_mw=0.1 * case.connection_mw))
    diagnosis = explain(program, LIMIT_S)
    assert diagnosis.status == "infeasible"
    assert diagnosis.only_whole_numbers is ask(replace(program, integer=np.zeros(program.columns, dtype=bool)))
    check_irreducible(program, diagnosis)
    for relief in diagnosis.reliefs:
        check_relief(program, relief)


def flipped(program: Program) -> Program:
    """The same programme with every row turned round: what was at most is at least."""
    return replace(
        program, matrix=-program.matrix, row_lower=-program.row_upper + 0.0, row_upper=-program.row_lower + 0.0
    )


@pytest.mark.parametrize("build", [few_machines, dark_link, no_power_for_running_jobs, idle_pod])
def test_a_conflict_does_not_depend_on_how_rows_are_written(build: Callable[[], Program]) -> None:
    one, other = explain(build(), LIMIT_S), explain(flipped(build()), LIMIT_S)
    check_irreducible(flipped(build()), other)
    assert sorted(one.sentences()) == sorted(other.sentences())
    turned = {"at least": "at most", "at most": "at least"}
    sides = {rule.label: rule.side for rule in one.rules if rule.of_row}
    assert {rule.label: rule.side for rule in other.rules if rule.of_row} == {k: turned[v] for k, v in sides.items()}


def test_a_rule_stays_where_a_trial_is_not_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    program = no_connection()
    monkeypatch.setattr(conflict, "is_possible", lambda *_: None)
    diagnosis = explain(program, LIMIT_S)
    assert not diagnosis.irreducible
    assert len(diagnosis.reliefs) == (book := Rulebook(program)).named.sum() - book.program.integer.sum()


def test_accounts_signs_and_shares_are_no_rules() -> None:
    book = Rulebook(compile_case(small((*PRICED, "innovation"))))
    rules = {(rule.name, rule.side) for rule in map(book.rule, np.flatnonzero(book.named).tolist())}
    names = {name for name, _ in rules}
    assert not names & {"service.share_frac", "service.steers_all_demand", "hosting.counts_all_work", "power_balances"}
    assert {("grid.peak_mw", "at most"), ("fleet.pods_on", "whole"), ("fleet.pods_on", "at most")} <= rules
    assert {("batch.assigns_all_work", "at least"), ("batch.assigns_all_work", "at most")} <= rules
    assert ("grid.peak_mw", "at least") not in rules
    assert ("jobs.start", "whole") in rules
    assert ("jobs.start", "at most") not in rules
    assert ("coverage.serves_the_floor", "at most") in rules


def test_the_accounts_of_a_conflict_are_needed() -> None:
    program = no_connection()
    diagnosis = explain(program, LIMIT_S)
    claims = {doc.partition("] ")[2]: name for name, doc in program.units.items()}
    assert diagnosis.together_with
    for claim in diagnosis.together_with:
        mine = np.array([name == claims[claim] for name, _ in program.row_keys])
        reduced = only(program, diagnosis.rules)
        assert ask(
            replace(
                reduced,
                row_lower=np.where(mine, -np.inf, reduced.row_lower),
                row_upper=np.where(mine, np.inf, reduced.row_upper),
            )
        ), claim


def test_bounds_that_cross_are_two_rules() -> None:
    program = limited(compile_case(small()), lower=("grid.peak_mw[East_local]", 31.0))
    diagnosis = explain(program, LIMIT_S)
    assert diagnosis.sentences()[1:] == [
        "largest import of the horizon: at least 31 MW – for East local – would have to give way by 1 MW.",
        "largest import of the horizon: at most 30 MW – for East local – would have to give way by 1 MW.",
    ]
    check_irreducible(program, diagnosis)


def test_a_number_that_can_only_be_a_fraction_is_three_rules() -> None:
    program = limited(compile_case(small()), lower=("fleet.pods_on[Plateau,a,3]", 3.7))
    program = limited(program, upper=("fleet.pods_on[Plateau,a,3]", 3.7))
    diagnosis = explain(program, LIMIT_S)
    assert diagnosis.only_whole_numbers
    assert {relief.rule.side: pytest.approx(relief.amount) for relief in diagnosis.reliefs} == {
        "at least": 0.7,
        "at most": 0.3,
        "whole": 0.3,
    }
    check_irreducible(program, diagnosis)
    for relief in diagnosis.reliefs:
        check_relief(program, relief)


def test_a_conflict_of_rounding_is_doubted() -> None:
    diagnosis = explain(limited(compile_case(small()), lower=("grid.peak_mw[East_local]", 30 + 4e-7)), LIMIT_S)
    assert diagnosis.status == "infeasible"
    hairline = "is broken by no more than a solver's tolerance; the conflict may be one of rounding"
    assert diagnosis.doubts == (f"grid.peak_mw[East_local] {hairline}",) * 2


def test_accounts_that_contradict_each_other_blame_no_rule() -> None:
    program = compile_case(small())
    matrix = program.matrix.tolil()
    matrix[[program.row_names.index("service.steers_all_demand[East,chat,0]")], :] = 0.0
    diagnosis = explain(replace(program, matrix=matrix.tocsr()), LIMIT_S)
    assert (diagnosis.status, diagnosis.reliefs) == ("infeasible", ())
    assert diagnosis.sentences() == [
        "The accounts contradict each other; no rule is to blame.",
        "They meet through: shares and lost service add up to one.",
    ]


def test_without_time_nothing_is_claimed() -> None:
    diagnosis = explain(no_connection(), 0.0)
    assert (diagnosis.status, diagnosis.reliefs) == ("undecided", ())
    assert diagnosis.sentences() == ["It was not settled within the time limit whether a plan exists."]


def test_a_feasible_programme_has_no_conflict() -> None:
    diagnosis = explain(compile_case(small(PRICED)), LIMIT_S)
    assert (diagnosis.status, diagnosis.reliefs, diagnosis.runaway) == ("feasible", (), None)
    assert diagnosis.sentences() == ["A plan exists: nothing is in conflict."]


def test_many_rules_are_counted_and_not_all_told() -> None:
    rule = explain(no_connection(), LIMIT_S).rules[0]
    many = tuple(Relief(replace(rule, place=f"place {n} of many"), None, False) for n in range(25))
    said = Diagnosis("infeasible", many, irreducible=False).sentences()
    assert "place 19 of many" in said[20]
    assert said[21:] == [
        "And 5 more like these; all are in the list of rules.",
        "Perhaps fewer rules would do: the time limit came first.",
    ]


@pytest.mark.parametrize(
    ("relief", "way"),
    [
        ((0.25, True), "would have to give way by 0.25 EFLOPS·h"),
        ((0.25, False), "would have to give way by 0.25 EFLOPS·h or less"),
        ((None, True), "cannot help alone"),
        ((None, False, 0.125), "would have to give way by 0.125 EFLOPS·h or more, if it can help alone"),
        ((None, False), "was not settled in time"),
    ],
)
def test_what_is_known_of_an_amount_is_what_is_told(relief: tuple[Any, ...], way: str) -> None:
    rule = explain(no_connection(), LIMIT_S).rules[0]
    said = Diagnosis("infeasible", (Relief(rule, *relief),)).sentences()
    assert said[0] == "This rule cannot hold:"
    assert said[1] == f"{FLOOR} – for East, control, day 0 – {way}."


@pytest.mark.parametrize(
    ("amount", "written"), [(0.123401, 0.1235), (4.05, 4.05), (1.0, 1.0), (99999.0, 100000.0), (2e-7, 2e-7), (0.0, 0.0)]
)
def test_amounts_are_rounded_up(amount: float, written: float) -> None:
    assert enough(amount) == pytest.approx(written, rel=1e-12)
    assert enough(amount) >= amount * (1 - 1e-9)


def test_a_cost_that_falls_for_ever_is_named() -> None:
    case = small(PRICED)
    program = compile_case(replace(case, prices=replace(case.prices, green_shortfall_kcny_per_mwh=-0.05)))
    diagnosis = explain(program, LIMIT_S)
    assert diagnosis.status == "unbounded"
    assert diagnosis.sentences() == [
        "The cost has no floor: 'green shortfall' changes by -0.05 kCNY for every MWh of green energy short of the "
        "target – for Plateau (green.shortfall_mwh[Plateau]), and nothing limits it."
    ]
    assert diagnosis.runaway is not None
    assert diagnosis.runaway.moving == 1


def test_a_fall_through_several_columns_is_named_by_what_pays() -> None:
    """Certificates that pay are held by what is drawn; where energy vanishes and no connection ends, all three run."""
    case = small(PRICED, connection_mw=np.array([np.inf, 30.0]))
    program = compile_case(replace(case, prices=replace(case.prices, certificate_kcny_per_mwh=-1.0)))
    assert explain(program, LIMIT_S).status == "feasible"
    lost = np.array([name == "power_balances[Plateau,0]" for name in program.row_names])
    row_lower, row_upper = np.where(lost, -np.inf, program.row_lower), np.where(lost, np.inf, program.row_upper)
    runaway = explain(replace(program, row_lower=row_lower, row_upper=row_upper), LIMIT_S).runaway
    assert runaway is not None
    assert (runaway.item, runaway.column, runaway.moving) == ("certificates", "green.certificate_mwh[Plateau]", 3)
    assert runaway.kcny_per_unit == pytest.approx(-1.0)


def test_a_conflict_is_told_before_a_fall() -> None:
    case = small(PRICED, connection_mw=np.array([40.0, 0.0]))
    program = compile_case(replace(case, prices=replace(case.prices, green_shortfall_kcny_per_mwh=-0.05)))
    assert explain(program, LIMIT_S).status == "infeasible"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("lower", np.nan, "has a bound that is no number"),
        ("row_upper", np.nan, "has a bound that is no number"),
        ("lower", np.inf, "is bounded from the wrong side by infinity"),
        ("upper", -np.inf, "is bounded from the wrong side by infinity"),
        ("item_offset", np.inf, "has a constant that is not finite"),
    ],
)
def test_numbers_no_solver_can_take_are_named(field: str, value: float, words: str) -> None:
    program = compile_case(small(PRICED))
    broken = getattr(program, field).copy()
    broken[3] = value
    owner = {"item_offset": program.items[3], "row_upper": program.row_name(3)}.get(field, program.column_name(3))
    diagnosis = explain(replace(program, **{field: broken}), LIMIT_S)
    assert diagnosis.status == "faulty"
    assert diagnosis.sentences() == ["No solver can work with this programme.", f"Doubtful: {owner} {words}."]


@pytest.mark.parametrize("field", ["matrix", "item_cost"])
def test_coefficients_that_are_not_finite_are_named(field: str) -> None:
    program = compile_case(small(PRICED))
    broken = getattr(program, field).copy()
    broken.data = broken.data.copy()
    broken.data[[0, -1]] = np.inf, np.nan
    diagnosis = explain(replace(program, **{field: broken}), LIMIT_S)
    assert diagnosis.status == "faulty"
    assert "that is no finite number, and 1 more" in diagnosis.doubts[0]


def test_a_tame_programme_raises_no_doubt() -> None:
    assert doubts(compile_case(small(PRICED))) == []


def test_wild_coefficients_are_doubtful() -> None:
    program = compile_case(small(PRICED))
    matrix, cost = program.matrix.copy(), program.item_cost.copy()
    row = program.row_names.index("grid.draws_within_peak[Plateau,0]")
    matrix.data = matrix.data.copy()
    matrix.data[matrix.indptr[row]] = 2e-5
    item = program.items.index("energy")
    cost.data = cost.data.copy()
    cost.data[cost.indptr[item]] = 3e6
    assert doubts(replace(program, matrix=matrix, item_cost=cost)) == [
        "grid.draws_within_peak: coefficients from 2e-05 to 2e-05 lie outside of 0.001 to 10000 (1 of them); choose "
        "other units",
        "cost item energy: coefficients from 3e+06 to 3e+06 lie outside of 0.001 to 10000 (1 of them); choose other "
        "units",
    ]


def test_a_switch_that_is_far_too_wide_is_doubtful() -> None:
    case = small(generations=(replace(two_site_case().generations[0], pod_eflops=9e4),))
    found = [
        doubt for doubt in doubts(compile_case(case)) if doubt.startswith("fleet.fits_on_lit_pods: a whole number")
    ]
    assert len(found) == 1
    assert "counts 81,000 times what it switches, so that a millionth of it lets 0.081 through" in found[0]


def test_a_column_in_no_row_is_doubtful() -> None:
    program = compile_case(small(PRICED))
    column = program.column_names.index("green.shortfall_mwh[Plateau]")
    matrix, cost = program.matrix.tolil(), program.item_cost.tolil()
    matrix[:, [column]] = 0.0
    cost[program.items.index("green_shortfall"), column] = -1.0
    loose = replace(program, matrix=matrix.tocsr(), item_cost=cost.tocsr())
    assert doubts(loose) == ["green.shortfall_mwh[Plateau] is in no row and its cost falls for ever"]
    assert explain(loose, LIMIT_S).status == "unbounded"


def plan(program: Program) -> np.ndarray:
    """The best plan, by branch and bound."""
    x = Session(program).branch_and_bound(None, 1e-6, LIMIT_S).x
    assert x is not None
    return x


def least_cost(program: Program, x: np.ndarray, of_row: bool, place: int, side: str, ease: float) -> float:
    """The least cost with the integers of `x` and one bound eased, by scipy; infinite if there is none."""
    lower, upper = (np.where(program.integer, np.round(x), b) for b in (program.lower, program.upper))
    row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
    low, high = (row_lower, row_upper) if of_row else (lower, upper)
    if side == "at least":
        low[place] -= ease
    else:
        high[place] += ease
    equal = row_lower == row_upper
    above, below = np.isfinite(row_upper) & ~equal, np.isfinite(row_lower) & ~equal
    stacked = np.vstack([program.matrix[above].toarray(), -program.matrix[below].toarray()])
    found = linprog(
        program.cost,
        A_ub=stacked,
        b_ub=np.concatenate([row_upper[above], -row_lower[below]]),
        A_eq=program.matrix[equal].toarray(),
        b_eq=row_upper[equal],
        bounds=np.column_stack([lower, upper]),
        method="highs",
    )
    return float(found.fun) if found.status == 0 else np.inf


@pytest.mark.parametrize("seed", [None, 1, 2, 3, 4])
def test_what_binds_is_worth_what_giving_way_saves(seed: int | None) -> None:
    """The cost is convex in a bound: easing saves at most the dual, tightening costs at least the dual."""
    case = small(PRICED) if seed is None else replace(random_case(seed), blocks=PRICED, innovation=None)
    program = compile_case(replace(case, connection_mw=0.5 * case.connection_mw))
    x, exact = plan(program), 0
    table = binding(program, x, top=1000)
    assert (table["saves_kcny_per_unit"] > 0).all()
    keys = {label(name, member): (True, k) for k, (name, member) in enumerate(program.row_keys)}
    keys |= {name: (False, k) for k, name in enumerate(program.column_names)}
    before = least_cost(program, x, True, 0, "at most", 0.0)
    for line in table.itertuples():
        of_row, place = keys[line.label]
        step = 1e-4
        saved = (before - least_cost(program, x, of_row, place, line.side, step)) / step
        spent = (least_cost(program, x, of_row, place, line.side, -step) - before) / step
        tolerance = 1e-6 * max(1.0, line.saves_kcny_per_unit)
        assert saved <= line.saves_kcny_per_unit + tolerance <= spent + 2 * tolerance, line
        exact += saved == pytest.approx(line.saves_kcny_per_unit, rel=1e-5)
    assert exact >= 0.5 * len(table) > 0


def test_nothing_that_saves_is_left_out() -> None:
    """Every inequality whose easing lowers the cost is listed."""
    program = compile_case(small(PRICED))
    x = plan(program)
    listed = set(binding(program, x, top=1000)["label"])
    before = least_cost(program, x, True, 0, "at most", 0.0)
    saving = {
        program.row_name(k)
        for k in np.flatnonzero(program.row_lower != program.row_upper).tolist()
        if before - least_cost(program, x, True, k, "at most", 1e-3) > 1e-7
    }
    assert len(saving) > 3
    assert saving <= listed


def test_what_binds_does_not_depend_on_how_rows_are_written() -> None:
    program = compile_case(small(PRICED))
    x = plan(program)
    one, other = (binding(p, x, top=1000).set_index("label").sort_index() for p in (program, flipped(program)))
    rows = other.index.isin(program.row_names)
    assert rows.sum() > 3
    assert (other.loc[rows, "side"] == "at least").all()
    assert (other["saves_kcny_per_unit"] > 0).all()
    strictly = one.index.intersection(other.index)
    assert len(strictly) > 3
    np.testing.assert_allclose(one.loc[strictly, "amount"], other.loc[strictly, "amount"], rtol=1e-9)


def test_what_binds_is_sorted_and_cut() -> None:
    program = compile_case(small(PRICED))
    x = plan(program)
    table, whole = binding(program, x, top=1), binding(program, x, top=1000)
    assert tuple(table.columns) == COLUMNS
    assert len(table) == len(table.drop_duplicates(["family", "side"])) < len(whole)
    assert table["family_worth_kcny"].is_monotonic_decreasing
    for (family, side), rows in whole.groupby(["family", "side"]):
        assert rows["worth_kcny"].is_monotonic_decreasing
        assert rows["family_worth_kcny"].iloc[0] == pytest.approx(rows["worth_kcny"].sum())
        first = table[(table["family"] == family) & (table["side"] == side)].iloc[0]
        assert first["worth_kcny"] == rows["worth_kcny"].max()
    np.testing.assert_allclose(table["worth_kcny"], table["saves_kcny_per_unit"] * table["amount"])


def test_nothing_binds_where_nothing_costs() -> None:
    program = compile_case(small(SERVED))
    table = binding(replace(program, item_cost=0 * program.item_cost), plan(program))
    assert table.empty
    assert tuple(table.columns) == COLUMNS


def test_duals_of_a_point_that_is_no_plan_are_refused_in_words() -> None:
    program = compile_case(small(PRICED))
    with pytest.raises(
        SolverError, match="with the integers of the plan held, the programme is not solved: infeasible"
    ):
        binding(program, np.full(program.columns, 1e3))
