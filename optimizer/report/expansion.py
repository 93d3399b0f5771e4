"""What a planning run builds: pods, plants and wavelengths, each with its limit and its annuity."""

from __future__ import annotations

import pandas as pd

from optimizer.solve.solution import Plan

COLUMNS = ["kind", "place", "what", "built", "limit", "unit", "cost_kcny"]


def expansion_table(plan: Plan) -> pd.DataFrame:
    """kind, place (cluster or link), what (generation or carrier), built, limit, unit, cost_kcny.

    A row for all that might be built, also where nothing was; cost_kcny is the annuity of what was, pro-rated to the
    horizon. Empty without the expansion block.
    """
    case, offer = plan.case, plan.case.expansion
    if offer is None or not plan.has("expansion.pods"):
        return pd.DataFrame(columns=COLUMNS)
    pod_kcny = dict(zip((g.name for g in case.generations), offer.pod_kcny.tolist(), strict=True))
    plant_kcny = dict(zip(case.carriers, offer.direct_kcny_per_mw.tolist(), strict=True))
    pods = plan.frame("expansion.pods", "place", "what", value="built").assign(kind="pods", unit="pods")
    pods["limit"], pods["price"] = offer.pods_max.ravel(), pods["what"].map(pod_kcny)
    plants = plan.frame("expansion.plant_mw", "place", "what", value="built").assign(kind="plant", unit="MW")
    plants["limit"], plants["price"] = offer.direct_max_mw.ravel(), plants["what"].map(plant_kcny)
    links = plan.frame("expansion.wavelengths", "place", value="built").assign(kind="wavelengths", unit="wavelengths")
    most = dict(zip(case.links, offer.wavelengths_max.tolist(), strict=True))
    links["limit"], links["price"], links["what"] = links["place"].map(most), offer.wavelength_kcny, ""
    table = pd.concat([part for part in (pods, plants, links) if len(part)], ignore_index=True)
    table["cost_kcny"] = table["price"] * table["built"]
    return table.loc[table["limit"] > 0, COLUMNS].reset_index(drop=True)
