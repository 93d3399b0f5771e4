"""The model: one concern per file, posted to ledgers, closed once.

A block module has a docstring that states its physics (*Reads*, *Posts*, *Omits*, *Source*) and one
function `build(model, case)`. A policy is a block that is present or absent in `case.blocks`; a new
concern is one new file and one name in `BLOCKS`.
"""

from __future__ import annotations

from types import ModuleType

import pyomo.core.base.constraint as pyomo_constraint
import pyomo.core.base.objective as pyomo_objective
import pyomo.environ as pyo

from optimizer.blocks import (
    batch,
    carbon,
    cooperation,
    coverage,
    credit,
    delivery,
    expansion,
    facility,
    fleet,
    green,
    grid,
    hosting,
    innovation,
    jobs,
    network,
    peak_shaving,
    renewable,
    service,
    storage,
)
from optimizer.blocks.sets import open_books
from scenarios.case import Case

BLOCKS: dict[str, ModuleType] = {
    "service": service,
    "batch": batch,
    "jobs": jobs,
    "hosting": hosting,
    "cooperation": cooperation,
    "delivery": delivery,
    "expansion": expansion,
    "fleet": fleet,
    "facility": facility,
    "grid": grid,
    "peak_shaving": peak_shaving,
    "renewable": renewable,
    "storage": storage,
    "credit": credit,
    "green": green,
    "carbon": carbon,
    "network": network,
    "coverage": coverage,
    "innovation": innovation,
}


def build_model(case: Case) -> pyo.ConcreteModel:
    """The whole model as the problem statement: sets and empty ledgers, every block, every balance."""
    with templates():
        model = open_books(case)
        for name, block in BLOCKS.items():
            if name in case.blocks:
                block.build(model, case)
        model.books.close(model)
    return model


class templates:
    """Ask Pyomo to keep one template per constraint instead of one expression per row, while inside."""

    def __enter__(self) -> None:
        pyomo_constraint.TEMPLATIZE_CONSTRAINTS = True
        pyomo_objective.TEMPLATIZE_OBJECTIVES = True

    def __exit__(self, *_: object) -> None:
        pyomo_constraint.TEMPLATIZE_CONSTRAINTS = False
        pyomo_objective.TEMPLATIZE_OBJECTIVES = False
