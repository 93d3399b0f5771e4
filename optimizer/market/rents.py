"""Congestion rents of links, and what one more certificate, MW of connection or Gbit/s is worth.

A link that is full earns what its capacity saves: the dual of `carries_within_capacity`. For every pair of region and
cluster and every period, what it costs to carry one more Gbit/s, less what receiving the data costs, is the sum of
the rents along any route in use; so the price differences times flows add up to the rents of all links. Duals are
those of the planner's programme (no market for bandwidth by the period exists).

Source  Schweppe et al. (1988), network revenue of spot prices; Hogan (1992), congestion rents
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.market.duals import CERTIFICATE, CONNECTION, LINKS, Priced, rows_of, used_columns
from optimizer.solve.engine import Columns
from scenarios.case import Case, Floats

TRAFFIC = {
    "movable": ("network.flow_gbps", "network.finds_a_route"),
    "pinned": ("network.pinned_gbps", "network.takes_nearest_route"),
}
"""Sort of traffic -> its variable, and the rule whose dual is the cost of carrying one more Gbit/s."""
RECEIVED = "network.receives_all_data"


def rents_table(priced: Priced) -> pd.DataFrame:
    """One row a link and period: rent per Gbit/s of the period (NaN if not identified), and in all.

    link, period, used_gbps, lit_gbps (with wavelengths lit or built), rent_kcny_per_gbps, identified, rent_kcny (of the
    solver's dual, so that rents add up whether identified or not).
    """
    p, x = priced.program, priced.x
    rows = rows_of(p, LINKS)
    traffic = np.concatenate([used_columns(p, name)[0] for name, _ in TRAFFIC.values()])
    used = p.matrix[rows][:, traffic] @ x[traffic]
    table = pd.DataFrame([p.row_keys[row][1] for row in rows.tolist()], columns=["link", "period"])
    table["used_gbps"] = used
    table["lit_gbps"] = p.row_upper[rows] - (p.matrix[rows] @ x - used)
    table["identified"] = priced.rows_identified(rows)
    rent = -priced.row[rows]
    table["rent_kcny_per_gbps"] = np.where(table["identified"], rent, np.nan)
    table["rent_kcny"] = rent * used
    return table


def arc_table(priced: Priced) -> pd.DataFrame:
    """One row a pair, period and sort of traffic: what carrying costs at the margin, and the rents on its routes.

    region, site, period, traffic, flow_gbps, price_kcny_per_gbps, transfer_kcny_per_gbps, rent_kcny (flows times the
    rents of the links they use). By optimality (price - transfer) x flow = rent_kcny.
    """
    frames = []
    for sort, (variable, rule) in TRAFFIC.items():
        columns, members = used_columns(priced.program, variable)
        frame = pd.DataFrame(
            [(member[0], member[1], member[-1]) for member in members], columns=["region", "site", "period"]
        )
        frame["traffic"] = sort
        frame["flow_gbps"] = priced.x[columns]
        frame["price_kcny_per_gbps"] = _paid(priced, rule, columns)
        frame["transfer_kcny_per_gbps"] = -_paid(priced, RECEIVED, columns)
        frame["rent_kcny"] = -_paid(priced, LINKS, columns) * priced.x[columns]
        frames.append(frame)
    summed = {"flow_gbps": "sum", "price_kcny_per_gbps": "first", "transfer_kcny_per_gbps": "first", "rent_kcny": "sum"}
    keys = ["region", "site", "period", "traffic"]
    return pd.concat(frames).groupby(keys, sort=False, as_index=False).agg(summed)


def _paid(priced: Priced, rule: str, columns: Columns) -> Floats:
    """What the rows of one rule pay for a unit of each column."""
    rows = rows_of(priced.program, rule)
    return np.asarray(priced.program.matrix[rows][:, columns].T @ priced.row[rows], dtype=np.float64)


def worth_table(priced: Priced, case: Case) -> pd.DataFrame:
    """What one more saves over the horizon: what, place, unit, worth_kcny_per_unit (NaN if not identified), identified.

    A certificate is one given to a cluster (at most its market price: more could be bought), a connection one MW more
    at a site, a link one Gbit/s more in every period.
    """
    p = priced.program
    rows: list[tuple[str, str, str, float, bool]] = []
    columns, members = used_columns(p, CERTIFICATE)
    if columns.size:
        paid = p.item_cost[[p.items.index("certificates")]].toarray()[0, columns]
        worth = paid - np.where(priced.columns_identified(columns), priced.column_high[columns], np.nan)
        rows += [("certificate", c, "MWh", float(v), v == v) for c, v in zip(members, worth.tolist(), strict=True)]
    columns, members = used_columns(p, CONNECTION)
    worth = -np.where(priced.columns_identified(columns), priced.column_high[columns], np.nan)
    rows += [("connection", s, "MW", float(v), v == v) for s, v in zip(members, worth.tolist(), strict=True)]
    rents = rents_table(priced).groupby("link", sort=False)["rent_kcny_per_gbps"].sum(min_count=case.horizon.periods)
    rows += [("link", str(link), "Gbit/s", float(v), v == v) for link, v in rents.items()]
    table = pd.DataFrame(rows, columns=["what", "place", "unit", "worth_kcny_per_unit", "identified"])
    table["worth_kcny_per_unit"] += 0.0  # no minus zero
    return table
