"""Spatial weight matrices from coordinates or contiguity: row-standardised, no city its own neighbour, none alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from optimizer.econometrics.arrays import Floats
from optimizer.econometrics.covariance import great_circle_km
from optimizer.econometrics.errors import DesignError


def row_standardise(matrix: npt.ArrayLike) -> Floats:
    """Divide rows by their sums. Raises DesignError naming cities without neighbours, negative or self weights."""
    w = np.asarray(matrix, dtype=np.float64)
    if w.ndim != 2 or w.shape[0] != w.shape[1] or not np.isfinite(w).all() or (w < 0.0).any():
        raise DesignError("weights", f"have shape {w.shape}", "a square matrix of weights, none negative", "repair it")
    if np.diag(w).any():
        raise DesignError("weights", "have a diagonal", "no city is its own neighbour", "set the diagonal to zero")
    sums = w.sum(axis=1)
    alone = np.flatnonzero(sums == 0.0)
    if alone.size:
        shown = ", ".join(str(int(i)) for i in alone[:5])
        raise DesignError(
            "weights", f"{alone.size} cities have no neighbour: rows {shown}", "each city has a neighbour",
            "use nearest neighbours, or a wider cutoff",
        )  # fmt: skip
    return np.asarray(w / sums[:, None], dtype=np.float64)


def require_row_standardised(matrix: npt.ArrayLike, units: int) -> Floats:
    """The matrix, checked: square, of this many cities, rows summing to one."""
    w = np.asarray(matrix, dtype=np.float64)
    if w.shape != (units, units):
        raise DesignError(
            "weights", f"have shape {w.shape}", f"there are {units} cities", "one row and column per city"
        )
    if not np.allclose(w.sum(axis=1), 1.0, atol=1e-9):
        raise DesignError("weights", "have rows that do not sum to one", "impacts assume it", "use row_standardise")
    return w


def nearest(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, neighbours: int) -> Floats:
    """Each city's k nearest by great circle, equal weights."""
    distance = great_circle_km(np.column_stack((np.asarray(lat_deg, float), np.asarray(lon_deg, float))))
    np.fill_diagonal(distance, np.inf)
    if not 1 <= neighbours < distance.shape[0]:
        raise DesignError(
            "weights", f"{neighbours} neighbours", f"between 1 and {distance.shape[0] - 1}", "choose fewer"
        )
    w = np.zeros_like(distance)
    np.put_along_axis(w, np.argsort(distance, axis=1)[:, :neighbours], 1.0, axis=1)
    return row_standardise(w)


def inverse_distance(lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike, cutoff_km: float = np.inf) -> Floats:
    """One over distance, zero beyond the cutoff. Raises DesignError when two cities share a place."""
    distance = great_circle_km(np.column_stack((np.asarray(lat_deg, float), np.asarray(lon_deg, float))))
    np.fill_diagonal(distance, np.inf)
    if (distance <= 0.0).any():
        raise DesignError("weights", "two cities share a place", "distances are above zero", "move or merge them")
    return row_standardise(np.where(distance <= cutoff_km, 1.0 / distance, 0.0))
