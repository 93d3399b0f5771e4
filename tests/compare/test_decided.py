"""The rule of what a gap leaves open, and the two symmetries of every comparison."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hubs.errors import InputError
from optimizer.compare import Pair, compare
from optimizer.compare.amounts import Amount
from optimizer.compare.decided import gap_of, interval, verdict_of_parts
from optimizer.compare.machine import as_object
from optimizer.runs.store import Run, write_run

value = st.floats(-1e4, 1e4, allow_nan=False)
slack = st.floats(0, 1e3, allow_nan=False)


@given(value, value, slack, slack)
def test_decided_if_and_only_if_the_intervals_do_not_meet(a: float, b: float, slack_a: float, slack_b: float) -> None:
    found = interval(a, b, (slack_a, slack_b), "proved")
    apart = b - a > slack_b or a - b > slack_a  # the dearer one cannot come down to the other
    assert (found.verdict == "proved") is apart
    assert found.low <= found.difference <= found.high
    assert found.verdict in ("proved", "undecided")


@given(value, value, slack, slack)
def test_the_interval_mirrors(a: float, b: float, slack_a: float, slack_b: float) -> None:
    there = interval(a, b, (slack_a, slack_b), "of these plans")
    back = interval(b, a, (slack_b, slack_a), "of these plans")
    assert (back.difference, back.low, back.high) == (-there.difference, -there.high, -there.low)
    assert back.verdict == there.verdict


def test_parts_are_no_surer_than_the_total() -> None:
    assert verdict_of_parts("proved", one_problem=False) == "beyond the gaps"
    assert (
        verdict_of_parts("undecided", one_problem=False)
        == verdict_of_parts(None, one_problem=False)
        == "of these plans"
    )
    assert {verdict_of_parts(total, one_problem=True) for total in ("proved", "undecided", None)} == {"undecided"}


def test_a_gap_is_never_read_as_finer_than_plans_reconcile() -> None:
    exact = gap_of({"objective_kcny": 2000.0, "bound_kcny": 2000.0}, per=1.0)
    assert (exact.kcny, exact.frac) == pytest.approx((2e-3, 1e-6))
    daily = gap_of({"objective_kcny": 2000.0, "bound_kcny": 1900.0}, per=0.5)
    assert (daily.kcny, daily.frac) == pytest.approx((50.0, 0.05))
    assert gap_of({"objective_kcny": 2000.0, "bound_kcny": None}, per=1.0).kcny == float("inf")


names = st.sampled_from(["A", "B", "C"])
amounts = st.dictionaries(names, st.floats(0.001, 1e4), max_size=3)


@st.composite
def parts(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """A stored run, as far as a comparison reads it: any costs, flows, accounts and indicators, or none."""
    items, flows, indicators = draw(amounts), draw(amounts), draw(amounts)
    cost = sum(items.values())
    manifest = {
        "scenario": "drawn",
        "why": "drawn",
        "hours": draw(st.sampled_from([24, 48])),
        "objective_kcny": cost,
        "bound_kcny": draw(st.one_of(st.none(), st.floats(0, 1).map(lambda share: cost * share))),
        "cost_items": items,
        "inputs": {"case_sha256": draw(names)},
        "versions": draw(st.dictionaries(names, names, max_size=2)),
        "options": {"gap_frac": draw(st.sampled_from([0.1, 0.2]))},
    }
    sites = pd.DataFrame(
        [("S", "East", "east", "hub"), ("T", "West", "west", "")], columns=["site", "region", "zone", "hub"]
    )
    tables = {
        "sites": sites,
        "flows": pd.DataFrame([("East", "S", v) for v in flows.values()], columns=["region", "site", "work_eflopsh"]),
        "indicators": pd.DataFrame(
            [("nation", name, "frac", v) for name, v in indicators.items()],
            columns=["scope", "indicator", "unit", "value"],
        ),
        "facts": pd.DataFrame(
            [("t", k, "q", v, "MW", None, None, "official", "2025", "S", "") for k, v in draw(amounts).items()],
            columns=["table", "key", "quantity", "value", "unit", "low", "high", "status", "date", "source", "note"],
        ),
    }
    if draw(st.booleans()):
        rows = [(n, "region", v) for n, v in draw(amounts).items()]
        tables["regional_accounts"] = pd.DataFrame(rows, columns=["party", "kind", "net_kcny"])
    return manifest, tables


def stored(folder: Path, made: tuple[dict[str, Any], dict[str, pd.DataFrame]]) -> Run:
    return write_run(folder, made[0], "seed = 1\n", made[1])


def mirrored(pair: Pair) -> Pair:
    """The pair as it is if the other run is the reference."""

    def turned(one: Amount) -> Amount:
        low, high = (None if end is None else -end for end in (one.high, one.low))
        difference = None if one.difference is None else -one.difference
        return replace(one, before=one.after, after=one.before, difference=difference, low=low, high=high)

    def swapped(changes: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(change, before=change.after, after=change.before) for change in changes)

    other = {"before": "after", "after": "before", "": ""}
    costs = pair.costs
    return replace(
        pair,
        before=pair.after,
        after=pair.before,
        inputs=replace(
            pair.inputs,
            **{name: swapped(getattr(pair.inputs, name)) for name in ("keys", "facts", "versions", "options")},
        ),
        plan=swapped(pair.plan),
        costs=replace(
            costs,
            total=None if costs.total is None else turned(costs.total),
            bounds_kcny=costs.bounds_kcny[::-1],
            items=tuple(map(turned, costs.items)),
            remainder_kcny=-costs.remainder_kcny,
        ),
        sections=tuple(
            replace(part, amounts=tuple(map(turned, part.amounts)), alone=other[part.alone]) for part in pair.sections
        ),
        tables=tuple(
            replace(
                t,
                rows_before=t.rows_after,
                rows_after=t.rows_before,
                only_before=t.only_after,
                only_after=t.only_before,
            )
            for t in pair.tables
        ),
    )


@settings(max_examples=10, deadline=None)
@given(parts(), parts())
def test_a_run_equals_itself_and_pairs_mirror(
    one: tuple[dict[str, Any], dict[str, pd.DataFrame]], other: tuple[dict[str, Any], dict[str, pd.DataFrame]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        a, again, b = (stored(Path(folder) / name, made) for name, made in (("a", one), ("again", one), ("b", other)))
        same = compare([a, again])
        assert same.empty
        assert as_object(same) == {}
        there, back = compare([a, b]).pairs[0], compare([b, a]).pairs[0]
        if not there.per_day:  # the note names the horizons in the order in which they were given
            assert back == mirrored(there)
        differs = one[0] != other[0] or any(not one[1][t].equals(other[1].get(t)) for t in one[1])
        differs |= set(one[1]) != set(other[1])
        assert there.empty is not differs


def test_one_run_is_no_comparison(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", {}, "", {})
    with pytest.raises(InputError, match="1 run given"):
        compare([run])
    with pytest.raises(InputError, match=r"the manifest lacks scenario"):
        compare([run, run])
