"""Who pays whom under cooperation: fees, compensation and returned tax, and the account of every region and hub.

These payments move money between parties and sum to zero; they are no national cost. What an agreement and the
administration of transfers cost is no transfer: it is a cost of the plan, listed with its agreement.
"""

from __future__ import annotations

import pandas as pd

from optimizer.solve.solution import Plan
from scenarios.instruments import Cooperation

TRANSFERS = ["payer", "payee", "kind", "kcny"]
AGREEMENTS = [
    "region",
    "hub",
    "outsourced_eflopsh",
    "fee_kcny",
    "compensation_kcny",
    "returned_tax_kcny",
    "tax_capped",
    "agreement_kcny",
    "administration_kcny",
]
PARTS = [
    "fees_received_kcny",
    "fees_paid_kcny",
    "compensation_received_kcny",
    "compensation_paid_kcny",
    "tax_received_kcny",
    "tax_paid_kcny",
    "hosting_cost_kcny",
]
ACCOUNTS = ["party", "kind", *PARTS, "net_kcny"]
FEE, COMPENSATION, RETURNED_TAX = "fee", "compensation", "returned tax"
COLUMN = {FEE: "fees", COMPENSATION: "compensation", RETURNED_TAX: "tax"}
NOTHING_KCNY = 1e-9


def agreement_table(plan: Plan) -> pd.DataFrame:
    """region, hub, outsourced_eflopsh, fee_, compensation_ and returned_tax_kcny, tax_capped, and what it costs.

    One row per agreement concluded. agreement_kcny and administration_kcny sum to the cost items of those names.
    Empty without the cooperation block.
    """
    terms = _terms(plan)
    if terms is None:
        return pd.DataFrame(columns=AGREEMENTS)
    table = _pairs(plan)
    table = table[table["agreement"] > 0.5].reset_index(drop=True)
    capped = plan.frame("cooperation.capped", "region", "hub", value="capped")
    at_cap = capped[capped["capped"] > 0.5]
    reached = set(zip(at_cap["region"], at_cap["hub"], strict=True))
    table["fee_kcny"] = terms.fee_kcny_per_eflopsh * table["outsourced_eflopsh"]
    table["tax_capped"] = [pair in reached for pair in zip(table["region"], table["hub"], strict=True)]
    table["agreement_kcny"] = terms.agreement_kcny
    table["administration_kcny"] = terms.administration_frac * table["compensation_kcny"]
    return table[AGREEMENTS]


def transfer_table(plan: Plan) -> pd.DataFrame:
    """payer, payee, kind (fee, compensation, returned tax), kcny: every payment with both its sides.

    Fees and compensation go from a region to a hub, returned tax from a hub to a region; a region and a hub may have
    the same name. Empty without the cooperation block.
    """
    agreed = agreement_table(plan)
    flows = (
        (FEE, "region", "hub", "fee_kcny"),
        (COMPENSATION, "region", "hub", "compensation_kcny"),
        (RETURNED_TAX, "hub", "region", "returned_tax_kcny"),
    )
    parts = [
        agreed.rename(columns={payer: "payer", payee: "payee", amount: "kcny"}).assign(kind=kind)[TRANSFERS]
        for kind, payer, payee, amount in flows
    ]
    table = pd.concat(parts, ignore_index=True).astype({"kcny": float})
    return table[table["kcny"] > NOTHING_KCNY].sort_values(["kind", "payer", "payee"], ignore_index=True)


def regional_accounts(plan: Plan) -> pd.DataFrame:
    """party, kind (region or hub), what it received (positive) and paid (negative) by kind, hosting cost, net_kcny.

    One row per region and per hub; net_kcny is the sum of the columns before it. Without hosting cost, the nets sum to
    zero. Empty without the cooperation block.
    """
    if _terms(plan) is None:
        return pd.DataFrame(columns=ACCOUNTS)
    case = plan.case
    hubs = list(dict.fromkeys(case.site_hub.values()))
    parties = [(r, "region") for r in case.regions] + [(h, "hub") for h in hubs]
    table = pd.DataFrame(parties, columns=["party", "kind"]).assign(**dict.fromkeys(PARTS, 0.0))
    table = table.set_index(["party", "kind"])
    for payer, payee, kind, kcny in transfer_table(plan).to_numpy():
        sides = ("hub", "region") if kind == RETURNED_TAX else ("region", "hub")
        table.loc[(payer, sides[0]), f"{COLUMN[kind]}_paid_kcny"] -= kcny
        table.loc[(payee, sides[1]), f"{COLUMN[kind]}_received_kcny"] += kcny
    for hub, kcny in hosting_cost_kcny(plan).items():
        table.loc[(hub, "hub"), "hosting_cost_kcny"] = -kcny
    table["net_kcny"] = table[PARTS].sum(axis=1)
    return table.reset_index()


def hosting_cost_kcny(plan: Plan) -> dict[str, float]:
    """hub -> incremental cost of the work it hosts for other provinces; empty without the cooperation block."""
    terms, case = _terms(plan), plan.case
    cost: dict[str, float] = {}
    if terms is None:
        return cost
    hosted = plan.frame("hosting.hosted_eflopsh", "region", "site", "day", value="work_eflopsh")
    for region, site, _, work in hosted.itertuples(index=False):
        if site in case.site_hub and region != case.site_region[site]:
            hub = case.site_hub[site]
            cost[hub] = cost.get(hub, 0.0) + terms.cost_kcny_per_eflopsh[site] * work
    return cost


def _terms(plan: Plan) -> Cooperation | None:
    return plan.case.cooperation if plan.has("cooperation.agreement") else None


def _pairs(plan: Plan) -> pd.DataFrame:
    """Every region and hub that might agree, with what the model decided."""
    columns = {
        "agreement": "agreement",
        "outsourced_eflopsh": "outsourced_eflopsh",
        "transfer_kcny": "compensation_kcny",
        "tax_kcny": "returned_tax_kcny",
    }
    table = plan.frame("cooperation.agreement", "region", "hub", value="agreement")
    for variable, column in columns.items():
        table[column] = plan.program.values(f"cooperation.{variable}", plan.x)
    return table
