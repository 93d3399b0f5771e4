"""What a scenario may say: every key, its unit (in its name), its bounds. Unknown keys are faults.

A scenario is a TOML file. `extends` names a parent whose tables it inherits key by key; `why` says in a
sentence what the scenario is for. `load` in `scenarios/library.py` reads one; this file and the sections it names
only say what is allowed and turn what pydantic finds into Faults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from types import UnionType
from typing import Any

from pydantic import Field, ValidationError

from hubs.errors import Fault, nearest
from scenarios.optional import (
    CooperationSection,
    DeliverySection,
    ExpansionSection,
    InnovationSection,
    PeakShavingSection,
    StorageSection,
)
from scenarios.sections import (
    BatchSection,
    DemandSection,
    FleetSection,
    GridSection,
    HorizonSection,
    InputsSection,
    JobsSection,
    NetworkSection,
    PolicySection,
    ScopeSection,
    Section,
    ServiceSection,
    SolveSection,
    WeatherSection,
)

Place = Callable[[Sequence[str]], tuple[str, int | None]]
"""File and line of a key, given as its parts; the line is None where it cannot be found."""


class Scenario(Section):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    why: str = Field(min_length=10)
    seed: int = Field(ge=0)
    horizon: HorizonSection
    scope: ScopeSection = ScopeSection()
    blocks: dict[str, bool] = Field(default={})
    """Model blocks: present unless false."""
    services: dict[str, ServiceSection] = Field(min_length=1)
    batches: dict[str, BatchSection] = Field(min_length=1)
    jobs: JobsSection
    demand: DemandSection
    fleet: FleetSection
    weather: WeatherSection
    network: NetworkSection
    policy: PolicySection
    grid: GridSection = GridSection()
    storage: StorageSection | None = None
    peak_shaving: PeakShavingSection | None = None
    cooperation: CooperationSection | None = None
    delivery: DeliverySection = DeliverySection()
    expansion: ExpansionSection | None = None
    innovation: InnovationSection = InnovationSection()
    inputs: InputsSection = InputsSection()
    solve: SolveSection
    facts: dict[str, dict[str, Any]] = Field(default={})
    """Facts that this scenario changes: table -> key -> quantity -> value (or quantity -> value)."""


def faults_of(error: ValidationError, place: Place) -> list[Fault]:
    """Each thing pydantic found, as a Fault with the file and line of its key."""
    return [_fault(dict(item), place) for item in error.errors()]


def _fault(item: dict[str, Any], place: Place) -> Fault:
    path = [str(part) for part in item["loc"]]
    key = ".".join(path)
    where, row = place(path)
    given = item.get("input")
    if item["type"] == "extra_forbidden":
        rule = "a scenario holds only the documented keys"
        return Fault(where, row, key, f"key '{key}' is not known", rule, nearest(path[-1], _known_keys(path[:-1])))
    if item["type"] == "missing":
        rule = "every key of a scenario must be given or inherited"
        return Fault(where, row, key, f"key '{key}' is missing", rule, f"add {path[-1]}")
    shown = f"{key} is {given if isinstance(given, date) else repr(given)}"
    if isinstance(given, dict):
        shown = f"[{key}] holds {len(given)} keys"
    return Fault(where, row, key, shown, _rule(item), f"correct {key}")


def _rule(item: dict[str, Any]) -> str:
    """What pydantic says, in the words of a planner."""
    message = str(item["msg"]).removeprefix("Value error, ").replace("Input should be", "it must be")
    return _RULES.get(item["type"], message[0].lower() + message[1:])


_RULES = {
    "dict_type": "it must be a table of keys",
    "model_type": "it must be a table of keys",
    "too_short": "at least one must stand in it",
    "int_type": "it must be a whole number",
    "float_type": "it must be a number",
    "finite_number": "it must be a finite number",
    "bool_type": "it must be true or false",
    "string_type": "it must be a text in quotes",
    "list_type": "it must be a list in square brackets",
    "date_type": "it must be a date such as 2025-07-14",
    "string_pattern_mismatch": "it holds letters, digits, '_', '.' and '-' only and starts with a letter or digit",
    "string_too_short": "it must be a sentence",
}


def _known_keys(path: list[str]) -> list[str]:
    """Keys allowed in the section that `path` leads to."""
    section: Any = Scenario
    for part in path:
        # In a table of sections (services, batches) the next part is a name of the user's own.
        section = section.model_fields[part].annotation if hasattr(section, "model_fields") else section.__args__[1]
        if isinstance(section, UnionType):  # an instrument, or None
            section = section.__args__[0]
    return list(section.model_fields) if hasattr(section, "model_fields") else []
