"""Every constraint, cost and bound of every block, on two sites and four hours with every instrument, as text.

After a meant change: UPDATE_GOLDEN=1 pytest tests/blocks, then read the difference against the block's docstring.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.blocks import BLOCKS, build_model
from optimizer.solve.compile import Program, compile_case, compile_model
from scenarios.case import Case
from tests.blocks.render import owner, render
from tests.cases import full_case

GOLDEN = Path(__file__).parent / "golden"
WITHOUT_FILE = {"facility"}
"""Blocks with neither constraint, variable nor cost of their own: their factors stand in ledgers.lp."""
FILES = sorted({*BLOCKS, "ledgers"} - WITHOUT_FILE)


def texts() -> tuple[Program, dict[str, str]]:
    model = build_model(full_case())
    program = compile_model(model)
    charged = {item: {rule.__module__.split(".")[-1] for rule in rules} for item, rules in model.books.costs.items()}
    constraints = list(dict.fromkeys(name for name, _ in program.row_keys))
    made = {}
    for file in sorted({*BLOCKS, "ledgers"}):
        costs = [item for item, blocks in charged.items() if file in blocks]
        mine = [name for name in constraints if owner(name) == file]
        names = [name for name, members in program.index.items() if owner(name) == file and members]
        if costs or mine or names:
            title = (
                (BLOCKS[file].__doc__ or "").splitlines()[0]
                if file in BLOCKS
                else "The balances: all blocks meet here."
            )
            made[file] = render(program, title, costs, mine, names)
    return program, made


@pytest.fixture(scope="module")
def rendered() -> tuple[Program, dict[str, str]]:
    program, made = texts()
    if os.environ.get("UPDATE_GOLDEN"):
        for file, text in made.items():
            (GOLDEN / f"{file}.lp").write_text(text, encoding="utf-8")
        for file, text in variants().items():
            (GOLDEN / f"{file}.lp").write_text(text, encoding="utf-8")
    return program, made


def open_end() -> Case:
    case = full_case()
    return replace(case, horizon=replace(case.horizon, cyclic=False))


def variants() -> dict[str, str]:
    """What only another case shows."""
    market, opened = compile_case(full_case(carbon_ledger="market")), compile_case(open_end())
    storage = ["storage.holds_what_is_left", "storage.ends_as_it_began"]
    queue = ["batch.runs_what_has_arrived", "batch.runs_within_window", "batch.finishes_or_pays"]
    return {
        "carbon_market": render(market, "Carbon charged on the market-based ledger.", ["carbon"], [], []),
        "batch_open": render(opened, "Queues of batch work over a horizon that is not cyclic.", [], queue, []),
        "storage_open": render(opened, "Batteries over a horizon that is not cyclic.", [], storage, []),
    }


VARIANTS = ("batch_open", "carbon_market", "storage_open")


@pytest.mark.parametrize("file", FILES)
def test_block_reads_as_its_golden_file(rendered: tuple[Program, dict[str, str]], file: str) -> None:
    assert rendered[1][file] == (GOLDEN / f"{file}.lp").read_text(encoding="utf-8")


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("file", VARIANTS)
def test_variants_read_as_their_golden_files(file: str) -> None:
    assert variants()[file] == (GOLDEN / f"{file}.lp").read_text(encoding="utf-8")


def test_every_row_and_cost_stands_in_a_golden_file(rendered: tuple[Program, dict[str, str]]) -> None:
    program, made = rendered
    assert sorted(made) == FILES
    assert {path.stem for path in GOLDEN.iterdir()} == {*FILES, *VARIANTS}
    rows, costs, section = Counter[str](), set(), ""
    for file in FILES:
        for line in (GOLDEN / f"{file}.lp").read_text(encoding="utf-8").splitlines():
            if line.startswith(("constraint ", "cost ", "variable ")):
                kind, section = line.split()[:2]
                if kind == "cost":
                    costs.add(section)
            elif line.startswith("  ") and kind == "constraint":
                rows[section] += 1
    assert rows == Counter(name for name, _ in program.row_keys)
    assert costs == set(program.items)


def test_every_constraint_declared_by_a_block_has_rows_in_the_two_site_case() -> None:
    """What the case does not make appear cannot be read: every `pyo.Constraint` in the sources must have rows."""
    declared = set()
    for name, block in BLOCKS.items():
        source = Path(str(block.__file__)).read_text(encoding="utf-8")
        for part in source.split(" = pyo.Constraint(")[:-1]:
            declared.add(f"{name}.{part.rsplit('.', 1)[-1].strip()}")
    keys = [*compile_case(full_case()).row_keys, *compile_case(open_end()).row_keys]
    assert declared == {name for name, _ in keys if "." in name}


def test_a_cyclic_horizon_only_changes_what_came_before_the_first_hour() -> None:
    case = replace(full_case(), storage=None, blocks=tuple(block for block in BLOCKS if block != "batch"))
    opened = compile_case(replace(case, horizon=replace(case.horizon, cyclic=False)))
    cyclic = compile_case(case)
    different = {
        key for key, row in zip(cyclic.row_keys, (cyclic.matrix - opened.matrix).tolil().rows, strict=True) if row
    }
    assert different == {("fleet.pays_for_starts", ("Plateau", "a", 0)), ("fleet.stays_on", ("Plateau", "a", 0))}
