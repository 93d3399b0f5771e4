"""A careful reader of published tables: what their printed numbers imply about one another, with the arithmetic shown.

Needs no data. Each rule compares numbers that one sound analysis would print consistently, allowing for rounding, and
says either that they hold or what is wrong. A finding is `impossible` (no data could give both numbers as described),
`unlikely` (possible, but not with one sample, model and variance throughout) or `unsupported` (a comparison the numbers
do not bear).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from optimizer.econometrics import auditmodels, auditsizes
from optimizer.econometrics.auditgroups import group_differences
from optimizer.econometrics.findings import Finding
from optimizer.econometrics.printed import Tables, load_tables

RULES: tuple[Callable[[Tables], list[Finding]], ...] = (
    auditsizes.sample_sizes,
    auditsizes.moments_possible,
    auditsizes.nested_columns,
    auditmodels.threshold_nests_baseline,
    auditmodels.threshold_shape,
    auditmodels.mediation_identity,
    auditmodels.selection_ratio,
    auditmodels.first_stage_strength,
    auditmodels.iv_error,
    auditsizes.groups_whole,
    group_differences,
)


def audit_tables(path: Path | str) -> list[Finding]:
    """All findings on a file of tables, those that hold among them. Raises TablesError when it cannot be read."""
    tables = load_tables(path)
    return [finding for rule in RULES for finding in rule(tables)]


def wrong(findings: list[Finding]) -> list[Finding]:
    """Only what does not hold."""
    return [finding for finding in findings if not finding.holds]
