"""What published studies of moving compute west found, put to this model: python examples/published_signs.py

Three questions. What moving a unit of latency-tolerant work does to carbon by location, with the same machines and the
same overhead on both sides, as the studies assume, and with those that stand there. What mixing the two carbon ledgers
would claim. Whether the gain of east-west cooperation survives counting the capital of western pods, which doubles
capacity that stands in the east.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.report.emissions import Emissions, LedgersMixed
from optimizer.solve.compile import compile_case
from optimizer.solve.optimum import optimise
from optimizer.solve.solution import Plan
from scenarios.build import build_case
from scenarios.case import Case
from scenarios.library import load

PAIRS = (("Beijing", "Horinger"), ("Shanghai", "Tianfu"))
"""A region and the cluster its work moves to: Inner Mongolia, Sichuan."""
MW_PER_EFLOPS, PUE_RATIO = 3.4, 1.3
LIKE_MACHINES = (
    f"fleet.local_mw_per_eflops={MW_PER_EFLOPS}",
    "weather.pue_per_c=0.0",
    *(
        f"facts.pods.{g}.{key}"
        for g in "ab"
        for key in ("usable_frac=1.0", "pod_eflops=1.0", "idle_mw=0.0", f"peak_mw={MW_PER_EFLOPS}")
    ),
)
"""One machine everywhere: the same power per EFLOPS, none when idle."""


@dataclass(frozen=True)
class Move:
    """Carbon of one EFLOPS·h of batch work in its own region and in a cluster, tCO2, by ledger."""

    region: str
    cluster: str
    at_home: dict[str, Emissions]
    moved: dict[str, Emissions]

    def change_frac(self, ledger: str) -> float:
        return self.moved[ledger].tco2 / self.at_home[ledger].tco2 - 1

    def mixed_change_frac(self) -> float:
        """What a study claims that counts by location before and by market after: the sum we refuse to make."""
        return self.moved["market"].tco2 / self.at_home["location"].tco2 - 1


def move(region: str, cluster: str, alike: bool, year: int = 2022) -> Move:
    """Run the same batch work once in its own region and once in a cluster, each forced by leaving one route."""
    case = build_case(load("day", _changes(region, cluster, alike, year)))
    home = next(s for s in case.sites if s not in case.clusters)
    return Move(region, cluster, _emissions(case, region, home), _emissions(case, region, cluster))


def _changes(region: str, cluster: str, alike: bool, year: int) -> list[str]:
    only = [
        f'scope.{kind}=["{name}"]'
        for kind, name in (("regions", region), ("clusters", cluster), ("local_sites", region))
    ]
    nothing_else = [f"services.{k}.mean_eflops=0" for k in ("control", "interactive", "online", "nearline")]
    quiet = [
        "blocks.renewable=false",
        "jobs.count=0",
        "jobs.running_frac=0.0",
        "demand.day_sd_frac=0.0",
        f"policy.emission_year={year}",
    ]
    overhead = [
        f"facts.clusters.{cluster}.pue_ratio={PUE_RATIO}",
        f"facts.regions.{region}.local_pue_ratio={PUE_RATIO}",
        *LIKE_MACHINES,
    ]
    return [*only, *nothing_else, *quiet, "demand.scale_ratio=0.1", *(overhead if alike else [])]


def _emissions(case: Case, region: str, site: str) -> dict[str, Emissions]:
    only = {pair: ways for pair, ways in case.routes.items() if pair == (region, site)}
    plan = solved(replace(case, routes=only))
    work_eflopsh = float(case.arrivals_eflopsh.sum())
    return {
        "location": Emissions("location", Emissions.of(plan, "location").tco2 / work_eflopsh),
        "market": Emissions("market", Emissions.of(plan, "market").tco2 / work_eflopsh),
    }


def solved(case: Case, gap: float = 0.005) -> Plan:
    program = compile_case(case)
    outcome = optimise(program, gap, 120.0)
    if outcome.x is None:
        raise RuntimeError(f"{case.name}: {outcome.words}")
    return Plan(case, program, outcome.x)


@dataclass(frozen=True)
class Gain:
    """Cost of a day without and with cooperation, and capital of the western pods that cooperation uses more, kCNY."""

    alone_kcny: float
    together_kcny: float
    western_capital_kcny: float

    @property
    def gain_kcny(self) -> float:
        return self.alone_kcny - self.together_kcny

    @property
    def gain_less_capital_kcny(self) -> float:
        return self.gain_kcny - self.western_capital_kcny


def gain(gap: float = 0.005, changes: tuple[str, ...] = ()) -> Gain:
    """The day with and without cooperation; each western pod that only cooperation uses is charged its annuity."""
    alone = solved(build_case(load("no_cooperation", list(changes))), gap)
    together = solved(build_case(load("day", list(changes))), gap)
    more = western_capital_kcny(together) - western_capital_kcny(alone)
    return Gain(sum(alone.items_kcny().values()), sum(together.items_kcny().values()), more)


def western_capital_kcny(plan: Plan) -> float:
    """Annuity, for the horizon, of the most pods that are on at once in western clusters."""
    case = plan.case
    shape = (len(case.clusters), len(case.generations), case.horizon.hours)
    used = plan.program.values("fleet.pods_on", plan.x).reshape(shape).max(axis=2)
    west = np.array([case.zone[case.site_region[c]] == "west" for c in case.clusters])
    return float((used[west] * np.array([g.lighting_kcny for g in case.generations])).sum())


def main() -> None:
    print("Carbon of one EFLOPS·h moved, by location (factors of 2022)")
    for region, cluster in PAIRS:
        alike, real = move(region, cluster, alike=True), move(region, cluster, alike=False)
        print(
            f"  {region} to {cluster}: {alike.change_frac('location'):+.1%} with like machines and overhead, "
            f"{real.change_frac('location'):+.1%} with those that stand there"
        )
        print(f"    mixing the ledgers would claim {real.mixed_change_frac():+.1%}; ", end="")
        try:
            real.at_home["location"] - real.moved["market"]
        except LedgersMixed as refused:
            print(f"refused: {refused}")
    found = gain()
    print(
        f"Cooperation saves {found.gain_kcny:,.0f} kCNY a day; the western pods it uses more cost "
        f"{found.western_capital_kcny:,.0f} kCNY a day in capital: {found.gain_less_capital_kcny:+,.0f} in all"
    )


if __name__ == "__main__":
    main()
