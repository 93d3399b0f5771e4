"""Ensembles: probabilities add up, draws fill their distributions, changes arrive, and faults say where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hubs import load_facts
from hubs.errors import InputError
from scenarios import sampling
from scenarios.build import changed_facts
from scenarios.ensemble import Ensemble, read_ensemble
from scenarios.library import load

Read = Callable[[str], Ensemble]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ensemble.toml"
HEAD = 'base = "day"\nwhy = "an ensemble of a test"\nseed = 3\nsamples = 8\n'
DEMAND = '[factors.demand]\nkeys = ["demand.scale_ratio"]\ndistribution = "normal"\nmean = 1.0\nsd = 0.1\n'
POWER = (
    '[factors.power]\nkeys = ["facts.clusters.*.power_kcny_per_mwh"]\napply = "multiply"\n'
    "values = [0.5, 2.0]\nprobabilities = [0.25, 0.75]\n"
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reader(text: str) -> Ensemble:
        path = tmp_path / "ensemble.toml"
        path.write_text(text, encoding="utf-8")
        return read_ensemble(path)

    return reader


def values_of(ensemble: Ensemble, key: str) -> list[float]:
    return [float(c.partition("=")[2]) for m in ensemble.members for c in m.changes if c.startswith(f"{key}=")]


def test_the_example_is_large_enough_and_adds_up() -> None:
    ensemble = read_ensemble(EXAMPLE)
    assert len(ensemble.members) >= 30
    assert sum(m.probability_frac for m in ensemble.members) == pytest.approx(1.0, abs=1e-12)
    assert len({m.name for m in ensemble.members}) == len(ensemble.members)
    assert len({m.changes for m in ensemble.members}) == len(ensemble.members)
    assert ensemble == read_ensemble(EXAMPLE)


def test_every_slice_of_probability_holds_one_draw() -> None:
    at = sampling.slices(7, "any", 50)
    assert np.array_equal(np.sort(np.floor(at * 50)), np.arange(50))
    assert not np.array_equal(at, sampling.slices(8, "any", 50))
    assert not np.array_equal(at, sampling.slices(7, "other", 50))


@pytest.mark.parametrize(
    ("kind", "parameters", "reference"),
    [
        ("normal", {"mean": 2.0, "sd": 0.5}, stats.norm(2.0, 0.5)),
        ("lognormal", {"median": 3.0, "log_sd": 0.2}, stats.lognorm(0.2, scale=3.0)),
        ("uniform", {"low": -1.0, "high": 3.0}, stats.uniform(-1.0, 4.0)),
        ("triangular", {"low": 1.0, "mode": 2.0, "high": 5.0}, stats.triang(0.25, 1.0, 4.0)),
        ("normal", {"mean": 0.0, "sd": 1.0, "low": -1.0, "high": 0.5}, stats.truncnorm(-1.0, 0.5)),
    ],
)
def test_draws_follow_their_distribution(
    kind: sampling.Distribution, parameters: dict[str, float], reference: Any
) -> None:
    draws = sampling.quantiles(kind, parameters, sampling.slices(1, "draws", 4000))
    assert draws.mean() == pytest.approx(reference.mean(), abs=2e-3 * reference.std())
    assert draws.std() == pytest.approx(reference.std(), rel=2e-3)
    # One draw in each slice bounds the distance to the distribution by the width of a slice.
    assert stats.kstest(draws, reference.cdf).statistic <= 1 / 4000 + 1e-12


def test_a_list_is_drawn_in_its_proportions(read: Read) -> None:
    ensemble = read(HEAD + POWER)
    base = float(load_facts().clusters["power_kcny_per_mwh"].loc["Guian"])
    drawn = values_of(ensemble, "facts.clusters.Guian.power_kcny_per_mwh")
    assert sorted(value / base for value in drawn) == pytest.approx([0.5] * 2 + [2.0] * 6)


def test_a_star_reaches_every_name_and_changes_arrive_in_the_facts(read: Read) -> None:
    member = read(HEAD + POWER).members[0]
    facts, changed = load_facts(), changed_facts(load_facts(), load("day", member.changes).scenario)
    ratio = changed.clusters["power_kcny_per_mwh"] / facts.clusters["power_kcny_per_mwh"]
    assert len(member.changes) == len(facts.clusters)
    assert ratio.min() == pytest.approx(ratio.max())
    assert ratio.iloc[0] in (pytest.approx(0.5), pytest.approx(2.0))


def test_another_factor_leaves_the_draws_of_the_first_alone(read: Read) -> None:
    alone, both = read(HEAD + DEMAND), read(HEAD + POWER + DEMAND)
    assert values_of(alone, "demand.scale_ratio") == values_of(both, "demand.scale_ratio")
    other_seed = read(HEAD.replace("seed = 3", "seed = 4") + DEMAND)
    assert values_of(alone, "demand.scale_ratio") != values_of(other_seed, "demand.scale_ratio")


def test_a_grid_is_combined_with_every_draw_and_members_keep_their_probability(read: Read) -> None:
    grid = '[factors.ledger]\nkeys = ["policy.carbon_ledger"]\ngrid = ["location", "market"]\n'
    cut = '[members.cut]\nprobability = 0.2\nset = { "facts.links.Guian--Wuhu.capacity_gbps" = 0.0 }\n'
    ensemble = read(HEAD + DEMAND + grid + cut)
    assert [m.probability_frac for m in ensemble.members] == pytest.approx([0.2] + [0.8 / 16] * 16)
    ledgers = [load("day", m.changes).scenario.policy.carbon_ledger for m in ensemble.members]
    assert ledgers == ["location"] + ["location"] * 8 + ["market"] * 8
    demand = values_of(ensemble, "demand.scale_ratio")
    assert demand[:8] == demand[8:]
    links = changed_facts(load_facts(), load("day", ensemble.members[0].changes).scenario).links
    assert links.loc["Guian--Wuhu", "capacity_gbps"] == 0.0


def test_whole_numbers_stay_whole(read: Read) -> None:
    jobs = (
        '[factors.jobs]\nkeys = ["jobs.count"]\napply = "multiply"\ndistribution = "uniform"\nlow = 0.5\nhigh = 1.5\n'
    )
    ensemble = read(HEAD + jobs + "whole = true\n")
    counts = [load("day", m.changes).scenario.jobs.count for m in ensemble.members]
    base = load("day").scenario.jobs.count
    assert min(counts) >= base // 2
    assert len(set(counts)) > 2


def test_a_path_is_relative_to_the_file(read: Read, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('extends = "day"\nwhy = "a base of ones own"\n', encoding="utf-8")
    ensemble = read(HEAD.replace('"day"', '"own.toml"') + DEMAND)
    assert load(ensemble.base, ensemble.members[0].changes).scenario.name == "own"


NEGATIVE = '[members.m]\nprobability = 0.5\nset = { "demand.scale_ratio" = -1.0 }\n'
BAD = [
    (HEAD + DEMAND.replace("scale_ratio", "scale_ration"), 6, "scale_ration", "scale_ratio"),
    (HEAD + DEMAND.replace("sd = 0.1\n", ""), 5, "also needs sd", ""),
    (HEAD + DEMAND + "mode = 1.0\n", 5, "mode does not belong", ""),
    (HEAD + DEMAND + "low = 2.0\nhigh = 1.0\n", 5, "low must lie below high", ""),
    (HEAD + DEMAND + "grid = [1.0]\n", 5, "one of distribution, values and grid", ""),
    (HEAD + DEMAND + "spread = 1.0\n", 10, "key 'factors.demand.spread' is not known", ""),
    (HEAD + POWER.replace("0.75", "0.5"), 5, "sum to 1", ""),
    (HEAD + POWER.replace("clusters", "cluster"), 6, "facts.cluster ", "clusters"),
    (HEAD + POWER.replace("power_kcny", "power_cny"), 6, "no single fact", ""),
    (HEAD + POWER.replace("[0.5, 2.0]", "[-0.5, 2.0]"), 5, "power_kcny_per_mwh is -", "from 0"),
    (HEAD + DEMAND + '[members.m]\nprobability = 1.2\n', 11, "probability is 1.2", ""),
    (HEAD + DEMAND + '[members.m]\nprobability = 1.0\n', None, "none is left for the factors", ""),
    (HEAD + DEMAND + NEGATIVE, 10, "scale_ratio is -1.0", ""),
    (HEAD + DEMAND + '[members.draw-001]\nprobability = 0.5\n', 10, "is that of a draw", "rename"),
    (HEAD + DEMAND + DEMAND.replace("factors.demand", "factors.more"), 11, "by factors.demand and", "leave one"),
    (HEAD.replace("samples = 8", "samples = 0"), 4, "samples is 0", ""),
    (HEAD, None, "samples must be 1", ""),
    (HEAD.replace('"day"', '"dey"') + DEMAND, None, "'dey' is not known", "day"),
    (HEAD.replace("seed = 3\n", "") + DEMAND, None, "key 'seed' is missing", "add seed"),
    (HEAD + DEMAND + "[members.m]\n", 10, "key 'members.m.probability' is missing", "add probability"),
    ("base = \n", 1, "not TOML", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "row", "found", "mend"), BAD)
def test_a_fault_says_where_and_what(read: Read, text: str, row: int | None, found: str, mend: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    fault = caught.value.faults[0]
    assert fault.row == row, fault
    assert found in f"{fault.found} {fault.rule}", fault
    assert mend in fault.mend, fault


def test_a_missing_file_is_a_named_fault(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the ensemble file is missing"):
        read_ensemble(tmp_path / "none.toml")
