"""Forward curve and basis by hub, from the index prices of an ensemble.

The forward price of an hour is the expectation of its index over the members, month by month if they stand in several.
There is no cost of carry in it: compute cannot be stored, so that nothing ties the price of a later hour to that of an
earlier one. Shadow prices of the planner's programme, not quotations.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.market.contracts import SHAPE_HOURS
from optimizer.market.outcomes import Outcomes
from optimizer.market.risk import quantile_kcny, variance_kcny2
from optimizer.market.strikes import basis_kcny_per_eflopsh
from scenarios.case import Floats
from scenarios.profiles import hours_of_day


def curve_table(outcomes: Outcomes) -> pd.DataFrame:
    """hub, month, hour ("all" for the mean over the horizon), mean, sd, low and high (5 and 95 %), kCNY per EFLOPS·h,
    and quoted_frac: how often the hub's own clusters made the price. Probabilities are those within the month.
    """
    index, quoted, p = outcomes.index_kcny_per_eflopsh, outcomes.quoted, outcomes.probability_frac
    months = np.array([member.start.strftime("%Y-%m") for member in outcomes.members])
    rows = []
    for month in sorted(set(months.tolist())):
        here = months == month
        q = p[here] / p[here].sum()
        for h, hub in enumerate(outcomes.hubs):
            rows.append((hub, month, "all", *_figures(index[here, h].mean(axis=1), q, quoted[here, h].mean(axis=1))))
            for t in range(outcomes.horizon.hours):
                rows.append((hub, month, str(t), *_figures(index[here, h, t], q, quoted[here, h, t])))
    names = [f"{name}_kcny_per_eflopsh" for name in ("mean", "sd", "low", "high")]
    return pd.DataFrame(rows, columns=["hub", "month", "hour", *names, "quoted_frac"])


def basis_table(outcomes: Outcomes) -> pd.DataFrame:
    """hub, profile, mean, sd, low and high of the hub's price less the nation's over the profile's hours."""
    hours = hours_of_day(outcomes.horizon)
    shapes = {name: np.isin(hours, list(of)).astype(float) for name, of in SHAPE_HOURS.items()}
    shapes = {name: shape for name, shape in shapes.items() if shape.any()}
    index, nation = outcomes.index_kcny_per_eflopsh, outcomes.national_kcny_per_eflopsh
    basis = basis_kcny_per_eflopsh(index, nation, np.stack(list(shapes.values())))
    p = outcomes.probability_frac
    rows = [
        (hub, name, *_figures(basis[:, h, n], p, np.ones(p.size))[:4])
        for h, hub in enumerate(outcomes.hubs)
        for n, name in enumerate(shapes)
    ]
    names = [f"{name}_kcny_per_eflopsh" for name in ("mean", "sd", "low", "high")]
    return pd.DataFrame(rows, columns=["hub", "profile", *names])


def _figures(values: Floats, p: Floats, quoted: Floats) -> tuple[float, float, float, float, float]:
    low, high = quantile_kcny(values, p, 0.05), quantile_kcny(values, p, 0.95)
    return float(p @ values), float(np.sqrt(variance_kcny2(values, p))), low, high, float(p @ quoted)
