"""Peak shaving: a payment for drawing less than a baseline in the hours the grid calls.

A cluster enrols a share of its halls. Together they keep within their share of the baseline in every called hour
and are paid for the difference; the other halls draw as they like and earn nothing. Halls are filled at will, so
idle ones may be enrolled and earn: the stated baseline, a share of the connection, pays for standby. It is given, not
chosen: a baseline that followed the plan could be raised to be paid for lowering it again.

Reads   PeakShaving (hours, baseline, price); grid imports
Posts   peak-shaving income (a credit)
Omits   baselines measured on earlier days, penalties for failing a call, minimum sizes, local sites
Source  provincial demand-response rules (削峰填谷): payment by the MWh shaved below a reference load
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from scenarios.case import Case


def build(model: pyo.ConcreteModel, case: Case) -> None:
    called = case.peak_shaving
    if called is None or not called.kcny_per_mwh or not called.hours:
        return
    m = model.peak_shaving = pyo.Block(doc=__doc__)
    baseline = dict(zip(case.clusters, called.baseline_mw.tolist(), strict=True))
    connection = dict(zip(case.sites, case.connection_mw.tolist(), strict=True))
    m.hours = pyo.Set(initialize=called.hours)
    m.baseline_mw = pyo.Param(model.clusters, initialize=baseline)
    m.above_mw = pyo.Param(model.clusters, initialize={c: max(0.0, connection[c] - baseline[c]) for c in case.clusters})
    m.enrolled_frac = pyo.Var(model.clusters, bounds=(0, 1), doc="[1] share of a cluster's halls that is enrolled")
    m.shaved_mw = pyo.Var(
        model.clusters, m.hours, within=pyo.NonNegativeReals, doc="[MW] drawn less than the baseline, and paid for"
    )

    def draws_below_baseline(_: Any, c: str, t: int) -> Any:
        open_mw = m.above_mw[c] * (1 - m.enrolled_frac[c])
        return model.grid.import_mw[c, t] + m.shaved_mw[c, t] <= m.baseline_mw[c] + open_mw

    def is_paid_only_if_enrolled(_: Any, c: str, t: int) -> Any:
        return m.shaved_mw[c, t] <= m.baseline_mw[c] * m.enrolled_frac[c]

    place = (model.clusters, m.hours)
    m.draws_below_baseline = pyo.Constraint(
        *place,
        rule=draws_below_baseline,
        doc="[MW] enrolled halls draw at most their baseline less what is shaved",
    )
    m.is_paid_only_if_enrolled = pyo.Constraint(
        *place, rule=is_paid_only_if_enrolled, doc="[MW] only enrolled halls are paid"
    )
    price = called.kcny_per_mwh
    model.books.charge(
        "peak_shaving_income", lambda M: sum(-price * m.shaved_mw[c, t] for c in M.clusters for t in m.hours)
    )
