"""The first screen: the few numbers a planner quotes, each with its exact value for whoever checks it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.report.words import exact, money, number, percent
from optimizer.runs.store import Run


@dataclass(frozen=True)
class Number:
    """One number: its name with the unit, its exact value ('' if the run does not have it) and how it is read."""

    name: str
    value: float | None
    shown: str
    label: str = ""

    @property
    def exact(self) -> str:
        return "" if self.value is None else exact(self.value)


@dataclass(frozen=True)
class Tile:
    zh: str
    en: str
    main: Number
    more: tuple[Number, ...] = ()
    note: str = ""


def headline(run: Run) -> tuple[Tile, ...]:
    """The tiles of a run, from its manifest and its indicators."""
    nation = national(run.table("indicators"))
    return (
        _cost(run),
        _gap(run),
        _greedy(run),
        _carbon(nation),
        Tile(
            "绿电占比",
            "Green share of clusters",
            _share("green_frac", nation.get("green share of clusters")),
            note="direct supply and certificates over consumption",
        ),
        _utilisation(nation),
        Tile(
            "时延内服务率",
            "Served within latency",
            _share("served_frac", nation.get("served within latency"), decimals=2),
            note="of latency-bound work, by compute",
        ),
        _east_west(run, nation),
    )


def national(indicators: pd.DataFrame) -> dict[str, float]:
    """Indicators of the nation by name."""
    rows = indicators[indicators["scope"] == "nation"]
    return {str(name): float(value) for name, value in zip(rows["indicator"], rows["value"], strict=True)}


def _share(name: str, value: float | None, label: str = "", decimals: int = 1) -> Number:
    return Number(name, value, percent(value, decimals), label)


def _cost(run: Run) -> Tile:
    cost = run.manifest["objective_kcny"]
    return Tile(
        "系统成本",
        "System cost",
        Number("objective_kcny", cost, money(cost)),
        (Number("objective_cny", None if cost is None else 1e3 * cost, f"{number(cost)} kCNY"),),
        "all items of the plan, over the horizon",
    )


def _gap(run: Run) -> Tile:
    best, bound, gap = (run.manifest[key] for key in ("objective_kcny", "bound_kcny", "gap_frac"))
    if best is None or bound is None or gap is None:
        return Tile("最优性差距", "Proved gap", Number("gap_frac", None, "–"), note="no bound was proved")
    return Tile(
        "最优性差距",
        "Proved gap",
        Number("gap_frac", gap, percent(gap, 3)),
        (
            Number("gap_cny", 1e3 * (best - bound), money(best - bound), "at most"),
            Number("bound_kcny", bound, money(bound), "bound"),
        ),
        "no plan can cost less than the bound",
    )


def _greedy(run: Run) -> Tile:
    best, rival = run.manifest["objective_kcny"], run.manifest["greedy_kcny"]
    if best is None or rival is None:
        reason = run.manifest.get("greedy_note") or "the run keeps none"
        return Tile("贪心方案", "Greedy plan", Number("greedy_kcny", None, "–"), note=f"no greedy plan: {reason}")
    saving = rival - best
    frac = saving / rival if rival else None
    return Tile(
        "贪心方案",
        "Greedy plan",
        Number("greedy_kcny", rival, money(rival)),
        (
            Number("saving_kcny", saving, money(abs(saving)), "saved" if saving >= 0 else "the plan costs more by"),
            Number("saving_frac", frac, f"({percent(None if frac is None else abs(frac))})"),
        ),
        "each piece of work at the nearest site with room",
    )


def _carbon(nation: dict[str, float]) -> Tile:
    here, market = nation.get("carbon, location-based"), nation.get("carbon, market-based")
    return Tile(
        "碳排放",
        "Carbon, both ledgers",
        Number("carbon_location_tco2", here, f"{number(here, 0)} t", "location"),
        (Number("carbon_market_tco2", market, f"{number(market, 0)} t", "market"),),
        "t CO₂; two ledgers, never added",
    )


def _utilisation(nation: dict[str, float]) -> Tile:
    return Tile(
        "算力利用率",
        "Utilisation",
        _share("utilisation_frac", nation.get("utilisation"), "all sites"),
        (
            _share("cluster_utilisation_frac", nation.get("cluster utilisation"), "clusters"),
            _share("western_utilisation_frac", nation.get("western cluster utilisation"), "western"),
        ),
        "load over usable capacity, mean of all hours",
    )


def _east_west(run: Run, nation: dict[str, float]) -> Tile:
    sent = nation.get("work sent from the east to the west")
    total = float(run.table("flows")["work_eflopsh"].sum())
    share = sent / total if sent is not None and total else None
    return Tile(
        "东数西算",
        "Work sent east → west",
        Number("east_west_eflopsh", sent, f"{number(sent, 0)} EFLOPS·h"),
        (_share("east_west_frac", share, "of all work"),),
        "from eastern provinces to western sites",
    )
