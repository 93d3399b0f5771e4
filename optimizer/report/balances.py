"""Figures of totals: work by class, cost items beside the greedy plan, carbon on two ledgers, the fullest links."""

from __future__ import annotations

import pandas as pd

from optimizer.report.figures import (
    GREEDY,
    INK,
    MARKET,
    PLAN,
    QUIET,
    ZONE_COLOURS,
    Figure,
    Table,
    Trace,
    axis,
    both,
    layout,
    names_axis,
    plain,
    safe,
)
from optimizer.report.timeline import work_colours
from optimizer.report.words import bilingual, number, percent
from optimizer.runs.store import Run

BUSIEST = 15


def classes_figure(run: Run) -> Figure:
    """Work of each class over the horizon by the kind of place that ran it, and what was not served."""
    load, sites = run.table("load"), run.table("sites").set_index("site")
    zone = load["site"].map(sites["zone"]).fillna("")
    place = ("clusters in the " + zone).where(load["site"].map(sites["kind"]) == "cluster", "local sites")
    total = load.assign(place=place).pivot_table(
        index="work", columns="place", values="load_eflops", aggfunc="sum", fill_value=0.0
    )
    works = list(work_colours(load))
    total = total.reindex(works)
    colours = {f"clusters in the {z}": colour for z, colour in ZONE_COLOURS.items()}
    data = tuple(
        {
            "type": "bar",
            "orientation": "h",
            "name": safe(name),
            "x": plain(total[name]),
            "y": [both(work) for work in works],
            "marker": {"color": colours.get(str(name), QUIET)},
            "hovertemplate": "%{y}, %{fullData.name}: %{x:,.1f} EFLOPS·h<extra></extra>",
        }
        for name in total.columns
    )
    steering = run.table("steering")
    lost = float(steering.loc[steering["site"] == "unserved", "work_eflopsh"].sum())
    rows = tuple(
        (bilingual(str(work)), *(number(row[name]) for name in total.columns)) for work, row in total.iterrows()
    )
    return Figure(
        "classes",
        "各类业务负载",
        "Load by class of work",
        f"Bars of work run in EFLOPS·h for {len(works)} classes, split by the kind of place.",
        f"Latency-bound work not served: {number(lost, 2)} EFLOPS·h.",
        data,
        layout(
            110 + 34 * max(1, len(works)),
            barmode="stack",
            xaxis=axis("EFLOPS·h over the horizon"),
            yaxis=names_axis([both(work) for work in works]),
        ),
        Table(("work", *map(str, total.columns)), rows, frozenset(range(1, len(total.columns) + 1))),
    )


def cost_figure(run: Run, greedy_items: pd.DataFrame | None) -> Figure:
    """Items stacked one after another up to the total, the greedy plan's beside them."""
    plan = run.table("cost_items")
    plan = plan[plan["cost_kcny"].abs() > 0].sort_values("cost_kcny", ascending=False)
    order = [str(item) for item in plan["item"]]
    rival: dict[str, float] = {}
    if greedy_items is not None:
        rival = {str(i): float(c) for i, c in zip(greedy_items["item"], greedy_items["cost_kcny"], strict=True)}
        order += [item for item in rival if item not in order and abs(rival[item]) > 0]
    mine = dict(zip(plan["item"], plan["cost_kcny"], strict=True))
    names = [both(item) for item in order] + ["<b>合计 total</b>"]
    data = [_steps("优化方案 plan", [float(mine.get(item, 0.0)) for item in order], names, PLAN)]
    if greedy_items is not None:
        data.append(_steps("贪心方案 greedy", [rival.get(item, 0.0) for item in order], names, GREEDY))
    return Figure(
        "costs",
        "成本构成",
        "Cost items",
        f"Steps of {len(order)} cost items in kCNY adding up to the total"
        + (", greedy plan beside." if rival else "."),
        "Each bar begins where the one above it ends. Items that cost nothing in any plan are left out of the figure "
        "and kept in the table.",
        tuple(data),
        layout(
            110 + (44 if rival else 30) * len(names),
            barmode="group",
            xaxis=axis("kCNY", rangemode="tozero"),
            yaxis=names_axis(names),
        ),
    )


def _steps(name: str, costs: list[float], names: list[str], colour: str) -> Trace:
    bases, reached = [], 0.0
    for cost in costs:
        bases.append(reached)
        reached += cost
    lengths = [*costs, reached]
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "base": plain([*bases, 0.0]),
        "x": plain(lengths),
        "y": names,
        "marker": {"color": colour},
        "text": [number(value) for value in lengths],
        "textposition": "outside",
        "textfont": {"size": 11, "color": INK},
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{text} kCNY<extra>%{fullData.name}</extra>",
    }


def carbon_figure(run: Run) -> Figure:
    """Both ledgers side by side for each cluster, and for the local sites together."""
    sites = run.table("sites").set_index("site")
    dispatch = run.table("dispatch")
    kind = dispatch["site"].map(sites["kind"])
    dispatch = dispatch.assign(place=dispatch["site"].where(kind == "cluster", "本地站点 local sites"))
    columns = ["carbon_location_tco2", "carbon_market_tco2", "facility_mw"]
    total = dispatch.groupby("place")[columns].sum().sort_values("carbon_location_tco2", ascending=False)
    names = [safe(name) for name in total.index]
    data = tuple(
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "x": plain(total[column], 3),
            "y": names,
            "marker": {"color": colour},
            "hovertemplate": "%{y}: %{x:,.1f} t<extra>%{fullData.name}</extra>",
        }
        for column, name, colour in (
            (columns[0], "属地法 location-based", INK),
            (columns[1], "市场法 market-based", MARKET),
        )
    )
    rows = tuple((str(name), *(number(row[c]) for c in columns)) for name, row in total.iterrows())
    return Figure(
        "carbon",
        "双账本碳排放",
        "Carbon on both ledgers",
        f"Bars of t CO₂ for {len(names)} places, location-based beside market-based.",
        "Location-based: provincial grid factor times import. Market-based: claimed green energy taken out, the rest "
        "at the residual factor. The two are never added.",
        data,
        layout(110 + 40 * len(names), barmode="group", xaxis=axis("t CO₂"), yaxis=names_axis(names)),
        Table(("place", "location, t", "market, t", "energy, MWh"), rows, frozenset({1, 2, 3})),
    )


def links_figure(run: Run) -> Figure:
    """The links that come closest to their capacity, in their busiest period."""
    words = ("links", "最繁忙链路", "Most loaded links")
    links = run.table("links")
    links = links[links["capacity_gbps"] > 0]
    if links.empty:
        return Figure(*words, "", note="This run has no links: the network block was left out or carries none.")
    links = links.assign(used=links["traffic_gbps"] / links["capacity_gbps"])
    peak = links.sort_values(["used", "link"], ascending=[False, True]).drop_duplicates("link")
    full = int((peak["used"] > 1 - 1e-6).sum())
    shown = peak.head(BUSIEST)
    names = [safe(str(name).replace("--", " – ")) for name in shown["link"]]
    data: Trace = {
        "type": "bar",
        "orientation": "h",
        "name": "utilisation",
        "x": plain(shown["used"]),
        "y": names,
        "marker": {"color": [GREEDY if used > 1 - 1e-6 else PLAN for used in shown["used"]]},
        "text": [percent(used) for used in shown["used"]],
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [
            [number(row["traffic_gbps"], 0), number(row["capacity_gbps"], 0), int(row["period"])]
            for row in shown.to_dict("records")
        ],
        "hovertemplate": "%{y}: %{customdata[0]} of %{customdata[1]} Gbit/s in period %{customdata[2]}<extra></extra>",
    }
    return Figure(
        *words,
        f"Bars of the {len(shown)} links with the highest use of capacity out of {len(peak)}; {full} are full.",
        f"Usable capacity, both directions together, in the link's busiest steering period. {full} of {len(peak)} "
        "links are full in some period (amber).",
        (data,),
        layout(
            80 + 26 * len(names),
            xaxis=axis("traffic over usable capacity", tickformat=".0%", range=[0, 1.1]),
            yaxis=names_axis(names),
        ),
        _link_table(peak),
    )


def _link_table(peak: pd.DataFrame) -> Table:
    rows = tuple(
        (
            str(row["link"]),
            str(row["period"]),
            number(row["traffic_gbps"]),
            number(row["capacity_gbps"], 0),
            percent(row["used"]),
        )
        for row in peak.to_dict("records")
    )
    return Table(("link", "busiest period", "Gbit/s", "capacity, Gbit/s", "use"), rows, frozenset({1, 2, 3, 4}))
