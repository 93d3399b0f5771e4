"""What is wrong in a scenario file is found, all at once, and said with file, row, key, rule and mend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hubs import InputError
from scenarios.build import build_case
from scenarios.checks import SECTIONS, STANDS_ON
from scenarios.library import load
from tests.scenarios.conftest import SMALL

if TYPE_CHECKING:
    from tests.scenarios.conftest import Desk

Only = Callable[..., str]


def row_of(text: str, line: str) -> int:
    return text.splitlines().index(line) + 1


ONE_LINE = {
    "unknown key with a near one": (
        "[solve]\ngap_fraction = 0.1",
        "gap_fraction = 0.1",
        "key 'solve.gap_fraction' is not known; a scenario holds only the documented keys. "
        "Mend: write 'gap_frac' if that is meant, else remove it.",
    ),
    "unknown section": (
        "[weathr]\nshift_c = 1",
        "[weathr]",
        "key 'weathr' is not known; a scenario holds only the documented keys. "
        "Mend: write 'weather' if that is meant, else remove it.",
    ),
    "unknown key of a class": (
        "[services.online]\nmean_eflop = 5",
        "mean_eflop = 5",
        "key 'services.online.mean_eflop' is not known; a scenario holds only the documented keys. "
        "Mend: write 'mean_eflops' if that is meant, else remove it.",
    ),
    "NaN": (
        "[demand]\nscale_ratio = nan",
        "scale_ratio = nan",
        "demand.scale_ratio is nan; it must be a finite number. Mend: correct demand.scale_ratio.",
    ),
    "infinity": (
        "[services.online]\nmean_eflops = inf",
        "mean_eflops = inf",
        "services.online.mean_eflops is inf; it must be a finite number. Mend: correct services.online.mean_eflops.",
    ),
    "negative": (
        "[services.online]\nmean_eflops = -3",
        "mean_eflops = -3",
        "services.online.mean_eflops is -3; it must be greater than or equal to 0. "
        "Mend: correct services.online.mean_eflops.",
    ),
    "share above one": (
        "[jobs]\nrunning_frac = 1.2",
        "running_frac = 1.2",
        "jobs.running_frac is 1.2; it must be less than or equal to 1. Mend: correct jobs.running_frac.",
    ),
    "text for a number": (
        '[demand]\nscale_ratio = "1.2"',
        'scale_ratio = "1.2"',
        "demand.scale_ratio is '1.2'; it must be a number. Mend: correct demand.scale_ratio.",
    ),
    "true for a number": (
        "[jobs]\ncount = true",
        "count = true",
        "jobs.count is True; it must be a whole number. Mend: correct jobs.count.",
    ),
    "broken number for a whole one": (
        "[jobs]\ncount = 2.5",
        "count = 2.5",
        "jobs.count is 2.5; it must be a whole number. Mend: correct jobs.count.",
    ),
    "list for a number": (
        "[network]\nusable_frac = []",
        "usable_frac = []",
        "network.usable_frac is []; it must be a number. Mend: correct network.usable_frac.",
    ),
    "unknown word": (
        '[policy]\ncarbon_ledger = "both"',
        'carbon_ledger = "both"',
        "policy.carbon_ledger is 'both'; it must be 'location' or 'market'. Mend: correct policy.carbon_ledger.",
    ),
    "year without factors": (
        "[policy]\nemission_year = 2021",
        "emission_year = 2021",
        "policy.emission_year is 2021; it must be 2022 or 2023. Mend: correct policy.emission_year.",
    ),
    "value for a table": (
        "[batches]\noffline = 3",
        "offline = 3",
        "batches.offline is 3; it must be a table of keys. Mend: correct batches.offline.",
    ),
    "unknown shape": (
        '[services.online]\nshape = "onlin"',
        'shape = "onlin"',
        "shape 'onlin' is not known; it must stand in scenarios/data/inference_shape.csv. "
        "Mend: write 'online' if that is meant, else remove it.",
    ),
    "unknown trace": (
        '[jobs]\ntrace = "phily"',
        'trace = "phily"',
        "trace 'phily' is not known; it must stand in scenarios/data/job_quantiles.csv. "
        "Mend: write 'philly' if that is meant, else remove it.",
    ),
    "unknown block": (
        "[blocks]\ncarbn = false",
        "carbn = false",
        "block 'carbn' is not known; [blocks] switches blocks that exist. "
        "Mend: write 'carbon' if that is meant, else remove it.",
    ),
    "block that is always there": (
        "[blocks]\ngrid = false",
        "grid = false",
        "block 'grid' is left out; machines, facilities and the grid are always there. Mend: remove this key.",
    ),
    "block that another stands on": (
        "[blocks]\nhosting = false",
        "hosting = false",
        "block 'hosting' is left out; block 'coverage' stands on block 'hosting'. Mend: leave out 'coverage' as well.",
    ),
    "fact of an unknown table": (
        "[facts.price]\ncarbon_kcny_per_tco2 = 1",
        "[facts.price]",
        "table 'price' is not known; a scenario changes facts that exist. "
        "Mend: write 'prices' if that is meant, else remove it.",
    ),
    "fact of an unknown key": (
        "[facts.clusters.Gui-an]\npue_ratio = 1.2",
        "[facts.clusters.Gui-an]",
        "key of clusters 'Gui-an' is not known; a scenario changes facts that exist. "
        "Mend: write 'Guian' if that is meant, else remove it.",
    ),
    "fact of an unknown link": (
        '[facts.links."Mars--Moon"]\ncapacity_gbps = 1',
        '[facts.links."Mars--Moon"]',
        "key of links 'Mars--Moon' is not known; a scenario changes facts that exist. Mend: write one of the ",
    ),
    "fact of an unknown quantity": (
        "[facts.clusters.Guian]\npue = 1.2",
        "pue = 1.2",
        "quantity of clusters 'pue' is not known; a scenario changes facts that exist. Mend: use one of connection_mw,",
    ),
    "fact out of bounds": (
        "[facts.clusters.Guian]\npue_ratio = 0.9",
        "pue_ratio = 0.9",
        "facts.clusters.Guian.pue_ratio is 0.9; a facility cannot draw less than its servers (pue >= 1), nor five "
        "times as much. Mend: write a value from 1 to 5.",
    ),
    "fact that is NaN": (
        "[facts.prices]\ncarbon_kcny_per_tco2 = nan",
        "carbon_kcny_per_tco2 = nan",
        "facts.prices.carbon_kcny_per_tco2 is nan; a fact is a finite number. Mend: write a decimal number.",
    ),
    "fact that is true": (
        "[facts.network]\nlocal_rtt_ms = true",
        "local_rtt_ms = true",
        "facts.network.local_rtt_ms is True; a fact is a finite number. Mend: write a decimal number.",
    ),
    "fact without a quantity": (
        "[facts.clusters]\nGuian = 3",
        "Guian = 3",
        "facts.clusters.Guian is 3; table 'clusters' is changed by key and quantity. "
        "Mend: write it under [facts.clusters.KEY].",
    ),
    "fact against another": (
        "[facts.pods.a]\nidle_mw = 5",
        "idle_mw = 5",
        "peak_mw of 'a' is 1, its idle_mw 5; a busy pod draws at least what an idle one does. "
        "Mend: correct one of the two.",
    ),
    "peak price above the critical one": (
        "[facts.regions.Beijing]\ntou_peak_ratio = 4.5",
        "tou_peak_ratio = 4.5",
        "tou_critical_ratio of 'Beijing' is 2.16, its tou_peak_ratio 4.5; the critical-peak price is at least the "
        "peak price. Mend: correct one of the two.",
    ),
    "shares of a fleet": (
        '[facts.fleet."Guian/a"]\nshare_frac = 0.9',
        '[facts.fleet."Guian/a"]',
        "share_frac of 'Guian' sums to 1.5; shares of one whole sum to 1. Mend: correct the shares.",
    ),
    "a site moved": (
        "[facts.clusters.Guian]\nlat_deg = 30",
        "lat_deg = 30",
        "facts.clusters.Guian.lat_deg is changed; a site stands in one place, and link lengths were measured from "
        "there. Mend: change facts.links or network.latency_limit instead.",
    ),
}


@pytest.mark.parametrize("kind", ONE_LINE)
def test_a_fault_in_one_line(only: Only, kind: str) -> None:
    lines, line, message = ONE_LINE[kind]
    text = f"{SMALL}\n{lines}\n"
    said = only(text)
    assert said.startswith(f"mine.toml row {row_of(text, line)}: {message}"), said
    assert said.endswith(".")


def test_missing_keys_are_named_where_their_table_stands(desk: Desk) -> None:
    text = SMALL + "\n[services.new]\nmean_eflops = 3\nshape = 'flat'\nrtt_limit_ms = 50\n"
    row = row_of(text, "[services.new]")
    assert desk.said(text) == [
        f"mine.toml row {row}: key 'services.new.{key}' is missing; every key of a scenario must be given or "
        f"inherited. Mend: add {key}."
        for key in ("traffic_gbps_per_eflops", "lost_kcny_per_eflopsh", "served_floor_frac")
    ]


def test_a_scenario_without_parent_lacks_every_section(desk: Desk) -> None:
    said = desk.said('why = "Nothing but a reason to be, and no parent."')
    assert [m.split("'")[1] for m in said] == [
        *("seed", "horizon", "services", "batches", "jobs", "demand"),
        *("fleet", "weather", "network", "policy", "solve"),
    ]


@pytest.mark.parametrize(
    ("hours", "period_h", "rule"),
    [
        (25, 6, "the horizon of 25 h must hold whole steering periods"),
        (24, 5, "a day must hold whole steering periods (1, 2, 3, 4, 6, 8, 12 or 24 h)"),
        (48, 16, "a day must hold whole steering periods (1, 2, 3, 4, 6, 8, 12 or 24 h)"),
    ],
)
def test_periods_that_do_not_divide(only: Only, hours: int, period_h: int, rule: str) -> None:
    text = SMALL.replace("hours = 6", f"hours = {hours}\nperiod_h = {period_h}")
    row = row_of(text, f"period_h = {period_h}")
    said = f"horizon.period_h is {period_h}; {rule}. Mend: correct horizon.period_h."
    assert only(text) == f"mine.toml row {row}: {said}"


def test_a_fault_in_an_inherited_key_names_the_parent_file(desk: Desk) -> None:
    parent = SMALL + "\n[solve]\ngap_frac = 7\n"
    desk.write(parent, "parent")
    child = 'extends = "parent"\nwhy = "A child of a faulty parent."\n'
    assert desk.said(child) == [
        f"parent.toml row {row_of(parent, 'gap_frac = 7')}: solve.gap_frac is 7; it must be less than 1. "
        "Mend: correct solve.gap_frac."
    ]


def test_shares_of_demand_above_one(only: Only) -> None:
    text = 'extends = "day"\nwhy = "Beijing asks for half of all."\n[facts.regions.Beijing]\ndemand_share_frac = 0.5\n'
    assert only(text).startswith("mine.toml: demand_share_frac of the 31 regions that take part sums to 1.39")


def test_names_outside_the_facts(desk: Desk) -> None:
    text = SMALL.replace('"Guizhou"]', '"Guizou"]\nlocal_sites = ["Guangdong", "Tibet"]').replace('"Guian"', '"Gian"')
    region = row_of(text, 'regions = ["Guangdong", "Guizou"]')
    cluster, local = row_of(text, 'clusters = ["Gian"]'), row_of(text, 'local_sites = ["Guangdong", "Tibet"]')
    rule = "it must be one that exists. Mend:"
    assert desk.said(text) == [
        f"mine.toml row {region}: scope.regions names 'Guizou'; {rule} write 'Guizhou' if that is meant, "
        "else remove it.",
        f"mine.toml row {cluster}: scope.clusters names 'Gian'; {rule} write 'Guian' if that is meant, else remove it.",
        f"mine.toml row {local}: scope.local_sites names 'Tibet'; {rule} use one of Guangdong, Guizou.",
    ]


@pytest.mark.parametrize("kind", ["regions", "clusters"])
def test_a_name_twice(only: Only, kind: str) -> None:
    name = {"regions": "Guizhou", "clusters": "Guian"}[kind]
    text = SMALL.replace(f'"{name}"]', f'"{name}", "{name}"]')
    assert only(text).endswith(
        f"scope.{kind} names '{name}' 2 times; what takes part is named once. Mend: remove the others."
    )


def test_a_latency_class_that_no_site_can_meet(desk: Desk) -> None:
    text = SMALL + "\n[facts.network]\nlocal_rtt_ms = 1\n[services.control]\nrtt_limit_ms = 0.5\n"
    row = row_of(text, "rtt_limit_ms = 0.5")
    assert desk.said(text) == [
        f"mine.toml row {row}: class 'control' allows 0.5 ms and the nearest site of '{region}' is 1.0 ms away; "
        "every region must have a site within a class's latency limit. "
        "Mend: raise the limit, or give the region a local site."
        for region in ("Guangdong", "Guizhou")
    ]


def test_a_latency_class_does_not_matter_without_services() -> None:
    changes = ("services.control.rtt_limit_ms=0.5", "blocks.service=false", "blocks.coverage=false", "horizon.hours=6")
    assert "service" not in build_case(load("day", changes)).blocks


def test_faults_of_several_kinds_come_at_once(desk: Desk) -> None:
    shapes = '[services.online]\nshape = "a"\n[services.control]\nshape = "b"\n[batches.backup]\nshape = "c"\n'
    rest = '[jobs]\ntrace = "d"\nslack = "e"\n[blocks]\nf = false\nfleet = false\n[facts.prices]\ng = 1\n'
    assert len(desk.faults(f"{SMALL}\n{shapes}{rest}[facts.pods.a]\nusable_frac = 2\n")) == 9
    keys = "[demand]\nscale_ratio = -1\nday_sd_frac = 2\n[solve]\ntime_limit_s = 0\n[jobs]\npods_max = 0\nfoo = 1\n"
    assert len(desk.faults(f"{SMALL}\n{keys}")) == 5


NOT_TOML = "why = 'x'\n[horizon\nhours = 3\n"


def test_what_is_not_toml(only: Only) -> None:
    said = only(NOT_TOML)
    assert said.startswith("mine.toml row 2: the file is not TOML (")
    assert said.endswith("scenarios are TOML files. Mend: correct this line.")


def test_a_key_twice_is_not_toml(only: Only) -> None:
    assert "mine.toml row 2: the file is not TOML (Cannot overwrite a value" in only('why = "a"\nwhy = "b"\n')


def test_what_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes('name = "a"\nwhy = "算力"\n'.encode("gb18030"))
    with pytest.raises(InputError, match=r"mine.toml row 2: the file is not UTF-8; .* Mend: save it as UTF-8\."):
        load(str(path))


def test_unknown_parent(only: Only) -> None:
    said = only('why = "A child of nobody at all."\nextends = "dya"\n')
    mend = "write 'day' if that is meant, else remove it"
    assert said == f"mine.toml row 2: scenario 'dya' is not known; extends names a scenario. Mend: {mend}."


def test_parents_in_a_circle(desk: Desk) -> None:
    desk.write('extends = "mine"\n', "other")
    assert desk.said('why = "a"\nextends = "other"\n') == [
        "other.toml row 1: scenarios extend one another in a circle (mine -> other -> mine); "
        "a scenario has one line of parents. Mend: remove one extends."
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dya", "scenario: scenario 'dya' is not known; .* write 'day' if that is meant"),
        ("nowhere/mine.toml", "nowhere/mine.toml: the scenario file is missing; a path must lead to a TOML file"),
        ("scenarios", "scenarios: the scenario file is missing"),
    ],
)
def test_a_scenario_that_is_not_there(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(InputError, match=message):
        load(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("policy.carbon_ledger", "'policy.carbon_ledger' is no change; a change is key=value."),
        ("=3", "'=3' is no change; a change is key=value."),
        ("demand..scale_ratio=1", "'demand..scale_ratio=1' is no change; a change is key=value."),
        ("horizon.hours.x=1", "'hours' holds a value, not keys ('horizon.hours.x=1'); a change leads to one key."),
        ("horizon.hours='24'", "horizon.hours is '24'; it must be a whole number."),
        ("horizon.hour=24", "key 'horizon.hour' is not known; a scenario holds only the documented keys."),
        ("jobs.slack=never", "slack 'never' is not known; it must stand in scenarios/data/deadline_tolerance.csv."),
        ("horizon.start=2025-07-14T10:00:00", "horizon.start is 2025-07-14 10:00:00; it must be a date"),
        ("horizon.start=1999-12-31", "horizon.start is 1999-12-31; it must be greater than or equal to 2000-01-01."),
        ("services={}", "[services] holds 0 keys; at least one must stand in it."),
        ("why=short", "why is 'short'; it must be a sentence."),
        ("name=a/b", "name is 'a/b'; it holds letters, digits,"),
        ("scope.clusters=Guian", "scope.clusters is 'Guian'; it must be a list in square brackets."),
        ("facts.clusters.Gian.pue_ratio=1.2", "key of clusters 'Gian' is not known;"),
        ("seed=-1", "seed is -1; it must be greater than or equal to 0."),
    ],
)
def test_a_change_that_cannot_be(only: Only, change: str, message: str) -> None:
    said = only(SMALL, (change,))
    assert said.startswith(f"--set: {message}"), said
    assert ". Mend: " in said


def test_all_faulty_changes_come_at_once(desk: Desk) -> None:
    assert len(desk.faults(SMALL, ("a", "=b", "seed.x=1"))) == 3


# -- instruments

SOLD = """
[blocks]
delivery = true
expansion = true

[delivery.positions.south]
cluster = "Guian"
region = "Guangdong"
kind = "take-or-pay"
eflops = 1.0
damages_kcny_per_eflopsh = 9.0
"""

INSTRUMENTS = {
    "unknown cluster of a position": (
        SOLD.replace("Guian", "Gian"),
        'cluster = "Gian"',
        "cluster 'Gian' is not known; a position is between a cluster and a region of the scenario. "
        "Mend: write 'Guian' if that is meant, else remove it.",
    ),
    "cluster that takes no part": (
        SOLD.replace("Guian", "Horinger"),
        'cluster = "Horinger"',
        "cluster 'Horinger' is not known; a position is between a cluster and a region of the scenario. "
        "Mend: use one of Guian.",
    ),
    "unknown region of a position": (
        SOLD.replace("Guangdong", "Guangdon"),
        'region = "Guangdon"',
        "region 'Guangdon' is not known; a position is between a cluster and a region of the scenario. "
        "Mend: write 'Guangdong' if that is meant, else remove it.",
    ),
    "unknown kind of a position": (
        SOLD.replace("take-or-pay", "swap"),
        'kind = "swap"',
        "delivery.positions.south.kind is 'swap'; it must be 'fixed', 'take-or-pay' or 'call'. "
        "Mend: correct delivery.positions.south.kind.",
    ),
    "position of nothing": (
        SOLD.replace("eflops = 1.0", "eflops = 0.0"),
        "eflops = 0.0",
        "delivery.positions.south.eflops is 0.0; it must be greater than 0. "
        "Mend: correct delivery.positions.south.eflops.",
    ),
    "key that no position has": (
        SOLD + "strike = 3\n",
        "strike = 3",
        "key 'delivery.positions.south.strike' is not known; a scenario holds only the documented keys. "
        "Mend: use one of cluster, damages_kcny_per_eflopsh, eflops, high_frac, hours, kind, low_frac, region, "
        "take_frac.",
    ),
    "oversold cluster": (
        SOLD.replace("eflops = 1.0", "eflops = 9999.0"),
        "[delivery.positions.south]",
        "positions on 'Guian' add up to 9999 EFLOPS; a cluster sells no more than its machines can do (96.16 EFLOPS). "
        "Mend: lower the quantities.",
    ),
    "pod of an unknown generation": (
        SOLD + '[expansion]\ngeneration = "z"\n',
        'generation = "z"',
        "generation 'z' is not known; a new pod is of a generation that exists. Mend: use one of a, b.",
    ),
    "least time beyond a horizon that repeats": (
        "[fleet]\nmin_up_h = 7\n",
        "min_up_h = 7",
        "a pod stays on for 7 h in a cyclic horizon of 6 h; a least time fits the horizon that repeats. "
        "Mend: lower it, lengthen the horizon, or set horizon.cyclic = false.",
    ),
    "battery that gives back more than it took": (
        "[storage]\nround_trip_frac = 1.2\n",
        "round_trip_frac = 1.2",
        "storage.round_trip_frac is 1.2; it must be less than or equal to 1. Mend: correct storage.round_trip_frac.",
    ),
    "hour that no day has": (
        "[peak_shaving]\nhours = [18, 24]\n",
        "hours = [18, 24]",
        "peak_shaving.hours.1 is 24; it must be less than or equal to 23. Mend: correct peak_shaving.hours.1.",
    ),
}


@pytest.mark.parametrize("kind", INSTRUMENTS)
def test_a_fault_of_an_instrument(only: Only, kind: str) -> None:
    lines, line, message = INSTRUMENTS[kind]
    text = f"{SMALL}\n{lines}\n"
    said = only(text)
    assert said.startswith(f"mine.toml row {row_of(text, line)}: {message}"), said


@pytest.mark.parametrize(
    ("kind", "band", "rule"),
    [
        (
            "take-or-pay",
            "low_frac = 0.9\ntake_frac = 0.5\n",
            "low_frac <= take_frac <= high_frac, or the band contradicts",
        ),
        (
            "take-or-pay",
            "take_frac = 1.3\nhigh_frac = 1.2\n",
            "low_frac <= take_frac <= high_frac, or the band contradicts",
        ),
        ("fixed", "low_frac = 0.9\n", "low_frac, high_frac and take_frac belong to kind 'take-or-pay'"),
        ("call", "take_frac = 0.5\n", "low_frac, high_frac and take_frac belong to kind 'take-or-pay'"),
    ],
)
def test_a_band_that_contradicts_itself(only: Only, kind: str, band: str, rule: str) -> None:
    text = SMALL + SOLD.replace("take-or-pay", kind) + band
    said = only(text)
    assert said.startswith(f"mine.toml row {row_of(text, '[delivery.positions.south]')}: ")
    assert rule in said
    assert said.endswith("Mend: correct delivery.positions.south.")


def test_positions_that_fit_one_by_one_may_oversell_together(only: Only, desk: Desk) -> None:
    """96.16 EFLOPS stand in Guian; the last position is named."""
    one = SOLD.replace("eflops = 1.0", "eflops = 50.0").replace("take-or-pay", "fixed")
    second = one[one.index("[delivery") :].replace("south", "again")
    text = SMALL + one + second
    assert only(text).startswith(
        f"mine.toml row {row_of(text, '[delivery.positions.again]')}: positions on 'Guian' add up to 100 EFLOPS;"
    )
    assert len(build_case(load(str(desk.write(SMALL + one)))).positions) == 1


def test_a_least_time_as_long_as_the_horizon_is_fine_and_longer_on_an_open_one(desk: Desk) -> None:
    whole = desk.write(SMALL + "[fleet]\nmin_up_h = 6\n")
    assert {g.min_up_h for g in build_case(load(str(whole))).generations} == {6}
    longer = desk.write(SMALL.replace("hours = 6", "hours = 6\ncyclic = false") + "[fleet]\nmin_up_h = 7\n")
    assert {g.min_up_h for g in build_case(load(str(longer))).generations} == {7}


@pytest.mark.parametrize("block", SECTIONS)
def test_a_block_that_is_switched_on_without_its_section(only: Only, block: str) -> None:
    """`tiny` stands on no parent, so that it inherits no section."""
    tiny = (Path(__file__).parents[2] / "scenarios" / "data" / "tiny.toml").read_text(encoding="utf-8")
    text = f"{tiny}\n[blocks]\n{block} = true\n"
    assert only(text) == (
        f"mine.toml row {row_of(text, f'{block} = true')}: [{block}] is missing; block '{block}' needs its section. "
        f"Mend: add [{block}], or inherit it from '_national'."
    )


@pytest.mark.parametrize(("block", "needs"), [(b, other) for b, others in STANDS_ON.items() for other in others])
def test_a_block_whose_ground_is_left_out(desk: Desk, block: str, needs: str) -> None:
    on = {name: name == block for name in STANDS_ON} | {needs: False}
    lines = "\n".join(f"{name} = {str(value).lower()}" for name, value in on.items())
    said = desk.said(f"{SMALL}\n[blocks]\n{lines}\n[policy]\ncredit_mwh_per_eflopsh = 0.1\n")
    assert [message.split(": ", 1)[1] for message in said] == [
        f"block '{needs}' is left out; block '{block}' stands on block '{needs}'. Mend: leave out '{block}' as well."
    ]


def test_a_position_on_a_cluster_that_its_buyer_cannot_reach(only: Only) -> None:
    """Within territories Beijing uses Zhangjiakou, which is nearest to it."""
    text = SMALL.replace('"Guangdong", ', '"Beijing", ').replace('["Guian"]', '["Guian", "Zhangjiakou"]')
    text += SOLD.replace("Guangdong", "Beijing") + '[network]\nreach = "territory"\n'
    row = row_of(text, 'cluster = "Guian"')
    assert only(text) == (
        f"mine.toml row {row}: region 'Beijing' cannot use cluster 'Guian'; a position is between a region and a "
        "cluster it can reach. Mend: name another cluster, or set network.reach = 'nation'."
    )


def test_positions_of_a_block_that_is_off_are_not_dropped_in_silence(only: Only) -> None:
    said = only(SMALL + SOLD.replace("delivery = true", "delivery = false"))
    assert said.startswith("mine.toml")
    assert said.endswith(
        "positions are given and block 'delivery' is off; what is given is used. "
        "Mend: set blocks.delivery = true, or remove the positions."
    )
