"""Warehouse location as a programme: what may be opened, what it costs, and who is served from where."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from optimizer.solve.compile import Program


def warehouses(
    fixed: tuple[float, ...],
    sent: tuple[tuple[float, ...], ...],
    most_open: int | None = None,
    most_sent: float | None = None,
) -> Program:
    """Customers are served from warehouses that are open: the weak form, one row a warehouse, through accounts.

    `sent` holds what each customer costs from each warehouse, `most_sent` what a warehouse is allowed for.
    Columns: open y of each warehouse, its work z, then the shares x of customers, warehouse by warehouse.
    """
    many, customers = len(fixed), len(sent[0])
    columns = many * (2 + customers)
    share = np.arange(2 * many, columns).reshape(many, customers)
    rows, lower, upper = [], [], []

    def row(entries: dict[int, float], low: float, high: float) -> None:
        rows.append([entries.get(column, 0.0) for column in range(columns)])
        lower.append(low)
        upper.append(high)

    for w in range(many):
        row({many + w: 1.0} | dict.fromkeys(share[w].tolist(), -1.0), 0.0, 0.0)
        row({many + w: 1.0, w: -(most_sent or float(customers))}, -np.inf, 0.0)
    for c in range(customers):
        row(dict.fromkeys(share[:, c].tolist(), 1.0), 1.0, 1.0)
    if most_open is not None:
        row(dict.fromkeys(range(many), 1.0), -np.inf, float(most_open))
    return Program(
        items=("all",),
        item_cost=sparse.csr_array(np.array([[*fixed, *[0.0] * many, *np.ravel(sent)]])),
        item_offset=np.zeros(1),
        matrix=sparse.csr_array(np.array(rows)),
        row_lower=np.array(lower),
        row_upper=np.array(upper),
        lower=np.zeros(columns),
        upper=np.array([1.0] * many + [np.inf] * (columns - many)),
        integer=np.arange(columns) < many,
        variables={"x": np.arange(columns)},
        index={"x": tuple(range(columns))},
        row_keys=tuple(("row", number) for number in range(len(rows))),
        units={"x": "[1] a share", "row": "[1] a rule"},
    )
