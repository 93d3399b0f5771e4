"""The pages of docs/: printed ones do not lag, the example is built and solved, and what is named exists."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest

import scenarios.case
import scenarios.instruments
from optimizer.blocks import BLOCKS, build_model, templates
from optimizer.docs import __main__ as printing
from optimizer.docs import facts, mathematics
from optimizer.docs.algebra import Algebra
from optimizer.docs.mathematics import Built
from optimizer.docs.symbols import MEANINGS
from optimizer.solve import optimum, parts
from optimizer.solve.compile import Program, compile_case
from optimizer.solve.optimum import optimise
from scenarios.case import Case
from tests.blocks.render import render
from tests.cases import two_site_case

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.iterdir())


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def models() -> tuple[Built, ...]:
    return mathematics.built()


# -- printed pages


def test_the_mathematics_is_that_of_the_model(models: tuple[Built, ...]) -> None:
    assert text("mathematics.md") == mathematics.page(models), "run `python -m optimizer.docs`"


def test_the_data_page_is_that_of_the_tables() -> None:
    assert text("data.md") == facts.page(), "run `python -m optimizer.docs`"


def test_every_block_variable_and_constraint_stands_on_the_page() -> None:
    """From the sources, not from a built model: what no printed case shows would be missing."""
    page = text("mathematics.md")
    for name, block in BLOCKS.items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        source = Path(str(block.__file__)).read_text(encoding="utf-8")
        declared = re.findall(r"m\.(\w+) = pyo\.(Var|Constraint)\(", source)
        missing = [
            part
            for part, kind in declared
            if not re.search(rf"`{part}(\[.*\])?` [|]" if kind == "Var" else rf"`{part}` \[", section)
        ]
        assert not missing, name
        assert not {"Reads", "Posts", "Omits", "Source"} - set(re.findall(r"^- \*(\w+)\*", section, re.MULTILINE))


def test_every_letter_that_is_used_is_explained(models: tuple[Built, ...]) -> None:
    used = {
        letter.rstrip("′")
        for found in re.findall(r"Σ\[([^\]]*?) ∈", text("mathematics.md"))
        for letter in found.strip("()").split(",")
    }
    assert used <= set(MEANINGS)
    assert len(used) > 8


def test_every_source_of_a_fact_is_graded_on_the_page() -> None:
    page = text("data.md")
    codes = set(re.findall(r"([A-Z][A-Z0-9_+]*) \([ABCD]\)", page))
    listed = set(re.findall(r"^\| ([A-Z][A-Z0-9_+]*) \| [ABCD] \|", page, re.MULTILINE))
    assert codes <= listed
    assert len(codes) > 30


# -- algebra


@dataclass(frozen=True)
class Names:
    """Letters by hand."""

    of_set: dict[str, str]

    def of(self, name: str, taken: Any = ()) -> list[str]:
        letter = self.of_set[name]
        while letter in taken:
            letter += "′"
        return [letter]

    def along(self, names: Any) -> list[list[str]]:
        groups: list[list[str]] = []
        for name in names:
            groups.append(self.of(name, [letter for group in groups for letter in group]))
        return groups


def test_algebra_reads_as_it_was_written() -> None:
    """Signs, brackets, sums within sums, indices that are looked up, and numbers."""
    with templates():
        m = pyo.ConcreteModel()
        m.towns, m.years = pyo.Set(initialize=["a", "b"]), pyo.Set(initialize=[0, 1])
        m.near = pyo.Set(m.towns, initialize={"a": ["b"], "b": []})
        m.first = pyo.Param(m.years, initialize={0: 0, 1: 0})
        m.weight = pyo.Param(m.towns, initialize={"a": 2.0, "b": 3.0})
        m.x = pyo.Var(m.towns, m.years)

        def balances(_: Any, town: str, year: int) -> Any:
            others = sum(m.weight[q] * (m.x[q, year] - m.x[town, year]) for q in m.near[town])
            return others - 0.5 * m.x[town, m.first[year]] <= 4 - sum(-m.x[q, year] for q in m.towns)

        m.balances = pyo.Constraint(m.towns, m.years, rule=balances)
    algebra = Algebra(Names({"towns": "a", "years": "y", "near": "a"}), "")  # type: ignore[arg-type]
    assert algebra.where(m.balances) == "a ∈ towns, y ∈ years"
    assert algebra.statement(m.balances) == (
        "Σ[a′ ∈ near[a]] weight[a′]·(x[a′,y] - x[a,y]) - 0.5·x[a,first[y]] ≤ 4 - Σ[a′ ∈ towns] -x[a′,y]"
    )


def test_a_constraint_without_a_template_is_refused() -> None:
    m = pyo.ConcreteModel()
    m.x = pyo.Var()
    m.rule = pyo.Constraint(expr=m.x <= 1)
    with pytest.raises(TypeError, match="'rule' is no template"):
        Algebra(Names({}), "").statement(m.rule)  # type: ignore[arg-type]


# -- the example of add-a-block.md


def example(first_line: str) -> str:
    """The code block of the page that begins with a comment."""
    blocks = re.findall(r"```(?:python|text)\n(.*?)```", text("add-a-block.md"), flags=re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(first_line))
    return str(found)


@pytest.fixture
def take_or_pay(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's code at work: numbers, a field of the case, the block in its register. Gives the class of a case."""
    numbers: dict[str, Any] = dict(vars(scenarios.instruments))
    exec(example("# scenarios/instruments.py"), numbers)
    field = example("# scenarios/case.py, a field of Case")
    names = dict(vars(scenarios.case)) | {"TakeOrPay": numbers["TakeOrPay"]}
    exec(f"@dataclass(frozen=True)\nclass Wider(Case):\n{field}", names)
    module = ModuleType("optimizer.blocks.take_or_pay")
    exec(compile(example("# optimizer/blocks/take_or_pay.py"), "take_or_pay.py", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(BLOCKS, "take_or_pay", module)
    name = re.search(r'"(.*)"', example("# optimizer/solve/parts.py"))
    assert name is not None
    machines = (*parts.MACHINES, name[1])
    for reader in (parts, optimum):
        monkeypatch.setattr(reader, "MACHINES", machines)

    def case(free_frac: float | None, **changes: Any) -> Case:
        plain = two_site_case(**changes)
        fields = {key: getattr(plain, key) for key in plain.__dataclass_fields__}
        wider: Case = names["Wider"](**fields)
        terms = None if free_frac is None else numbers["TakeOrPay"](np.array([free_frac]), 0.3)
        return replace(wider, blocks=tuple(BLOCKS), take_or_pay=terms)  # type: ignore[call-arg]

    return case


def solve(case: Case) -> tuple[Program, np.ndarray[Any, Any], float]:
    program = compile_case(case)
    found = optimise(program, 1e-7, 60.0)
    assert found.x is not None
    return program, found.x, found.objective_kcny


def test_the_example_reads_as_its_golden_text(take_or_pay: Any) -> None:
    program = compile_case(take_or_pay(0.1))
    name = "take_or_pay"
    rows, variables = [f"{name}.leaves_little_or_pays"], [f"{name}.excess_mwh"]
    made = render(program, "", [name], rows, variables)
    assert made.removeprefix("\\ \n\n").strip() == example("cost take_or_pay").strip()
    assert re.findall(r"^(Reads|Posts|Omits|Source)  +\S", BLOCKS[name].__doc__ or "", re.MULTILINE) == [
        "Reads",
        "Posts",
        "Omits",
        "Source",
    ]


def test_the_example_binds_and_may_be_absent(take_or_pay: Any) -> None:
    """Direct supply that costs a little more than the grid is left; the contract makes most of it worth taking."""
    dear = {"direct_kcny_per_mwh": np.array([0.6, 0.6])}
    yielded = float(two_site_case().direct_mw.sum())

    def taken(program: Program, x: np.ndarray[Any, Any]) -> float:
        return float(program.values("renewable.direct_mw", x).sum())

    absent, x0, cost0 = solve(take_or_pay(None, **dear))
    others = tuple(block for block in BLOCKS if block != "take_or_pay")
    without, _, cost1 = solve(two_site_case(blocks=others, **dear))
    assert cost0 == pytest.approx(cost1)
    assert absent.columns == without.columns
    _, _, cost2 = solve(take_or_pay(1.0, **dear))
    assert cost2 == pytest.approx(cost0)
    bound, x3, cost3 = solve(take_or_pay(0.1, **dear))
    assert taken(absent, x0) < 0.5 * yielded
    assert taken(bound, x3) > taken(absent, x0) + 0.1
    excess = float(bound.values("take_or_pay.excess_mwh", x3).sum())
    assert taken(bound, x3) + excess == pytest.approx(0.9 * yielded)
    assert cost3 > cost0 + 1e-3


# -- names


@pytest.mark.parametrize("name", PAGES)
def test_links_and_files_that_are_named_exist(name: str) -> None:
    page = text(name)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page):
        assert (DOCS / target).exists(), target
    for path in re.findall(r"`((?:hubs|scenarios|optimizer|tests)/[\w/.]+)`", page):
        assert (ROOT / path).exists(), path
    for anchor in re.findall(r"mathematics\.md#([\w-]+)", page):
        assert f"\n## {anchor.capitalize()}\n" in text("mathematics.md")


def test_every_page_is_on_the_map() -> None:
    assert {"add-a-block.md", "data.md", "engine.md", "index.md", "mathematics.md"} <= set(PAGES)
    assert all(name == "index.md" or f"({name})" in text("index.md") for name in PAGES)


def test_pages_are_written_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "pages", lambda: {"a.md": "text\n"})
    printing.write(tmp_path)
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "text\n"
    with pytest.raises(SystemExit, match="is missing"):
        printing.write(tmp_path / "nowhere")


def test_the_model_of_the_page_is_built_by_the_blocks(models: tuple[Built, ...]) -> None:
    """The printed models are not made by hand: the same call as everywhere."""
    built = build_model(two_site_case())
    first = models[0].model
    ours = {c.name for c in first.component_objects(pyo.Constraint)}
    assert {c.name for c in built.component_objects(pyo.Constraint)} - ours <= {"batch.finishes_or_pays"}
