"""What is wrong in a user's own CSV file is found, all at once, and said with file, row, column, rule and mend."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from scenarios.build import build_case
from scenarios.library import load
from tests.scenarios.conftest import SMALL

if TYPE_CHECKING:
    from tests.scenarios.conftest import Desk

HOURS = 6
REGIONS = ("Guangdong", "Guizhou")
CLASSES = ("control", "interactive", "online", "nearline")
DEMAND = SMALL + '\n[inputs]\ndemand = "demand.csv"\n'
HEADER = "region,class,hour,demand_eflops"


def demand_rows() -> list[str]:
    return [
        f"{r},{k},{t},{i + j + t / 8}"
        for i, r in enumerate(REGIONS)
        for j, k in enumerate(CLASSES)
        for t in range(HOURS)
    ]


def spoiled(change: Callable[[list[str]], None]) -> list[str]:
    rows = demand_rows()
    change(rows)
    return rows


def test_a_whole_file_is_read_whatever_the_order_of_its_rows(desk: Desk) -> None:
    desk.table("demand.csv", HEADER, demand_rows()[::-1])
    demand = build_case(load(str(desk.write(DEMAND)))).demand_eflops
    assert demand.shape == (2, 4, HOURS)
    expected = np.add.outer(np.add.outer(np.arange(2.0), np.arange(4.0)), np.arange(HOURS) / 8)
    np.testing.assert_allclose(demand, expected)


ROW = "Guangdong,online,3,1.5"  # stands on row 2 + 2 * 6 + 3 = 17
LINE = 17
ONE_ROW = {
    "negative": ("Guangdong,online,3,-1.5", "demand_eflops is -1.5; demand cannot be negative."),
    "NaN": ("Guangdong,online,3,nan", "demand_eflops is 'nan'; a number must be plain and finite."),
    "infinity": ("Guangdong,online,3,inf", "demand_eflops is 'inf'; a number must be plain and finite."),
    "blank": ("Guangdong,online,3,", "demand_eflops is blank;"),
    "blank key": (",online,3,1.5", "region is blank;"),
    "no number": ("Guangdong,online,3,much", "demand_eflops is 'much'; a number must be plain and finite."),
    "unknown region": (
        "Guandong,online,3,1.5",
        "region 'Guandong' is not known; region must be one that is defined. "
        "Mend: write 'Guangdong' if that is meant, else remove it.",
    ),
    "region out of scope": ("Tibet,online,3,1.5", "region 'Tibet' is not known; region must be one that is defined."),
    "unknown class": ("Guangdong,onlin,3,1.5", "class 'onlin' is not known; class must be one that is defined."),
    "hour beyond": ("Guangdong,online,6,1.5", "hour is 6; hour is a whole number from 0 to 5."),
    "hour before": ("Guangdong,online,-1,1.5", "hour is -1; hour is a whole number from 0 to 5."),
    "broken hour": ("Guangdong,online,2.5,1.5", "hour is 2.5; hour is a whole number from 0 to 5."),
    "cells": ("Guangdong,online,3", "3 cells stand where the header names 4; a row has one cell per column."),
}


@pytest.mark.parametrize("kind", ONE_ROW)
def test_a_fault_in_one_row(desk: Desk, kind: str) -> None:
    row, message = ONE_ROW[kind]
    rows = demand_rows()
    rows[LINE - 2] = row
    desk.table("demand.csv", HEADER, rows)
    said = desk.said(DEMAND)
    assert said[0].startswith(f"demand.csv row {LINE}: {message}"), said
    assert all("Mend: " in message for message in said)
    assert len(said) == 1


def test_missing_hours(desk: Desk) -> None:
    desk.table("demand.csv", HEADER, spoiled(lambda rows: rows.__delitem__(slice(13, 15))))
    assert desk.said(DEMAND) == [
        "demand.csv: 'Guangdong online' has no hour 1, 2; every series has all 6 hours of the horizon. "
        "Mend: add the rows."
    ]


def test_a_missing_series_is_not_zero(desk: Desk) -> None:
    desk.table("demand.csv", HEADER, [row for row in demand_rows() if "Guizhou,control" not in row])
    assert desk.said(DEMAND) == [
        "demand.csv: 'Guizhou control' has no hour 0, 1, 2, 3, 4 and 1 more; every series has all 6 hours of the "
        "horizon. Mend: add the rows."
    ]


def test_an_hour_twice_and_one_missing_come_together(desk: Desk) -> None:
    rows = demand_rows()
    rows[LINE - 2] = "Guangdong,online,2,1.5"
    desk.table("demand.csv", HEADER, rows)
    assert desk.said(DEMAND) == [
        f"demand.csv row {LINE}: hour 2 of 'Guangdong online' stands twice; every hour stands once. "
        "Mend: remove one of the rows.",
        "demand.csv: 'Guangdong online' has no hour 3; every series has all 6 hours of the horizon. "
        "Mend: add the rows.",
    ]


@pytest.mark.parametrize(
    ("header", "messages"),
    [
        (HEADER + ",note", ["column 'note' is not known"]),
        ("region,class,hour", ["column 'demand_eflops' is missing"]),
        (
            "region,class,hour,demand_pflops",
            ["column 'demand_pflops' is not known", "column 'demand_eflops' is missing"],
        ),
        ("region,class,hour,hour", ["column 'hour' stands 2 times", "column 'demand_eflops' is missing"]),
    ],
)
def test_columns(desk: Desk, header: str, messages: list[str]) -> None:
    desk.table("demand.csv", header, demand_rows())
    said = desk.said(DEMAND)
    assert [message.removeprefix("demand.csv row 1: ").split(";")[0] for message in said] == messages
    if "demand_pflops" in header:
        assert "Mend: write 'demand_eflops' if that is meant" in said[0]


def test_a_file_that_is_not_there_and_one_that_is_empty(desk: Desk) -> None:
    assert desk.said(DEMAND)[0].startswith("demand.csv: the file is missing;")
    (desk.folder / "demand.csv").write_text("", encoding="utf-8")
    assert desk.said(DEMAND)[0].startswith("demand.csv: the file is empty;")
    (desk.folder / "demand.csv").write_bytes("region,class,hour,demand_eflops\n广东,a,0,1\n".encode("gb18030"))
    assert desk.said(DEMAND)[0].startswith("demand.csv: the file cannot be read (")


def test_a_capacity_factor_above_one(desk: Desk) -> None:
    rows = [f"Guian,{f},{t},{0.5 if (f, t) != ('solar', 4) else 1.04}" for f in ("wind", "solar") for t in range(HOURS)]
    desk.table("factor.csv", "cluster,carrier,hour,capacity_frac", rows)
    assert desk.said(SMALL + '\n[inputs]\ncapacity_factor = "factor.csv"\n') == [
        "factor.csv row 12: capacity_frac is 1.04; a capacity factor lies between 0 and 1. Mend: correct the value."
    ]


def test_a_negative_price(desk: Desk) -> None:
    sites = ("Guian", "Guangdong local", "Guizhou local")
    rows = [f"{s},{t},{0.4 if s != 'Guian' else -0.01}" for s in sites for t in range(HOURS)]
    desk.table("price.csv", "site,hour,energy_kcny_per_mwh", rows)
    said = desk.said(SMALL + '\n[inputs]\nenergy_price = "price.csv"\n')
    rule = "energy_kcny_per_mwh is -0.01; this price cannot be negative. Mend: correct the value."
    assert said == [f"price.csv row {row}: {rule}" for row in range(2, 2 + HOURS)]


JOBS = SMALL.replace("hours = 6", "hours = 12") + '\n[inputs]\njobs = "jobs.csv"\n'
JOB_HEADER = "job,region,pods,duration_h,release_h,deadline_h,data_tb,value_kcny"
GOOD = "first,Guizhou,2,3,0,12,1.5,40"
ONE_JOB = {
    "no time": (
        "second,Guizhou,2,9,0,12,1.5,40",
        "job 'second' is due at hour 12; released at 0 it cannot start before 6 nor end before 15. "
        "Mend: move the deadline or shorten the job.",
    ),
    "no time for its data": (
        "second,Guizhou,2,3,1,12,1.5,40",
        "job 'second' is due at hour 12; released at 1 it cannot start before 12 nor end before 15. "
        "Mend: move the deadline or shorten the job.",
    ),
    "too large": ("second,Guizhou,90000,3,-1,12,1.5,40", "job 'second' needs "),
    "doubled": (
        "first,Guizhou,2,3,-1,12,1.5,40",
        "job 'first' stands twice; a job stands once. Mend: rename or remove one.",
    ),
    "unknown region": ("second,Guizou,2,3,-1,12,1.5,40", "region 'Guizou' is not known;"),
    "no pods": ("second,Guizhou,0,3,-1,12,1.5,40", "pods is 0; pods is a whole number from 1 to 1000000."),
    "half a pod": ("second,Guizhou,1.5,3,-1,12,1.5,40", "pods is 1.5; pods is a whole number from 1 to 1000000."),
    "longer than the horizon": ("second,Guizhou,1,13,-1,12,1.5,40", "duration_h is 13; duration_h is a whole number"),
    "due after the horizon": ("second,Guizhou,1,3,-1,13,1.5,40", "deadline_h is 13; deadline_h is a whole number"),
    "negative data": ("second,Guizhou,1,3,-1,12,-1.5,40", "data_tb is -1.5; data_tb cannot be negative."),
    "negative value": ("second,Guizhou,1,3,-1,12,1.5,-4", "value_kcny is -4; value_kcny cannot be negative."),
    "NaN": ("second,Guizhou,1,3,-1,12,1.5,nan", "value_kcny is 'nan'; a number must be plain and finite."),
    "blank": ("second,Guizhou,1,3,-1,,1.5,4", "deadline_h is blank;"),
}


@pytest.mark.parametrize("kind", ONE_JOB)
def test_a_fault_in_a_job(desk: Desk, kind: str) -> None:
    row, message = ONE_JOB[kind]
    desk.table("jobs.csv", JOB_HEADER, [GOOD, row])
    said = desk.said(JOBS)
    assert len(said) == 1
    assert said[0].startswith(f"jobs.csv row 3: {message}"), said
    if kind == "too large":
        assert said[0].endswith("Mend: split the job or ask for fewer pods.")


def test_good_jobs_are_read_and_sorted_by_release(desk: Desk) -> None:
    desk.table("jobs.csv", JOB_HEADER, [GOOD, "second,Guangdong,1,12,-3,12,0,4.5"])
    case = build_case(load(str(desk.write(JOBS))))
    assert [(job.name, job.region, job.pods, job.duration_h, job.release_h) for job in case.jobs] == [
        ("second", "Guangdong", 1, 12, -3),
        ("first", "Guizhou", 2, 3, 0),
    ]
    assert case.jobs[1].eflops == pytest.approx(2 * case.generations[0].usable_eflops)
    assert (case.jobs[1].deadline_h, case.jobs[1].data_tb, case.jobs[1].value_kcny) == (12, 1.5, 40.0)


def test_faults_of_several_files_come_at_once(desk: Desk) -> None:
    desk.table("jobs.csv", JOB_HEADER, [GOOD, ONE_JOB["no pods"][0], ONE_JOB["too large"][0], ONE_JOB["NaN"][0]])
    said = desk.said(JOBS + 'demand = "nowhere.csv"\nenergy_price = "nor_here.csv"\n')
    assert [message.split(":")[0] for message in said] == [
        "nowhere.csv",
        *("jobs.csv row 3", "jobs.csv row 4", "jobs.csv row 5"),
        "nor_here.csv",
    ]


def test_a_file_named_by_a_change_is_looked_for_where_one_stands(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.table("demand.csv", HEADER, demand_rows())
    monkeypatch.chdir(desk.folder)
    changes = ("horizon.hours=6", 'scope.regions=["Guangdong","Guizhou"]', 'scope.clusters=["Guian"]')
    case = build_case(load("day", (*changes, "inputs.demand=demand.csv")))
    assert case.demand_eflops[1, 3, 0] == 4.0
