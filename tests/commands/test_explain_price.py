"""Why a price is what it is: the parts sum to it, only what is in use and what binds has a part, and by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from optimizer.commands.explainprice import explain_price, ledger_row, page, title
from optimizer.market.duals import COMPUTE, KINDS, Prices, load_eflops, price_plan, rows_of
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.marginal import answer
from optimizer.solve.optimum import optimise
from optimizer.solve.whyprice import Chain, PriceBook
from optimizer.workflow import solve as solve_scenario
from scenarios.build import build_case
from scenarios.case import Case, Floats
from scenarios.library import load
from tests.cases import full_case, random_case, two_site_case
from tests.commands.conftest import Command

TOLERANCE = 1e-6


def solved(case: Case) -> tuple[Program, Floats]:
    program = compile_case(case)
    x = optimise(program, 1e-6, 60.0).x
    assert x is not None
    return program, x


def book_of(prices: Prices, kind: str) -> PriceBook:
    priced = prices.of_kind(kind)
    free = ~priced.program.integer if kind == "fixed" else np.ones(priced.program.columns, dtype=bool)
    return PriceBook(priced.program, priced.x, priced.row, free)


def tight_links() -> Case:
    return two_site_case(link_capacity_gbps=np.array([6.0, 3.0, 3.0, 100.0]))


CASES: dict[str, Callable[[], Case]] = {
    "two sites": two_site_case,
    "every instrument": full_case,
    "market ledger": lambda: full_case(carbon_ledger="market"),
    "full links": tight_links,
    **{f"random {seed}": lambda seed=seed: random_case(seed) for seed in (1, 4, 7)},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", CASES)
def test_parts_sum_to_the_price_and_stand_for_what_is_used_and_binds(name: str) -> None:
    """At every site and hour, of both kinds: the identity is exact, and each term obeys complementary slackness."""
    program, x = solved(CASES[name]())
    prices = price_plan(program, x)
    told = 0
    for kind in KINDS:
        priced, book = prices.of_kind(kind), book_of(prices, kind)
        idle = load_eflops(program, priced.x) <= TOLERANCE
        for row, is_idle in zip(rows_of(program, COMPUTE).tolist(), idle.tolist(), strict=True):
            supply = book.supply(row)
            assert (supply is None) == is_idle
            for chain in [] if supply is None else [supply, *book.work(row)]:
                assert chain.kcny == pytest.approx(priced.row[row], abs=TOLERANCE)
                assert abs(chain.rest_kcny) <= TOLERANCE
                slack(program, priced.x, book, chain)
                told += 1
    assert told > 2


def slack(program: Program, x: Floats, book: PriceBook, chain: Chain) -> None:
    """A bound has a worth only where a column stands at it, and it is positive at an upper one; a row if it is full."""
    for step in chain.steps:
        assert step.value > program.lower[step.column]
        if abs(book.reduced[step.column]) > TOLERANCE:
            assert step.value == pytest.approx(program.upper[step.column])
            assert book.reduced[step.column] < 0
    body = program.matrix @ x
    full = np.isclose(body, program.row_lower, atol=1e-6) | np.isclose(body, program.row_upper, atol=1e-6)
    named = {program.row_keys[row][0] for row in np.flatnonzero(full)}
    assert {part.name for part in chain.parts if part.kind == "rule"} <= named


def test_a_full_link_has_its_rent_in_what_work_pays() -> None:
    case = tight_links()
    program, x = solved(case)
    book = book_of(price_plan(program, x), "fixed")
    rows = rows_of(program, COMPUTE).tolist()
    names = {title(part) for row in rows for chain in book.work(row) for part in chain.parts}
    assert "link rents" in names
    assert "transfer" in names
    roomy, point = solved(replace(case, link_capacity_gbps=np.full(4, 1e3)))
    other = book_of(price_plan(roomy, point), "fixed")
    assert not {title(p) for row in rows for chain in other.work(row) for p in chain.parts} & {"link rents"}


@pytest.mark.parametrize("name", ["two sites", "every instrument", "full links", "random 4"])
def test_the_answer_of_the_whole_plan_costs_the_price_and_carries_the_unit(name: str) -> None:
    """Another way to the same dual: the plan moves, balances stay closed, and its cost rises by the price."""
    program, x = solved(CASES[name]())
    prices = price_plan(program, x, intervals=True)
    rows = rows_of(program, COMPUTE)
    seen = 0
    for row, known in zip(rows.tolist(), prices.fixed.rows_identified(rows).tolist(), strict=True):
        if not known:
            continue
        found = answer(program, x, row)
        assert found.kcny == pytest.approx(prices.fixed.row[row], abs=TOLERANCE)
        if not {"lost_service", "unfinished_work"} & set(found.items_kcny):
            assert sum(found.loads_eflops.values()) == pytest.approx(1.0)
        seen += 1
    assert seen


def test_hours_share_the_demand_charge() -> None:
    """Where the peak lies within the connection, the parts that hours bear of it add up to the charge."""
    case = two_site_case()
    program, x = solved(case)
    priced = price_plan(program, x).fixed
    peaks = program.values("grid.peak_mw", priced.x)
    for site, (peak, charge) in enumerate(zip(peaks, case.demand_charge_kcny_per_mw, strict=True)):
        assert 0 < peak < case.connection_mw[site]
        rows = [r for r in rows_of(program, "grid.draws_within_peak") if program.row_keys[r][1][0] == case.sites[site]]
        assert -priced.row[rows].sum() == pytest.approx(charge)
    shares = [
        part.kcny_per_unit * part.amount
        for row in rows_of(program, COMPUTE).tolist()
        for part in (book_of(price_plan(program, x), "fixed").supply(row) or Chain(0, (), (), 0)).parts
        if part.name == "grid.draws_within_peak"
    ]
    assert shares
    assert min(shares) >= 0


# -- the command


@pytest.fixture
def explain(command: Command) -> Command:
    return partial(command, "explain")


def parts_of(found: dict[str, object], kind: str) -> dict[str, float]:
    (one,) = (one for one in found["price"] if one["kind"] == kind)  # type: ignore[attr-defined]
    return {part["name"]: part["kcny"] for part in one["supply"]["parts"]}


def test_the_smallest_case_by_hand(explain: Command) -> None:
    """2.4 MW per EFLOPS at 0.4 + 0.05 + 0.5 x 0.01; divisible pods of half an EFLOPS add 0.96 MW of idle power."""
    code, out, err = explain("tiny", "--price", "Guian:0", "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    fixed = {"energy": 2.4 * 0.4, "carbon": 2.4 * 0.05, "certificates": 1.2 * 0.01}
    assert parts_of(found, "fixed") == pytest.approx(fixed)
    assert parts_of(found, "relaxed") == pytest.approx({name: 1.4 * kcny for name, kcny in fixed.items()})
    assert [one["kcny_per_eflopsh"] for one in found["price"]] == pytest.approx([1.092, 1.5288])
    assert all(one["identified"] for one in found["price"])


def test_the_page_says_what_a_unit_takes(explain: Command) -> None:
    code, out, _ = explain("tiny", "--price", "Guian:0")
    assert code == 0
    assert "With the plan's whole numbers held: 1.0920 kCNY per EFLOPS·h." in out
    assert "it draws 2 MW/EFLOPS x PUE 1.2 = 2.4 MW" in out
    assert "2.4 MW: power drawn from the public grid, Guian" in out
    assert "worth of one unit less in the queue" in out
    assert "load +1.000 at Guian (hour 0)" in out
    assert "cost 0.9600 energy + 0.0120 certificates + 0.1200 carbon = 1.0920." in out


def test_an_idle_site_has_no_identified_price(explain: Command) -> None:
    """What work would pay in Guian, with the transfer it saves, up to what the local machines would ask."""
    code, out, _ = explain("tiny", "--price", "Guangdong local:1")
    assert code == 0
    assert out.count("not identified; nothing runs there in that hour") == 2
    assert "between 1.1820 and 3.9000 kCNY" in out


def test_a_price_at_a_kink_shows_both_ends() -> None:
    """Work for exactly fourteen pod-hours: one unit less saves power, one more goes to the local site (3.9 - 0.09)."""
    case = build_case(load("tiny", ["services.inference.mean_eflops=2.25"]))
    program, x = solved(case)
    fixed = explain_price(program, x, ledger_row(program, case, "Guian:1"))[0]
    assert not fixed.identified
    assert (fixed.low, fixed.high) == pytest.approx((1.092, 3.81))
    assert "not identified, between 1.0920 and 3.8100 kCNY per EFLOPS·h; taken here at" in page(
        [fixed], case, "Guian:1"
    )


def test_a_run_is_explained_by_its_own_plan(explain: Command, tmp_path: Path) -> None:
    solve_scenario("tiny", tmp_path / "run", changes=["facts.prices.carbon_kcny_per_tco2=0.2"])
    code, out, err = explain(str(tmp_path / "run"), "--price", "Guian:1", "--json")
    found = json.loads(out)
    assert (code, err, found["same_plan"]) == (0, "", True)
    assert parts_of(found, "fixed")["carbon"] == pytest.approx(2.4 * 0.1)
    code, out, _ = explain(str(tmp_path / "run"))
    assert code == 0
    assert "A plan exists" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--price", "Guan:0"], "site 'Guan' is not known"),
        (["--price", "Guian:2"], "hour 2 is not in the horizon"),
        (["--price", "Guian"], "'Guian' is no site and hour"),
        (["--price", "Guian:noon"], "write for example --price Guian:14"),
    ],
)
def test_faults_are_said_before_anything_is_solved(explain: Command, words: list[str], said: str) -> None:
    code, out, err = explain("tiny", *words)
    assert (code, out) == (2, "")
    assert said in err


def test_a_run_is_not_changed(explain: Command) -> None:
    code, _, err = explain(".", "--set", "seed=2", "--price", "Guian:0")
    assert code == 2
    assert "a run is explained as it was solved" in err


def test_no_plan_has_no_prices_but_reasons(explain: Command) -> None:
    code, out, _ = explain("tiny", "--set", "demand.scale_ratio=100", "--price", "Guian:0")
    assert code == 4
    assert "cannot hold together" in out
