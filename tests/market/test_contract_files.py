"""Contract files: six types read, defaults from the facts, and every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubs.errors import InputError
from hubs.tables import load_facts
from optimizer.market.contractfile import load, read
from optimizer.market.contracts import CallOption, Collar, Difference, Forward, GreenForward, TakeOrPay

PRICES = {"futures_margin_frac": 0.12, "futures_limit_frac": 0.1, "futures_tick_kcny_per_eflopsh": 0.02}
SHARED = """
buyer = "Guangdong"
seller = "Guian"
first_day = 0
last_day = 6
shape = "baseload"
lots = 20
"""
BODIES = {
    "forward": ("strike_kcny_per_eflopsh = 6", Forward(6.0)),
    "take-or-pay": ("strike_kcny_per_eflopsh = 6.5\nleast_frac = 0.8\nmost_frac = 1.1", TakeOrPay(6.5, 0.8, 1.1)),
    "call-option": ("strike_kcny_per_eflopsh = 6.5\npremium_kcny_per_eflopsh = 0.3", CallOption(6.5, 0.3)),
    "difference": ('strike_kcny_per_eflopsh = 6.5\nvolume = "dispatch"', Difference(6.5, "dispatch")),
    "collar": ("floor_kcny_per_eflopsh = 5.5\ncap_kcny_per_eflopsh = 7.5", Collar(5.5, 7.5, 0.0)),
    "green-forward": (
        "strike_kcny_per_eflopsh = 6.5\ncertificate_kcny_per_mwh = 0.006\ncertificate_mwh_per_eflopsh = 4.2",
        GreenForward(6.5, 0.006, 4.2),
    ),
}


def text(kind: str, body: str, name: str = "c") -> str:
    return f'[contracts.{name}]\ntype = "{kind}"{SHARED}{body}\n'


@pytest.mark.parametrize("kind", BODIES)
def test_each_type_is_read(kind: str) -> None:
    body, terms = BODIES[kind]
    (found,) = read(text(kind, body), "c.toml", PRICES)
    assert found.terms == terms
    assert type(found.terms) is type(terms)
    assert (found.name, found.buyer, found.seller, found.lots) == ("c", "Guangdong", "Guian", 20)
    assert (found.margin_frac, found.limit_frac, found.tick_kcny_per_eflopsh) == (0.12, 0.1, 0.02)
    assert found.rows["lots"] == 8


def test_defaults_are_the_facts_and_may_be_overridden(tmp_path: Path) -> None:
    path = tmp_path / "book.toml"
    body = BODIES["forward"][0]
    path.write_text(text("forward", body) + text("forward", body + "\nmargin_frac = 0.2", "d"), encoding="utf-8")
    prices = load_facts().prices
    first, second = load(path, prices)
    assert first.margin_frac == prices["futures_margin_frac"]
    assert first.limit_frac == prices["futures_limit_frac"]
    assert first.tick_kcny_per_eflopsh == prices["futures_tick_kcny_per_eflopsh"]
    assert (second.name, second.margin_frac) == ("d", 0.2)
    assert first.where == str(path)


FAULTS: dict[str, tuple[str, str, int | None]] = {
    "strike in another unit": (
        text("forward", "strike_cny_per_pflopsh = 6.5"),
        "key 'strike_cny_per_pflopsh' is not known; prices stand in thousand CNY, and the key names the unit. "
        "Mend: convert the number and write 'strike_kcny_per_eflopsh'.",
        9,
    ),
    "strike without a unit": (
        text("forward", "strike = 6.5"),
        "Mend: convert the number and write 'strike_kcny_per_eflopsh'.",
        9,
    ),
    "key of another type": (
        text("forward", "strike_kcny_per_eflopsh = 6\nleast_frac = 0.5"),
        "key 'least_frac' is not known; a contract holds only the documented keys of its type",
        10,
    ),
    "misspelt key": (
        text("forward", "strike_kcny_per_eflopsh = 6\nmargin_fraction = 0.5"),
        "Mend: write 'margin_frac' if that is meant, else remove it.",
        10,
    ),
    "missing key": (
        text("call-option", "strike_kcny_per_eflopsh = 6"),
        "key 'premium_kcny_per_eflopsh' is missing; a contract of type 'call-option' has it. Mend: add premium",
        1,
    ),
    "unknown type": (
        text("foward", ""),
        "type 'foward' is not known; a contract is of a known type. Mend: write 'forw",
        2,
    ),
    "no type": ("[contracts.c]\nlots = 3\n", "key 'type' is missing", 1),
    "negative lots": (
        text("forward", "strike_kcny_per_eflopsh = 6").replace("= 20", "= -20"),
        "lots is -20; it must be greater than 0. Mend: correct lots.",
        8,
    ),
    "half a lot": (
        text("forward", "strike_kcny_per_eflopsh = 6").replace("= 20", "= 2.5"),
        "lots is 2.5; it must be a whole number",
        8,
    ),
    "a strike in quotes": (text("forward", 'strike_kcny_per_eflopsh = "6"'), "is '6'; it must be a number", 9),
    "an infinite strike": (text("forward", "strike_kcny_per_eflopsh = inf"), "it must be a finite number", 9),
    "a negative strike": (text("forward", "strike_kcny_per_eflopsh = -6"), "it must be greater than or equal to 0", 9),
    "unknown shape": (
        text("forward", "strike_kcny_per_eflopsh = 6").replace("baseload", "peak"),
        "shape is 'peak'; it must be 'baseload', 'working-hours', 'night' or 'custom'",
        7,
    ),
    "custom without hours": (
        text("forward", "strike_kcny_per_eflopsh = 6").replace("baseload", "custom"),
        "hours_ratio is None; a custom shape has 24 numbers, none negative, not all zero",
        1,
    ),
    "hours of a named shape": (
        text("forward", "strike_kcny_per_eflopsh = 6\nhours_ratio = [1.0, 2.0]"),
        "the shape 'baseload' has its own hours; only a custom shape lists them",
        10,
    ),
    "ends before it begins": (
        text("forward", "strike_kcny_per_eflopsh = 6").replace("first_day = 0", "first_day = 7"),
        "last_day is 6; delivery must not end before its first day, 7",
        6,
    ),
    "band upside down": (
        text("take-or-pay", "strike_kcny_per_eflopsh = 6\nleast_frac = 0.9\nmost_frac = 0.8"),
        "most_frac is 0.8; the band must not end below least_frac, 0.9",
        11,
    ),
    "cap below floor": (
        text("collar", "floor_kcny_per_eflopsh = 7\ncap_kcny_per_eflopsh = 6"),
        "cap_kcny_per_eflopsh is 6; the cap must not lie below the floor, 7",
        10,
    ),
    "no table": ("contracts.c = 3\n", "it is 3; a contract is a table of keys", 1),
    "other tables": ("[positions.c]\nlots = 3\n", "key 'positions' is not known; a contract file holds tables", 1),
    "nothing": ("", "no contract stands in the file", None),
    "not TOML": ("[contracts.c]\nlots = = 3\n", "the file is not TOML", 2),
}


@pytest.mark.parametrize(("content", "message", "row"), FAULTS.values(), ids=FAULTS.keys())
def test_each_fault_says_its_line_and_mend(content: str, message: str, row: int | None) -> None:
    with pytest.raises(InputError) as error:
        read(content, "c.toml", PRICES)
    (fault,) = error.value.faults
    assert message in str(fault)
    assert (fault.where, fault.row) == ("c.toml", row)


def test_faults_of_all_contracts_come_at_once() -> None:
    content = (
        text("forward", "strike = 6", "a") + text("collar", "floor_kcny_per_eflopsh = -1", "b") + text("x", "", "d")
    )
    with pytest.raises(InputError) as error:
        read(content, "c.toml", PRICES)
    assert [fault.column for fault in error.value.faults] == [
        "contracts.a.strike",
        "contracts.b.cap_kcny_per_eflopsh",
        "contracts.d.type",
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the contract file is missing"):
        load(tmp_path / "none.toml", PRICES)
    path = tmp_path / "gbk.toml"
    path.write_bytes("# 合约".encode("gbk"))
    with pytest.raises(InputError, match="not UTF-8"):
        load(path, PRICES)
