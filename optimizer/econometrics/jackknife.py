"""CRV3, the cluster jackknife, with the absorbed effects re-estimated without each cluster.

Leaving out rows g is adding one dummy for each of them. After the effects D, that removes x_g' A^+ x_g from X'X, with
A = I - P_D[g, g]; so no regression is run again. Source: MacKinnon, Nielsen and Webb 2023, extended to absorbed
effects.
"""

from __future__ import annotations

import numpy as np

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.covariance import Covariance
from optimizer.econometrics.effects import Effects
from optimizer.econometrics.errors import DesignError


def leave_out_changes(
    x: Floats, residuals: Floats, inverse: Floats, covariance: Covariance, effects: Effects | None
) -> Floats:
    """beta without cluster g less beta, for each g: (G, k). Raises DesignError if a slope needs one cluster."""
    codes, levels = covariance.groups[0]
    gram = np.linalg.inv(inverse)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(levels + 1))
    changes = np.empty((levels, x.shape[0]))
    for g in range(levels):
        rows = order[starts[g] : starts[g + 1]]
        part, error = x[:, rows], residuals[rows]
        if effects is not None:
            kept = np.linalg.pinv(np.eye(rows.size) - effects.hat_block(rows), rcond=1e-9, hermitian=True)
            weighted = part @ kept
        else:
            weighted = part
        reduced = gram - weighted @ part.T
        if np.linalg.cond(reduced) > 1e12:
            raise DesignError(
                "jackknife",
                f"a slope is not identified without cluster {g}",
                "each cluster can be left out",
                "use cluster",
            )
        changes[g] = -np.linalg.solve(reduced, weighted @ error)
    return changes


def jackknife_variance(
    x: Floats, residuals: Floats, inverse: Floats, covariance: Covariance, effects: Effects | None
) -> Floats:
    """(G - 1)/G times the sum of outer products of the changes, centred on the full estimate."""
    changes = leave_out_changes(x, residuals, inverse, covariance, effects)
    groups = changes.shape[0]
    return np.asarray((groups - 1.0) / groups * (changes.T @ changes), dtype=np.float64)
