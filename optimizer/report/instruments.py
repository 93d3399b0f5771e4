"""The sections of the page that only some runs have: transfers, what was built, batteries, forward positions."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.report.cards import Card, account_table, filled, records
from optimizer.report.figures import Table
from optimizer.report.words import bilingual
from optimizer.runs.store import Run


@dataclass(frozen=True)
class Section:
    name: str
    zh: str
    en: str
    decides: str
    """What the model also decides in a run that has this section."""
    card: Card


def sections(run: Run) -> tuple[Section, ...]:
    """The sections this run has, in the order of the page."""
    every = (
        (
            "transfers",
            "合作与转移支付",
            "Cooperation and transfers",
            "which regions agree with which hubs",
            _accounts(run),
        ),
        ("built", "新建与扩容", "What is built", "what is built", _built(run)),
        ("batteries", "储能", "Batteries", "when batteries are charged", _batteries(run)),
        (
            "positions",
            "远期算力交割",
            "Forward positions",
            "what is delivered under forward positions",
            _positions(run),
        ),
    )
    return tuple(Section(name, zh, en, decides, card) for name, zh, en, decides, card in every if card)


def _accounts(run: Run) -> Card | None:
    accounts = filled(run, "regional_accounts")
    if accounts is None:
        return None
    columns = {
        "fees_received_kcny": "fees received",
        "fees_paid_kcny": "fees paid",
        "compensation_received_kcny": "compensation received",
        "compensation_paid_kcny": "compensation paid",
        "tax_received_kcny": "tax received",
        "tax_paid_kcny": "tax returned",
        "hosting_cost_kcny": "hosting cost",
        "net_kcny": "net, kCNY",
    }
    accounts = accounts.assign(party=[_party(*row) for row in accounts[["party", "kind"]].to_numpy()])
    moved = accounts[accounts[list(columns)].abs().max(axis=1) > 0].sort_values("kind", kind="stable")  # hubs first
    folded = []
    agreements, transfers = filled(run, "agreements"), filled(run, "transfers")
    if agreements is not None:
        folded.append(("合作协议 Agreements", _agreements(agreements)))
    if transfers is not None:
        rows = [((payer, payee, bilingual(kind)), [float(n)]) for payer, payee, kind, n in transfers.to_numpy()]
        folded.append(("逐笔转移支付 Payments one by one", account_table(("payer", "payee", "kind", "kCNY"), rows)))
    idle = len(accounts) - len(moved)
    return Card(
        "各方账户",
        "Accounts of regions and hubs",
        account_table(("party", *columns.values()), records(moved, "party", columns), total=True),
        "Received is positive, paid negative; the net is the sum of its row. Fees, compensation and tax sum to zero "
        f"over all parties: they are no cost of the plan. {idle} of {len(accounts)} parties neither pay nor receive.",
        total=True,
        folded=tuple(folded),
    )


def _agreements(agreements: pd.DataFrame) -> Table:
    columns = {
        "outsourced_eflopsh": "outsourced, EFLOPS·h",
        "fee_kcny": "fee, kCNY",
        "compensation_kcny": "compensation, kCNY",
        "returned_tax_kcny": "returned tax, kCNY",
    }
    names = agreements["region"] + " → " + agreements["hub"]
    return account_table(("agreement", *columns.values()), records(agreements.assign(pair=names), "pair", columns))


def _built(run: Run) -> Card | None:
    offered = filled(run, "expansion")
    if offered is None:
        return None
    built = offered[offered["built"] > 1e-6]
    words = ("kind", "place", "of", "unit")
    rows = [
        ((bilingual(str(kind)), str(place), bilingual(str(what)), str(unit)), [float(n), float(limit), float(kcny)])
        for kind, place, what, unit, n, limit, kcny in built[
            ["kind", "place", "what", "unit", "built", "limit", "cost_kcny"]
        ].to_numpy()
    ]
    return Card(
        "新建设施",
        "Pods, plants and wavelengths built",
        account_table((*words, "built", "limit", "annuity, kCNY"), rows),
        f"{len(built)} of {len(offered)} offers are taken up. The annuity is pro-rated to the horizon and paid whether "
        "what was built is used or not.",
    )


def _batteries(run: Run) -> Card | None:
    storage = filled(run, "storage")
    if storage is None:
        return None
    sums = storage.groupby("cluster")[["charge_mw", "discharge_mw", "loss_mwh"]].sum()
    sums.insert(0, "energy_mwh", storage.groupby("cluster")["energy_mwh"].first())
    sums["cycles"] = sums["discharge_mw"] / sums["energy_mwh"].where(sums["energy_mwh"] > 0)
    rows = [((str(name),), row) for name, row in zip(sums.index, sums.to_numpy().tolist(), strict=True)]
    return Card(
        "储能运行",
        "Batteries by cluster",
        account_table(("cluster", "holds, MWh", "charged, MWh", "given back, MWh", "lost, MWh", "full cycles"), rows),
        "Losses are consumption like any other: drawn, paid for and claimed. A full cycle gives back what the battery "
        "holds.",
    )


def _positions(run: Run) -> Card | None:
    positions, daily = filled(run, "positions"), filled(run, "delivery")
    if positions is None:
        return None
    columns = {
        "quantity_eflopsh": "quantity",
        "owed_eflopsh": "owed",
        "delivered_eflopsh": "delivered",
        "undelivered_eflopsh": "not delivered",
        "untaken_eflopsh": "not taken",
        "damages_kcny": "damages, kCNY",
    }
    names = [
        f"{name}: {cluster} → {region}, {bilingual(f'{kind} position')}"
        for name, cluster, region, kind in positions[["position", "cluster", "region", "kind"]].to_numpy()
    ]
    folded = []
    if daily is not None:
        rows = [((str(name), str(day)), list(amounts)) for name, day, *amounts in daily.to_numpy()]
        folded.append(
            (
                "逐日交割 Delivery by day, EFLOPS·h",
                account_table(("position", "day", "owed", "delivered", "not delivered"), rows),
            )
        )
    return Card(
        "远期合约交割",
        "Delivery under forward positions",
        account_table(
            ("position, EFLOPS·h", *columns.values()), records(positions.assign(pair=names), "pair", columns)
        ),
        "What is owed and not delivered, or not taken of a band, is paid at the stated damages.",
        folded=tuple(folded),
    )


def _party(name: str, kind: str) -> str:
    return f"{name} ({bilingual(kind)})" if kind == "hub" else str(name)
