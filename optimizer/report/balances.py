"""Figures of totals: work by class of work, carbon by place on both ledgers."""

from __future__ import annotations

from optimizer.report.figures import (
    INK,
    MARKET,
    QUIET,
    ZONE_COLOURS,
    Figure,
    Table,
    axis,
    both,
    layout,
    names_axis,
    plain,
    safe,
)
from optimizer.report.timeline import work_colours
from optimizer.report.words import bilingual, number
from optimizer.runs.store import Run

LOCAL = "本地站点 local sites"


def classes_figure(run: Run) -> Figure:
    """Work of each class over the horizon by the kind of place that ran it, and what was not served."""
    load, sites = run.table("load"), run.table("sites").set_index("site")
    zone = load["site"].map(sites["zone"]).fillna("")
    place = zone.map(lambda name: f"{bilingual(name)} clusters").where(
        load["site"].map(sites["kind"]) == "cluster", LOCAL
    )
    total = load.assign(place=place).pivot_table(
        index="work", columns="place", values="load_eflops", aggfunc="sum", fill_value=0.0
    )
    colours = {f"{bilingual(z)} clusters": colour for z, colour in ZONE_COLOURS.items()}
    works = list(work_colours(load))
    total = total.reindex(works)
    total = total[[*(c for c in colours if c in total), *(c for c in total if c not in colours)]]
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


def carbon_figure(run: Run) -> Figure:
    """Both ledgers side by side for each cluster, and for the local sites together."""
    sites = run.table("sites").set_index("site")
    dispatch = run.table("dispatch")
    kind = dispatch["site"].map(sites["kind"])
    dispatch = dispatch.assign(place=dispatch["site"].where(kind == "cluster", LOCAL))
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
        Table(("place", "location, t", "market, t", "energy of the halls, MWh"), rows, frozenset({1, 2, 3})),
    )
