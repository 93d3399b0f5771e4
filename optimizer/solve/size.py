"""How large a case's programme is, and whether it fits in memory: said before anything is built.

Columns, rows and nonzeros are counted from the sets of the case, block by block; a test holds every count to the
compiled programme. Memory is the largest resident memory of the whole process, a straight line in the nonzeros, fitted
to what was measured (Python 3.11, Pyomo 6.10.1, HiGHS 1.15.1, two threads):

    horizon                       day    day, every block    3 days     week    two weeks
    thousand nonzeros            93.4               124.4     293.3    669.0      1,305.1
    MB once built                 262                 269       316      421          601
    MB of `computegrid solve`     360                 368       484      781            –

The line for solving lies within 5 % of these. Beyond two weeks it is an extrapolation: how much the factors of the
interior point method fill in is not known before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hubs.errors import Fault, InputError
from optimizer.solve import tallysites, tallywork
from optimizer.solve.tally import Extent, Tally
from scenarios.case import Case

COUNTED: dict[str, Callable[[Tally, Extent], None]] = {
    "service": tallywork.service,
    "batch": tallywork.batch,
    "jobs": tallywork.jobs,
    "hosting": tallywork.hosting,
    "cooperation": tallywork.cooperation,
    "delivery": tallysites.delivery,
    "expansion": tallysites.expansion,
    "fleet": tallysites.fleet,
    "facility": tallysites.facility,
    "grid": tallysites.grid,
    "peak_shaving": tallysites.peak_shaving,
    "renewable": tallysites.renewable,
    "storage": tallysites.storage,
    "credit": tallysites.credit,
    "green": tallysites.green,
    "carbon": tallysites.carbon,
    "network": tallysites.network,
    "coverage": tallysites.coverage,
    "innovation": tallysites.innovation,
}
"""Every block of the model, in its order: what a block posts is read by those after it."""

BUILD_MB = (236.0, 0.277)
SOLVE_MB = (292.0, 0.731)
"""MB at no size, and MB per thousand nonzeros."""


@dataclass(frozen=True)
class Size:
    """What a case's programme holds, and the largest resident memory (MB) up to the end of building and of solving."""

    name: str
    hours: int
    columns: int
    rows: int
    nonzeros: int
    integers: int
    build_mb: float
    solve_mb: float

    @property
    def words(self) -> str:
        """`19,132 columns, 12,515 rows, 93,401 nonzeros, 1,290 integers; about 360 MB`."""
        counts = (f"{getattr(self, what):,} {what}" for what in ("columns", "rows", "nonzeros", "integers"))
        return f"{', '.join(counts)}; about {round(self.solve_mb, -1):,.0f} MB"


def tally_of(case: Case) -> Tally:
    """Columns by variable, rows and nonzeros by constraint, without building anything."""
    tally, extent = Tally(), Extent(case)
    for name, count in COUNTED.items():
        if name in case.blocks:
            count(tally, extent)
    cells = len(case.sites) * extent.hours
    for ledger in ("compute", "power"):
        if tally.posted[ledger]:
            tally.constraint(f"{ledger}_balances", cells, tally.posted[ledger])
    return tally


def predict(case: Case) -> Size:
    """The size of a case's programme and the memory it takes, from the dimensions of the case."""
    tally = tally_of(case)
    nonzeros = tally.nonzeros.total()
    build_mb, solve_mb = (start + each * nonzeros / 1000 for start, each in (BUILD_MB, SOLVE_MB))
    return Size(
        name=case.name,
        hours=case.horizon.hours,
        columns=tally.columns.total(),
        rows=tally.rows.total(),
        nonzeros=nonzeros,
        integers=tally.integers.total(),
        build_mb=build_mb,
        solve_mb=solve_mb,
    )


def fits(size: Size, available_mb: float) -> None:
    """Raise InputError if solving a programme of this size would take more memory than is there."""
    if size.solve_mb <= available_mb:
        return
    hours = int(size.hours * max(0.0, available_mb - SOLVE_MB[0]) / (size.solve_mb - SOLVE_MB[0]))
    shorter = f"shorten horizon.hours to about {hours // 24 * 24}" if hours >= 24 else "shorten horizon.hours"
    raise InputError(
        [
            Fault(
                f"scenario '{size.name}'",
                None,
                "horizon.hours",
                f"{size.hours:,} hours make {size.words}, and {available_mb:,.0f} MB are there",
                "a programme must fit in memory before it is built",
                f"{shorter}, lengthen horizon.period_h, take fewer regions into [scope], or roll a long horizon "
                "window by window (horizon.window_days)",
            )
        ]
    )
