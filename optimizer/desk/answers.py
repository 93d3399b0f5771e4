"""What the pages' scripts ask and tell, as JSON: check a text, keep it, copy a scenario, solve, watch, cancel."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from optimizer.desk import folder as files
from optimizer.desk.checking import Checked
from optimizer.desk.desk import Here
from optimizer.desk.guard import Refusal
from optimizer.desk.job import Order, shown

router = APIRouter(prefix="/api")
Name = Annotated[str, Field(max_length=80)]
ScenarioText = Annotated[str, Field(max_length=files.TEXT_MAX_BYTES)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextAsked(Asked):
    name: Name
    text: ScenarioText


class SaveAsked(TextAsked):
    version: str
    """The mark of the text this one replaces."""


class CopyAsked(Asked):
    origin: Literal["library", "own", "run"]
    source: Name
    name: Name


class SolveAsked(Asked):
    origin: Literal["library", "own"]
    name: Name
    gap_frac: float | None = Field(default=None, gt=0, lt=1, allow_inf_nan=False)
    time_limit_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)


@router.post("/check")
def check(desk: Here, asked: TextAsked) -> dict[str, Any]:
    """Every fault of a text, and what it says."""
    _fits(asked.text)
    return _told(files.plain(asked.name), desk.checker.check(asked.name, asked.text))


@router.post("/save")
def save(desk: Here, asked: SaveAsked) -> dict[str, Any]:
    """Keep a text, faults and all, unless it would read what is none of its business."""
    _fits(asked.text)
    checked = desk.checker.check(files.plain(asked.name), asked.text, whole=False)
    if checked.outside:
        raise Refusal(422, "Not kept: " + "; ".join(f"{f.found}; {f.rule}" for f in checked.faults) + ".")
    kept = files.save(desk.folder, asked.name, asked.text, asked.version)
    return _told(asked.name, checked) | {"version": kept.version}


@router.post("/copy")
def copy(desk: Here, asked: CopyAsked) -> dict[str, Any]:
    """Make a scenario of the planner's own from one of the library, of the desk, or of a run."""
    if asked.origin == "library":
        text = files.library_text(asked.source).text
    elif asked.origin == "own":
        text = files.own_text(desk.folder, asked.source).text
    else:
        text = files.run_scenario(files.run_at(desk.folder, asked.source)).text
    files.copy(desk.folder, text, asked.name)
    return {"goto": f"/scenarios/{asked.name}"}


@router.post("/solve")
def solve(desk: Here, asked: SolveAsked) -> dict[str, Any]:
    """Begin to solve."""
    order: Order = desk.order(asked.origin, asked.name, asked.gap_frac, asked.time_limit_s)
    return {"run": desk.solver.start(order).run, "goto": "/solve"}


@router.post("/cancel")
def cancel(desk: Here) -> dict[str, Any]:
    """End the solve that works."""
    desk.solver.cancel()
    return {"goto": "/solve"}


@router.get("/solve")
def watch(desk: Here) -> dict[str, Any] | None:
    """How the present or the last solve stands."""
    return desk.state()


def _fits(text: str) -> None:
    size = len(text.encode("utf-8"))
    if size > files.TEXT_MAX_BYTES:
        raise Refusal(413, f"A scenario holds at most {files.TEXT_MAX_BYTES:,} bytes, this one {size:,}.")


def _told(name: str, checked: Checked) -> dict[str, Any]:
    return {"faults": [shown(fault, name) for fault in checked.faults], "about": checked.about}
