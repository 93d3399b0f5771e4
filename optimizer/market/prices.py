"""Shadow prices of compute at every site and hour, of a fixed plan and of its relaxation.

No spot market for compute exists: these are duals of the planner's own programme, what one EFLOPS more for one hour
at a site would add to the national cost. They assume that the planner knows all costs and that all sites answer.

Two prices, because with whole pods no single price supports the plan:
    fixed     every whole number held at the plan, all else at its best again: the marginal cost of operating what
              was committed. The plan that belongs to it (`Prices.fixed.x`) never costs more than the one given.
    relaxed   whole numbers may be broken: each unit also bears its part of start-ups and idle power.
Both leave some sites short; `uplift.py` says by how much. The convex-hull price, which needs the least uplift, is left
out: it takes the Lagrangian dual over all ledgers, a mixed-integer programme per site in every step, and is not to be
had cheaply. The relaxed price equals it where relaxing the programmes of sites and jobs gives their convex hulls;
demand charges, connections and lit racks break that.

A dual is *identified* if one unit more and one unit less are worth the same. Where nothing runs it is not: any price
between what work would pay and what machines would ask supports the plan. Such prices are NaN in the tables;
`intervals` gives both ends.

Source  Bohn, Caramanis & Schweppe (1984) for prices by place and time as duals; O'Neill et al. (2005) for prices at
        fixed commitment; Hogan & Ring (2003) and Gribik, Hogan & Pope (2007) for uplift and the convex hull
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.market.duals import COMPUTE, KINDS, Prices, load_eflops, rows_of
from scenarios.case import Case


def prices_table(prices: Prices, case: Case) -> pd.DataFrame:
    """One row a site and hour, in the case's order: site, hub (empty for local sites), hour, load_eflops, and of each
    kind price, low and high (kCNY per EFLOPS·h) and whether it is identified; the price is NaN if it is not.
    """
    program = prices.fixed.program
    rows = rows_of(program, COMPUTE)
    table = pd.DataFrame([program.row_keys[row][1] for row in rows.tolist()], columns=["site", "hour"])
    table.insert(1, "hub", [case.site_hub.get(site, "") for site in table["site"]])
    table["load_eflops"] = load_eflops(program, prices.fixed.x)
    for kind in KINDS:
        priced = prices.of_kind(kind)
        identified = priced.rows_identified(rows)
        table[f"price_{kind}_kcny_per_eflopsh"] = np.where(identified, priced.row[rows], np.nan)
        table[f"low_{kind}_kcny_per_eflopsh"] = priced.row_low[rows]
        table[f"high_{kind}_kcny_per_eflopsh"] = priced.row_high[rows]
        table[f"identified_{kind}"] = identified
    return table


def hub_table(table: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Prices by hub, of a `prices_table`: one row a hub and kind, identified site-hours only.

    hub, kind, site_hours, identified, mean, min, max, peak, valley (kCNY per EFLOPS·h). Means are weighted by load;
    peak and valley are the means over the hours in which a site's grid energy is dearest and cheapest. NaN where no
    hour of that sort carries load at an identified price.
    """
    tariff = pd.DataFrame(case.energy_kcny_per_mwh, index=case.sites)
    dearest, cheapest = (tariff.eq(end, axis=0).stack() for end in (tariff.max(axis=1), tariff.min(axis=1)))
    place = pd.MultiIndex.from_frame(table[["site", "hour"]])
    marked = table.assign(peak=dearest.loc[place].to_numpy(), valley=cheapest.loc[place].to_numpy())
    rows = []
    for hub, part in marked[marked["hub"] != ""].groupby("hub", sort=False):
        for kind in KINDS:
            known = part[part[f"identified_{kind}"]]
            price = known[f"price_{kind}_kcny_per_eflopsh"]
            means = [_mean(known[mask], price[mask]) for mask in (price.notna(), known["peak"], known["valley"])]
            rows.append((hub, kind, len(part), len(known), means[0], price.min(), price.max(), *means[1:]))
    figures = [f"{name}_kcny_per_eflopsh" for name in ("mean", "min", "max", "peak", "valley")]
    return pd.DataFrame(rows, columns=["hub", "kind", "site_hours", "identified", *figures])


def _mean(part: pd.DataFrame, price: pd.Series[float]) -> float:
    load = part["load_eflops"]
    return float((price * load).sum() / load.sum()) if load.sum() > 0 else np.nan
