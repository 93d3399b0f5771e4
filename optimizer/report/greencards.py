"""Green claims on the page: by cluster and source, by buyer, and the carbon of each region that asked for work."""

from __future__ import annotations

import pandas as pd

from optimizer.report.cards import Card, account_table, filled, pairs, records
from optimizer.report.figures import Table
from optimizer.report.words import bilingual
from optimizer.runs.store import Run


def claims_card(run: Run) -> Card | None:
    """Each cluster's claims by source, and those of them that went to buyers."""
    claims = filled(run, "claims")
    if claims is None:
        return None
    sources = list(dict.fromkeys(claims["source"]))
    by_source = claims.pivot_table(index="cluster", columns="source", values="mwh", aggfunc="sum", fill_value=0.0)
    sold = claims[claims["claimant"] != claims["cluster"]]
    to_buyers = sold.groupby("cluster")["mwh"].sum().reindex(by_source.index, fill_value=0.0)
    rows = [
        ((str(cluster),), [*row, float(to_buyers[cluster])])
        for cluster, row in zip(by_source.index, by_source[sources].to_numpy().tolist(), strict=True)
    ]
    columns = ("cluster, MWh", *map(_source, sources), "of them conveyed to buyers")
    buyers = sold.groupby("claimant")["mwh"].sum()
    folded = []
    if len(sold):
        folded.append(("买方的绿证 Claims conveyed, by buyer", account_table(("region", "MWh"), pairs(buyers))))
    carbon = filled(run, "regional_carbon")
    if carbon is not None:
        folded.append(("按需求地的碳排放 Carbon by the region that asked for the work", _carbon(carbon)))
    return Card(
        "绿色权益归属",
        "Green claims by source",
        account_table(columns, rows, total=True),
        "Every MWh of every source has one owner, checked before the run is stored: the cluster, or the region that "
        "it was conveyed to with hosted work.",
        total=True,
        folded=tuple(folded),
    )


def _carbon(carbon: pd.DataFrame) -> Table:
    columns = {
        "work_eflopsh": "work, EFLOPS·h",
        "energy_mwh": "energy, MWh",
        "bought_mwh": "claims conveyed to it, MWh",
        "location_tco2": "location-based, t",
        "market_tco2": "market-based, t",
    }
    return account_table(("region", *columns.values()), records(carbon, "region", columns), total=True)


def _source(name: str) -> str:
    """'contracted wind' -> '合同 contracted 风电 wind'."""
    kind, _, carrier = name.partition(" ")
    return f"{bilingual(f'{kind} supply')} {bilingual(carrier)}" if carrier else bilingual(name)
