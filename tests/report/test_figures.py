"""What the figures draw is what the tables hold, and plotly knows every word of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from hubs import load_facts
from optimizer.report.page import figures
from optimizer.report.provenance import provenance
from optimizer.report.timeline import dispatch_choices, dispatch_series, work_colours
from optimizer.runs.store import Run


def drawn_of(run: Run) -> dict[str, Any]:
    return figures(run, None, dispatch_series(run))


@pytest.fixture(scope="module")
def drawn(run: Run) -> dict[str, Any]:
    return figures(run, run.table("greedy_cost_items"), dispatch_series(run))


def test_plotly_accepts_every_figure(drawn: dict[str, Any]) -> None:
    first = ["flows", "dispatch", "utilisation", "classes", "prices", "tariffs"]
    assert list(drawn) == [*first, "costs", "carbon", "jobs", "links"]
    for figure in drawn.values():
        assert go.Figure(data=list(figure.data), layout=figure.layout).data, figure.name
        assert figure.alt
        assert figure.zh
        assert figure.en


def test_dispatch_bars_are_the_load_of_the_chosen_sites(run: Run) -> None:
    series, load, sites = dispatch_series(run)["sites"], run.table("load"), run.table("sites")
    works, hours = list(work_colours(load)), run.manifest["hours"]
    chosen = {
        "": set(sites["site"]),
        "kind local": {"East local"},
        "zone west": {"Plateau"},
        "site Plateau": {"Plateau"},
    }
    offered = {value for options in dispatch_choices(run).values() for value, _ in options}
    assert set(chosen) <= offered == set(series)
    for choice, members in chosen.items():
        for work, bars in zip(works, series[choice][:-1], strict=True):
            part = load[load["site"].isin(members) & (load["work"] == work)]
            by_hour = part.groupby("hour")["load_eflops"].sum().reindex(range(hours), fill_value=0.0)
            assert bars == pytest.approx(list(by_hour), abs=5e-4)
        capacity = sites.loc[sites["site"].isin(members), "capacity_eflops"].sum()
        assert series[choice][-1] == pytest.approx([capacity] * (hours + 1), abs=5e-4)


def test_cost_steps_end_at_both_totals(run: Run, drawn: dict[str, Any]) -> None:
    plan, rival = drawn["costs"].data
    for trace, total in ((plan, "objective_kcny"), (rival, "greedy_kcny")):
        assert trace["x"][-1] == pytest.approx(run.manifest[total], rel=1e-6, abs=1e-3)
        assert trace["base"][-2] + trace["x"][-2] == pytest.approx(trace["x"][-1], abs=1e-2)
        ends = [base + length for base, length in zip(trace["base"], trace["x"], strict=True)]
        assert trace["base"][1:-1] == pytest.approx(ends[:-2], abs=1e-3)


def test_carbon_bars_sum_to_the_ledgers(run: Run, drawn: dict[str, Any]) -> None:
    dispatch = run.table("dispatch")
    for trace, column in zip(drawn["carbon"].data, ("carbon_location_tco2", "carbon_market_tco2"), strict=True):
        assert sum(trace["x"]) == pytest.approx(dispatch[column].sum(), abs=1e-2)


def test_map_lines_carry_the_work_from_east_to_west(run: Run, drawn: dict[str, Any]) -> None:
    flows = run.table("flows").groupby(["region", "site"])["work_eflopsh"].sum()
    words = [text for trace in drawn["flows"].data for text in trace.get("text", []) if "→" in text]
    east, west = (flows[region, "Plateau"] for region in ("East", "West"))
    assert words == [f"East → Plateau: {east:,.1f} EFLOPS·h", f"West → Plateau: {west:,.1f} EFLOPS·h"]
    solid = [t for t in drawn["flows"].data if t["mode"] == "lines" and t["visible"] is True]
    assert len(solid) == 1
    assert (solid[0]["x"][0], solid[0]["y"][0]) == (121.5, 31.2)
    assert (solid[0]["x"][-2], solid[0]["y"][-2]) == (111.8, 40.4)


def test_a_place_without_a_position_is_named(write: Callable[..., Run], run: Run) -> None:
    nodes = run.table("nodes")
    lost = drawn_of(write(nodes=nodes[nodes["kind"] != "cluster"]))["flows"]
    assert "Not drawn for want of a position: Plateau." in lost.note
    assert any("Plateau" in row for row in lost.table.rows)


def test_jobs_in_one_lane_do_not_overlap(write: Callable[..., Run]) -> None:
    spans = [(0, 3), (1, 2), (2, 4), (0, 1), (3, 4)]
    jobs = pd.DataFrame(
        [(f"j{i}", "East", "AB"[i % 2], s, e, 1, 0.5, 1.0, 2.0) for i, (s, e) in enumerate(spans * 2)]
        + [("lost", "East", "dropped", -1, -1, 1, 0.5, 1.0, 2.0)],
        columns=["job", "region", "cluster", "start_h", "end_h", "pods", "load_eflops", "data_tb", "value_kcny"],
    )
    figure = drawn_of(write(jobs=jobs))["jobs"]
    (bars,) = figure.data
    assert len(bars["y"]) == 2 * len(spans)
    placed = sorted(
        (lane, pd.Timestamp(base), pd.Timedelta(milliseconds=length))
        for lane, base, length in zip(bars["y"], bars["base"], bars["x"], strict=True)
    )
    for (lane, start, length), (next_lane, next_start, _) in itertools.pairwise(placed):
        assert lane != next_lane or start + length <= next_start
    lanes = {name: {bars["y"][i] for i, text in enumerate(bars["text"]) if f"at {name}<br>" in text} for name in "AB"}
    assert not lanes["A"] & lanes["B"]
    assert "Dropped, at their stated value: lost." in figure.note


def test_full_links_come_first_and_are_counted(write: Callable[..., Run], run: Run) -> None:
    links = run.table("links")
    links.loc[(links["link"] == "home") & (links["period"] == 1), "traffic_gbps"] = 100.0
    figure = drawn_of(write(links=links))["links"]
    assert figure.data[0]["y"][0] == "home"
    assert figure.data[0]["x"][0] == 1.0
    assert "1 of 4 links are full" in figure.note


def test_facts_are_counted_by_table_and_status(run: Run) -> None:
    shown, facts = provenance(run), load_facts().provenance
    assert shown.bars[-1].total == len(facts) == shown.count
    assert {bar.table: bar.total for bar in shown.bars[:-1]} == facts.groupby("table").size().to_dict()
    for bar in shown.bars[:-1]:
        for status, count, _ in bar.counts:
            assert count == ((facts["table"] == bar.table) & (facts["status"] == status)).sum()
    assert len(shown.soft.rows) == shown.soft_count == (facts["status"] == "estimated").sum()


def test_a_fact_the_scenario_changed_has_its_own_status(write: Callable[..., Run], run: Run) -> None:
    facts = run.table("facts")
    changed = facts.index[(facts["table"] == "prices") & (facts["quantity"] == "carbon_kcny_per_tco2")]
    facts.loc[changed, ["value", "status"]] = [0.2, "scenario"]
    shown = provenance(write(facts=facts))
    assert "scenario" in shown.statuses
    assert any(row[2] == "carbon_kcny_per_tco2" and row[6] == "scenario" for row in shown.soft.rows)


def test_scaled_capacity_is_the_official_total(run: Run) -> None:
    shown, facts = provenance(run), load_facts()
    assert shown.scaling is not None
    assert len(shown.scaling.rows) == len(facts.clusters) + 1
    assert float(shown.scaling.rows[-1][4]) == pytest.approx(facts.national["hub_intelligent_eflops"], abs=0.05)
    assert float(shown.scaling.rows[-1][3]) == pytest.approx(facts.clusters["reported_eflops"].sum(), abs=0.05)
