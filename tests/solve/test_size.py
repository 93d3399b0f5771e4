"""What is predicted before building is what is built, and what does not fit is refused in words."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hubs import InputError
from optimizer import workflow
from optimizer.blocks import BLOCKS
from optimizer.cli import main
from optimizer.rolling.window import window
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.memory import available_mb
from optimizer.solve.size import COUNTED, SOLVE_MB, Size, fits, predict, tally_of
from optimizer.workflow import solve
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.library import load, names
from tests.cases import full_case, random_case, twice, two_site_case

SOUTH = ('scope.regions=["Guangdong", "Guizhou", "Beijing"]', 'scope.clusters=["Guian", "Shaoguan"]', "jobs.count=6")
CORNERS = (
    ("horizon.hours=1", "horizon.period_h=1", "jobs.count=0"),
    ("horizon.cyclic=false", "horizon.hours=30", "fleet.local_slot_h=8"),
    ("horizon.hours=36", "fleet.local_slot_h=24", "horizon.period_h=12", "batches.offline.window_h=50"),
    ("demand.flexible_frac=0.3", "policy.green_target_frac=1.0", "fleet.min_up_h=4"),
    ("network.reach=territory", "fleet.capital_counted=west", "jobs.start_grid_h=1", "services.control.mean_eflops=0"),
    ("services.control.mean_eflops=0", "services.control.home_floor_frac=0.1", "batches.backup.data_tb_per_eflopsh=0"),
    ("blocks.storage=true", "blocks.credit=true", "policy.credit_mwh_per_eflopsh=0.5", "policy.green_target_frac=1.0"),
    ("blocks.expansion=true", "network.wavelengths_max=1", "network.routes_per_pair=3", "services.online.max_sites=2"),
    ("blocks.cooperation=true", "cooperation.minimum_eflopsh_per_day=0", "cooperation.tax_cap_kcny_per_year=1"),
)
"""Every kind of horizon, and every row or coefficient that some data leaves out."""


def columns_of(program: Program) -> dict[str, int]:
    counts = {name: int((columns >= 0).sum()) for name, columns in program.variables.items()}
    return {name: count for name, count in counts.items() if count}


def assert_counted(case: Case) -> None:
    """Every count of every variable and every constraint is that of the compiled programme."""
    tally, program = tally_of(case), compile_case(case)
    families = [name for name, _ in program.row_keys]
    nonzeros: Counter[str] = Counter()
    for name, count in zip(families, np.diff(program.matrix.indptr).tolist(), strict=True):
        nonzeros[name] += count
    assert +tally.columns == columns_of(program)
    assert +tally.rows == Counter(families)
    assert +tally.nonzeros == nonzeros
    assert tally.integers.total() == program.integer.sum()
    size = predict(case)
    assert (size.columns, size.rows, size.nonzeros) == (program.columns, program.rows, program.matrix.nnz)


def test_every_block_is_counted_in_the_order_of_the_model() -> None:
    assert list(COUNTED) == list(BLOCKS)


def test_the_full_case_is_counted_row_by_row() -> None:
    assert_counted(full_case())
    assert_counted(two_site_case())


@pytest.mark.parametrize("block", [b for b in BLOCKS if b not in ("service", "hosting", "fleet", "grid")])
def test_the_full_case_is_counted_without_a_block(block: str) -> None:
    case = full_case()
    assert_counted(replace(case, blocks=tuple(name for name in case.blocks if name != block)))


@pytest.mark.parametrize("seed", range(4))
def test_random_cases_are_counted(seed: int) -> None:
    assert_counted(random_case(seed))


def test_an_open_horizon_is_counted() -> None:
    case = full_case()
    assert_counted(replace(case, horizon=replace(case.horizon, cyclic=False)))


@pytest.mark.parametrize("changes", CORNERS, ids=lambda changes: changes[0])
def test_corners_of_the_scenario_are_counted(changes: tuple[str, ...]) -> None:
    assert_counted(build_case(load("day", [*SOUTH, *changes])))


OPEN = (
    "horizon.cyclic=false",
    "horizon.hours=96",
    "fleet.min_up_h=3",
    "blocks.storage=true",
    "blocks.cooperation=true",
)


@pytest.mark.parametrize(("start_h", "hours"), [(0, 48), (24, 24), (24, 48), (72, 24)])
def test_windows_of_a_longer_horizon_are_counted(start_h: int, hours: int) -> None:
    assert_counted(window(build_case(load("day", [*SOUTH, *OPEN, "blocks.cooperation=true"])), start_h, hours))


@pytest.mark.parametrize(
    "name",
    ["day", *(pytest.param(name, marks=pytest.mark.slow) for name in names() if name != "day")],
)
def test_the_library_is_counted(name: str) -> None:
    loaded = load(name)
    case, days = build_case(loaded), loaded.scenario.horizon.window_days
    assert_counted(case if days is None else window(case, 0, 24 * days))


def sized(solve_mb: float) -> Size:
    return Size("long", 8760, 6_603_974, 4_492_303, 33_138_986, 182_240, 9000.0, solve_mb)


def test_memory_grows_with_the_programme() -> None:
    one, two = (predict(case) for case in (two_site_case(), twice(two_site_case())))
    assert two.nonzeros > one.nonzeros
    assert SOLVE_MB[0] < one.solve_mb < two.solve_mb
    assert two.solve_mb - one.solve_mb == pytest.approx(SOLVE_MB[1] * (two.nonzeros - one.nonzeros) / 1000)


def test_what_fits_passes_and_what_does_not_is_refused_in_words() -> None:
    fits(sized(2000.0), 2000.0)
    with pytest.raises(InputError) as refused:
        fits(sized(24_000.0), 8000.0)
    said = str(refused.value)
    for words in ("scenario 'long'", "8,760 hours", "6,603,974 columns", "24,000 MB", "8,000 MB are there", "shorten"):
        assert words in said
    hours = int(said.split("horizon.hours to about ")[1].split(",")[0])
    assert hours % 24 == 0
    assert hours / 8760 == pytest.approx((8000 - SOLVE_MB[0]) / (24_000 - SOLVE_MB[0]), abs=24 / 8760)


def test_solve_refuses_before_it_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: Case) -> Program:
        raise AssertionError("built all the same")

    monkeypatch.setattr(workflow, "available_mb", lambda: 100.0)
    monkeypatch.setattr(workflow, "compile_case", never)
    with pytest.raises(InputError, match="100 MB are there"):
        solve("tiny", tmp_path / "run")
    assert not (tmp_path / "run").exists()


MB_KB = 1024


def machine(root: Path, available_mb: int, group: str = "") -> Path:
    """A root folder with the files of a kernel: so much memory is free, and this process holds 50 MB."""
    for name, text in {
        "meminfo": f"MemTotal: 99999999 kB\nMemAvailable:   {available_mb * MB_KB} kB\n",
        "self/status": f"Name:\tx\nVmRSS:\t   {50 * MB_KB} kB\n",
        "self/cgroup": group,
    }.items():
        file = root / "proc" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def group(root: Path, folder: str, files: dict[str, int | str]) -> None:
    place = root / "sys/fs/cgroup" / folder
    place.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (place / name).write_text(f"{value}\n")


def test_memory_is_what_the_machine_has_left_and_what_is_held_already(tmp_path: Path) -> None:
    assert available_mb(machine(tmp_path, 3000)) == 3050.0


def test_a_container_may_leave_less(tmp_path: Path) -> None:
    root, mb = machine(tmp_path, 3000, "0::/box/inner\n"), 1024 * 1024
    group(root, "box/inner", {"memory.max": "max", "memory.current": 400 * mb})
    assert available_mb(root) == 3050.0, "a group without a limit does not bind"
    group(
        root, "box", {"memory.max": 1000 * mb, "memory.current": 400 * mb, "memory.stat": f"inactive_file {100 * mb}"}
    )
    assert available_mb(root) == 750.0, "the limit of a group above binds; its cache gives way"


def test_the_older_form_of_a_container_is_read_too(tmp_path: Path) -> None:
    root, mb = machine(tmp_path, 3000, "5:devices:/\n4:memory:/box\n"), 1024 * 1024
    group(root, "memory/box", {"memory.limit_in_bytes": 500 * mb, "memory.usage_in_bytes": 450 * mb})
    assert available_mb(root) == 100.0


def test_where_nothing_is_known_nothing_binds(tmp_path: Path) -> None:
    assert available_mb(tmp_path) == np.inf


def test_memory_of_this_machine_is_a_number_within_reason() -> None:
    assert 50.0 < available_mb() < 1e8


def test_check_prints_the_prediction(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    size = predict(build_case(load("tiny")))
    for words in (["check", "tiny"], ["check", "tiny", "--json"]):
        monkeypatch.setattr("sys.argv", ["computegrid", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 0
    text, line = capsys.readouterr().out.rsplit("\n{", 1)
    assert size.words in text
    said = json.loads("{" + line)["size"]
    assert (said["columns"], said["nonzeros"]) == (size.columns, size.nonzeros)


def test_a_rolled_horizon_is_as_large_as_the_largest_programme_that_is_solved(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows with the hours ahead, and windows put together for the bound."""
    changes = [*SOUTH, "horizon.cyclic=false", "horizon.hours=240", "horizon.window_days=2", "jobs.duration_max_h=10"]
    case = build_case(load("day", changes))
    parts = ((0, 96), (48, 96), (96, 96), (144, 96), (192, 48), (0, 144), (144, 96))
    sizes = [predict(window(case, start_h, hours)) for start_h, hours in parts]
    most = max(sizes, key=lambda size: size.nonzeros)
    assert most == sizes[5]
    assert most.nonzeros < predict(case).nonzeros
    monkeypatch.setattr("sys.argv", ["computegrid", "check", "day", *(w for c in changes for w in ("--set", c))])
    with pytest.raises(SystemExit):
        main()
    assert f"predicted: {most.words} (the largest; 5 windows)" in capsys.readouterr().out
