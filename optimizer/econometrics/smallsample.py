"""Small-sample conventions, explicit and named: what R plm, Stata, pyfixest and linearmodels each do by default.

Four programs print four standard errors for one regression because they answer four questions differently: is the error
variance divided by n or by n - k; is a robust variance inflated by rows; which parameters k counts when cities are
absorbed and clusters nest them; and is G/(G-1) applied. Each convention below is checked against its program's output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from optimizer.econometrics.errors import DesignError

Count = Literal["slopes", "nonnested", "all", "unless-one-nested"]


@dataclass(frozen=True)
class SmallSample:
    """A convention.

    sigma: divisor of the iid error variance. rows: inflation of robust variances by observations (heteroskedastic
    variances use n/(n-k) for either of the last two). count: which parameters k counts in `rows`; `nonnested` leaves
    out effects nested in clusters but keeps one for each. groups: G/(G-1), with each cluster variable's own G or the
    smallest. reference: the distribution of t. naive_rank: redundant dummies counted as one per effect after the
    first, not by exact rank.
    """

    name: str
    sigma: Literal["n", "n-k"]
    rows: Literal["none", "n/(n-k)", "(n-1)/(n-k)"]
    count: Count
    groups: Literal["none", "own", "min"]
    reference: Literal["normal", "residual", "clusters"]
    naive_rank: bool = False


_CONVENTIONS = (
    SmallSample("reghdfe", "n-k", "(n-1)/(n-k)", "nonnested", "min", "clusters"),
    SmallSample("pyfixest", "n-k", "(n-1)/(n-k)", "nonnested", "min", "clusters", naive_rank=True),
    SmallSample("xtreg", "n-k", "(n-1)/(n-k)", "nonnested", "own", "clusters"),
    SmallSample("areg", "n-k", "(n-1)/(n-k)", "all", "own", "clusters"),
    SmallSample("ivreg2", "n", "none", "slopes", "none", "normal"),
    SmallSample("ivreg2-small", "n-k", "(n-1)/(n-k)", "slopes", "min", "clusters"),
    SmallSample("plm", "n-k", "none", "slopes", "none", "residual"),
    SmallSample("plm-hc1", "n-k", "n/(n-k)", "slopes", "none", "residual"),
    SmallSample("plm-sss", "n-k", "(n-1)/(n-k)", "slopes", "own", "residual"),
    SmallSample("linearmodels", "n-k", "n/(n-k)", "unless-one-nested", "none", "residual"),
    SmallSample("linearmodels-group", "n-k", "(n-1)/(n-k)", "unless-one-nested", "own", "residual"),
    SmallSample("none", "n", "none", "all", "none", "normal"),
)
CONVENTIONS: Mapping[str, SmallSample] = MappingProxyType({c.name: c for c in _CONVENTIONS})


def convention(ssc: str | SmallSample) -> SmallSample:
    """The convention of that name. Raises DesignError listing the names there are."""
    if isinstance(ssc, SmallSample):
        return ssc
    if ssc not in CONVENTIONS:
        raise DesignError(
            "ssc", f"is '{ssc}'", "a small-sample convention is one of " + ", ".join(CONVENTIONS), "name one of these"
        )
    return CONVENTIONS[ssc]


@dataclass(frozen=True)
class Counts:
    """What the convention needs to know of a regression: sizes of the parts of its parameter vector.

    absorbed is the exact rank of the absorbed effects, naive_absorbed their levels less one per effect after the first,
    nested_levels and nested_effects describe those nested in a cluster variable;
    all_nested_everywhere says that every effect is nested in every cluster variable.
    """

    nobs: int
    slopes: int
    absorbed: int = 0
    naive_absorbed: int = 0
    effects: int = 0
    nested_levels: int = 0
    nested_effects: int = 0
    all_nested_everywhere: bool = False

    def all_parameters(self, rule: SmallSample) -> int:
        """Slopes and absorbed effects."""
        return self.slopes + (self.naive_absorbed if rule.naive_rank else self.absorbed)

    def parameters(self, rule: SmallSample) -> int:
        """k of the convention's row factor."""
        everything = self.all_parameters(rule)
        if rule.count == "slopes":
            return self.slopes
        if rule.count == "nonnested":
            return everything - self.nested_levels + self.nested_effects
        if rule.count == "unless-one-nested" and self.effects == 1 and self.all_nested_everywhere:
            return self.slopes
        return everything

    def residual_df(self, rule: SmallSample) -> int:
        """n less all parameters. Raises DesignError when nothing is left."""
        left = self.nobs - self.all_parameters(rule)
        if left <= 0:
            raise DesignError(
                "regression",
                f"has {self.nobs} rows and {self.all_parameters(rule)} parameters",
                "there are more rows than parameters",
                "use fewer controls or coarser effects",
            )
        return left

    def row_factor(self, rule: SmallSample, *, clustered: bool) -> float:
        """Inflation of a robust variance by rows."""
        if rule.rows == "none":
            return 1.0
        free = self.nobs - self.parameters(rule)
        exact = rule.rows == "(n-1)/(n-k)" and clustered
        return (self.nobs - 1 if exact else self.nobs) / free
