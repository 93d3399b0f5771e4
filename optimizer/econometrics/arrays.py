"""Array types, and the one way a column or a matrix enters the core.

Inside the core a data matrix is stored with *variables as rows*, shape (k, n): sums over observations are then
contiguous, which is what makes the estimators fast. Users pass the usual (n,) and (n, k).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from optimizer.econometrics.errors import DesignError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def as_vector(values: npt.ArrayLike, what: str) -> Floats:
    """One finite column, shape (n,). Raises DesignError naming the first rows that are not finite."""
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise DesignError(
            what, f"has shape {vector.shape}", "a column is one-dimensional", "pass an array of shape (n,)"
        )
    _require_finite(vector[None, :], (what,))
    return vector


def as_rows(values: npt.ArrayLike, names: Sequence[str], nobs: int) -> Floats:
    """A user's (n, k) or (n,) matrix as variables-in-rows (k, n), finite, of the right length."""
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2 or matrix.shape[0] != nobs:
        raise DesignError(
            "regressors",
            f"have shape {matrix.shape}",
            f"there is one row per observation ({nobs})",
            "pass shape (n, k)",
        )
    if matrix.shape[1] != len(names):
        raise DesignError(
            "regressors",
            f"have {matrix.shape[1]} columns and {len(names)} names",
            "each column has one name",
            "match them",
        )
    rows = np.ascontiguousarray(matrix.T)
    _require_finite(rows, names)
    return rows


def _require_finite(rows: Floats, names: Sequence[str]) -> None:
    # One sum per variable is enough to see a NaN or an infinity; rows are searched only when there is one.
    for row, name in zip(rows, names, strict=True):
        if not np.isfinite(row.sum()):
            bad = np.flatnonzero(~np.isfinite(row))
            if bad.size:
                shown = ", ".join(str(int(i)) for i in bad[:5])
                raise DesignError(
                    f"variable '{name}'",
                    f"is not finite in {bad.size} row(s): {shown}",
                    "every value is a finite number",
                    "drop or repair these rows before estimating",
                )


def default_names(count: int, stem: str = "x") -> tuple[str, ...]:
    """Names x1, x2, ... for unnamed columns."""
    return tuple(f"{stem}{i + 1}" for i in range(count))


def as_codes(labels: npt.ArrayLike) -> tuple[Ints, int]:
    """Any labels as codes 0..levels-1 (sorted order of labels) and the number of levels."""
    array = np.asarray(labels)
    if array.dtype.kind in "iu" and array.size and array.min() == 0 and array.max() < array.size:
        counts = np.bincount(array)
        if counts.all():
            return array.astype(np.int64, copy=False), int(counts.size)
    uniques, codes = np.unique(array, return_inverse=True)
    return codes.astype(np.int64, copy=False).reshape(-1), int(uniques.size)


def group_sums(rows: Floats, codes: Ints, levels: int) -> Floats:
    """Sums of each variable within groups: (k, n) and codes (n,) -> (k, levels)."""
    out = np.empty((rows.shape[0], levels))
    for i, row in enumerate(rows):
        out[i] = np.bincount(codes, weights=row, minlength=levels)
    return out
