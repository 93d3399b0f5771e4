"""What each section of a file of printed tables must hold: numbers where numbers are meant, and nothing passed over.

Works on the raw TOML (reals as Decimal). Every fault is found at once; a section that is sound here can be audited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from optimizer.econometrics.errors import Fault

KNOWN = ("meta", "table1", "table2", "table3", "table4", "table5", "table6", "table7", "table7_differences")
SINGLE = ("table1", "table4", "table6")
# Keys each listed section needs besides the treatment's coefficient: the rest are optional and checked when present.
NEEDED = {
    "table2": ("n", "r2"), "table3": ("n",), "table5": ("thresholds", "slopes"), "table7": ("group", "n"),
    "table7_differences": ("first", "second", "p"),
}  # fmt: skip
WITH_TREATMENT = ("table2", "table3", "table7")
MOMENTS = 5


def is_number(value: object) -> bool:
    """A finite number, not a truth value."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and Decimal(value).is_finite()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_coefficient(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"b", "t"}


def _is_test(value: object) -> bool:
    return isinstance(value, dict) and is_number(value.get("stat")) and is_number(value.get("p"))


def _is_stage(value: object) -> bool:
    return isinstance(value, dict) and any(_is_coefficient(v) for v in value.values())


def _list_of(check: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and len(value) > 0 and all(check(item) for item in value)


COUNT, NUMBER = (_is_count, "a whole number above zero"), (is_number, "a finite number")
KEYS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "n": COUNT, "r2": NUMBER, "r2_a": NUMBER, "r2_b": NUMBER, "p": NUMBER, "sobel_p": NUMBER, "kp_rk_wald_f": NUMBER,
    "stock_yogo_10": NUMBER, "selection_ratio": NUMBER, "kp_rk_lm": (_is_test, "{ stat = number, p = number }"),
    "thresholds": (_list_of(is_number), "a list of numbers"),
    "slopes": (_list_of(_is_coefficient), "a list of { b = number, t = number }"),
    "first_stage": (_is_stage, "a table with a coefficient"), "second_stage": (_is_stage, "a table with a coefficient"),
    "total": (_is_stage, "a table with a coefficient"),
}  # fmt: skip
"""Key -> what stands there, wherever the key is; a or b or direct in table 6 are coefficients like a treatment's."""


def section_faults(raw: Mapping[str, object], treatment: str, source: str) -> list[Fault]:
    """Every fault of every section but [meta]."""
    faults = []
    for name, section in raw.items():
        if name == "meta":
            continue
        if name not in KNOWN:
            rule = "sections are " + ", ".join(KNOWN)
            faults.append(Fault(f"{source} [{name}]", "is not a known section", rule, "rename or remove it"))
        elif name in SINGLE:
            faults += _single(name, section, f"{source} [{name}]")
        else:
            faults += _listed(name, section, treatment, f"{source} [[{name}]]")
    return faults or _coefficient_faults(raw, source)


def _single(name: str, section: object, where: str) -> list[Fault]:
    if not isinstance(section, dict):
        return [Fault(where, "is not one table", "it is a single table", f"write [{name}]")]
    if name == "table1":
        return [
            Fault(
                f"{where} {key}", f"is {_shown(row)}", "n, mean, sd, min, max: five numbers, n above one", "complete it"
            )
            for key, row in section.items()
            if not (isinstance(row, list) and len(row) == MOMENTS and all(map(is_number, row)) and row[0] > 1)
        ]
    if name == "table4":
        return _key_faults(section, where)
    return _key_faults(section, where) + [
        fault for key, row in section.items() if key != "total" for fault in _path(row, f"{where} {key}")
    ]


def _path(row: object, where: str) -> list[Fault]:
    """A mediator of table 6: a, b and direct."""
    if not isinstance(row, dict):
        return [Fault(where, f"is {_shown(row)}", "a mediator has a, b and direct", "write them as a table")]
    missing = [key for key in ("a", "b", "direct") if not _is_coefficient(row.get(key))]
    mend = "write each as { b = number, t = number }"
    faults = [Fault(where, f"has no coefficient {', '.join(missing)}", "a mediator has a, b and direct", mend)]
    return (faults if missing else []) + _key_faults(row, where)


def _listed(name: str, section: object, treatment: str, where: str) -> list[Fault]:
    if not (isinstance(section, list) and all(isinstance(row, dict) for row in section)):
        return [Fault(where, "is not a list of tables", "it is a list of columns", f"write [[{name}]]")]
    faults = []
    for i, row in enumerate(section):
        place = f"{where} {i + 1}"
        needed = (*NEEDED[name], treatment) if name in WITH_TREATMENT else NEEDED[name]
        missing = [key for key in needed if key not in row]
        if missing:
            faults.append(Fault(place, f"has no {', '.join(missing)}", "it is needed", "add it"))
        elif name in WITH_TREATMENT and not _is_coefficient(row[treatment]):
            found = f"{treatment} is {_shown(row[treatment])}"
            faults.append(Fault(place, found, "a coefficient is { b = number, t = number }", "write it so"))
        faults += _key_faults(row, place)
    return faults


def _key_faults(row: Mapping[str, object], where: str) -> list[Fault]:
    return [
        Fault(where, f"{key} is {_shown(value)}", f"{key} is {KEYS[key][1]}", "correct it")
        for key, value in row.items()
        if key in KEYS and not KEYS[key][0](value)
    ]


def _coefficient_faults(node: object, where: str) -> list[Fault]:
    """Both numbers of every coefficient; b and t are not zero, for the error is b / t."""
    if isinstance(node, list):
        return [fault for i, item in enumerate(node) for fault in _coefficient_faults(item, f"{where} {i + 1}")]
    if not isinstance(node, dict):
        return []
    if set(node) & {"b", "t"} and not any(isinstance(v, dict) for v in node.values()):
        if all(is_number(node.get(key)) for key in ("b", "t")) and node["b"] != 0 and node["t"] != 0:
            return []
        found = "has a coefficient without b and t, or with one that is zero"
        rule = "{ b = number, t = number }, the error being b / t"
        return [Fault(where, found, rule, "complete it, with enough digits to tell b from zero")]
    return [fault for key, item in node.items() for fault in _coefficient_faults(item, f"{where} {key}")]


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else "a table" if isinstance(value, dict) else str(value)
