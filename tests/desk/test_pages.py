"""The desk's pages and answers without a browser: names that lead astray, hostile texts, stored pages, one solve."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from optimizer.desk.checking import Checker
from optimizer.desk.desk import Desk
from optimizer.desk.folder import OWN, TEXT_MAX_BYTES
from optimizer.runs.store import open_run

CHILD = 'extends = "tiny"\nwhy = "A scenario of the planner\'s own."\n'
ASTRAY = [
    "%2e%2e", "..%2f..%2fetc", "%2e%2e%2fscenarios", "first%2f..%2f..", "first%00", "first%0a", ".hidden",
    "first.", "~", "-first", "scenarios", "x" * 81, "%c3%a9", "fir st", "first%5c..", "nowhere",
]  # fmt: skip


def post(desk: Any, path: str, **body: Any) -> Any:
    return desk.post(path, json=body)


def made(desk: Any, folder: Path, name: str, text: str) -> str:
    """A scenario of the planner's own, put there by hand; its version."""
    (folder / OWN).mkdir(exist_ok=True)
    (folder / OWN / f"{name}.toml").write_text(text, encoding="utf-8")
    shutil.copy(Path(__file__).parents[2] / "scenarios" / "data" / "tiny_jobs.csv", folder / OWN)
    page = desk.get(f"/scenarios/{name}").text
    return str(page.split('data-version="')[1].split('"')[0])


def test_there_is_no_icon_and_that_is_no_fault(desk: Any) -> None:
    """Or the browser's console would hold a fault of the desk beside a refusal, whenever it came to ask."""
    answer = desk.get("/favicon.ico")
    assert (answer.status_code, answer.content) == (204, b"")


def test_every_page_is_there(desk: Any, folder: Path) -> None:
    made(desk, folder, "mine", CHILD)
    for path in ("/", "/runs/first", "/scenarios", "/scenarios/mine", "/library/day", "/solve"):
        answer = desk.get(path)
        assert answer.status_code == 200
        assert "<style" not in answer.text
        assert "<script>" not in answer.text
        assert " style=" not in answer.text
    listed = desk.get("/").text
    assert listed.index("second") < listed.index("/runs/first")
    assert f"{open_run(folder / 'first').manifest['objective_kcny']:,.1f}" in listed


@pytest.mark.parametrize("name", ASTRAY)
@pytest.mark.parametrize("place", ["/runs/{}", "/runs/{}/report", "/scenarios/{}", "/library/{}", "/static/{}"])
def test_names_that_lead_astray_are_refused(desk: Any, place: str, name: str) -> None:
    answer = desk.get(place.format(name))
    assert answer.status_code in (403, 404)
    assert "Not shown" in answer.text


@pytest.mark.parametrize("name", ["../first", "/etc", "..", "first/../first", ""])
def test_names_in_questions_are_refused_as_well(desk: Any, name: str) -> None:
    assert desk.get("/compare", params={"run": ["first", name]}).status_code == 404
    for body in (
        {"origin": "run", "source": name, "name": "copied"},
        {"origin": "library", "source": name, "name": "copied"},
        {"origin": "own", "source": name, "name": "copied"},
        {"origin": "library", "source": "day", "name": name},
    ):
        assert post(desk, "/api/copy", **body).status_code == 404
    assert post(desk, "/api/solve", origin="own", name=name).status_code == 404
    assert post(desk, "/api/solve", origin="library", name=name).status_code == 404
    assert post(desk, "/api/check", name=name, text=CHILD).status_code == 404
    assert post(desk, "/api/save", name=name, text=CHILD, version="").status_code == 404


def test_a_run_that_is_or_holds_a_link_is_refused(desk: Any, folder: Path, solved: Path, tmp_path: Path) -> None:
    (folder / "linked").symlink_to(solved / "first")
    (folder / "holding").mkdir()
    shutil.copy(solved / "first" / "manifest.json", folder / "holding")
    (tmp_path / "secret").write_text("secret")
    (folder / "holding" / "report.html").symlink_to(tmp_path / "secret")
    try:
        for name in ("linked", "holding"):
            for answer in (desk.get(f"/runs/{name}"), desk.get(f"/runs/{name}/report")):
                assert answer.status_code == 403
                assert "follows none" in answer.text
        assert desk.get("/compare", params={"run": ["first", "linked"]}).status_code == 403
        assert desk.get("/").text.count("follows none") == 2
    finally:
        (folder / "linked").unlink()
        shutil.rmtree(folder / "holding")


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"scenario": 5}', "\x00", '"run"'])
def test_a_damaged_run_is_listed_with_its_fault(desk: Any, folder: Path, manifest: str) -> None:
    (folder / "damaged").mkdir()
    (folder / "damaged" / "manifest.json").write_text(manifest)
    try:
        assert "damaged</th>" in desk.get("/").text
        assert "cannot be opened" in desk.get("/").text
        assert desk.get("/runs/damaged").status_code == 422
    finally:
        shutil.rmtree(folder / "damaged")


def test_names_never_become_code(desk: Any, folder: Path) -> None:
    evil = "<script>alert(1)</script>"
    manifest = json.loads((folder / "first" / "manifest.json").read_text())
    (folder / "evil").mkdir()
    (folder / "evil" / "manifest.json").write_text(json.dumps(manifest | {"scenario": evil, "status": evil}))
    (folder / evil.replace("/", "")).mkdir()
    (folder / evil.replace("/", "") / "manifest.json").write_text("{}")
    made(desk, folder, "wicked", f"why = '{evil}'\n# </textarea>{evil}\n")
    try:
        for path in ("/", "/scenarios", "/scenarios/wicked"):
            text = desk.get(path).text
            assert ("&lt;script&gt;" in text) == (path != "/scenarios")
            assert "<script>" not in text
            assert text.count("</textarea>") == (path == "/scenarios/wicked")
    finally:
        shutil.rmtree(folder / "evil")
        shutil.rmtree(folder / evil.replace("/", ""))
        (folder / OWN / "wicked.toml").unlink()


def test_a_scenario_that_cannot_be_read_does_not_hide_the_others(desk: Any, folder: Path, tmp_path: Path) -> None:
    made(desk, folder, "mine", CHILD)
    (tmp_path / "elsewhere.toml").write_text(CHILD, encoding="utf-8")
    spoiled = {name: folder / OWN / f"{name}.toml" for name in ("bytes", "linked", "long", "torn")}
    spoiled["bytes"].write_bytes(b"why = '\xff'")
    spoiled["linked"].symlink_to(tmp_path / "elsewhere.toml")
    spoiled["long"].write_text("#" * (TEXT_MAX_BYTES + 1))
    spoiled["torn"].write_text("[a")
    try:
        text = desk.get("/scenarios").text
        assert text.count('class="bad"') == 4
        assert "A scenario of the planner&#39;s own." in text
        told = ("is not UTF-8", "follows none", "is larger than", "is not TOML")
        assert all(words in text for words in told)
        for name in ("bytes", "linked", "long"):
            assert desk.get(f"/scenarios/{name}").status_code in (403, 413, 422)
    finally:
        for path in spoiled.values():
            path.unlink()


def test_stored_pages_are_nobodys(desk: Any, folder: Path) -> None:
    """A report's scripts may run, without the desk's cookie, without network, and without reaching the desk."""
    compared = desk.get("/compare", params={"run": ["first", "second"]})
    for answer in (desk.get("/runs/first/report"), compared):
        assert answer.status_code == 200
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
        assert "allow-same-origin" not in policy["sandbox"]
        assert "allow-scripts" in policy["sandbox"]
        assert policy["default-src"] == "'none'"
        assert "connect-src" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert desk.get("/runs/first/report").text == (folder / "first" / "report.html").read_text(encoding="utf-8")
    assert "mean_eflops" in compared.text


def test_a_run_without_report_gets_one_and_stays_as_it_is(desk: Any, folder: Path) -> None:
    shutil.copytree(folder / "first", folder / "bare", ignore=shutil.ignore_patterns("report.html"))
    assert "Hour by hour" in desk.get("/runs/bare/report").text
    assert not (folder / "bare" / "report.html").exists()
    shutil.rmtree(folder / "bare")


@pytest.mark.parametrize("names", [[], ["first"], ["first", "first"], [f"r{n}" for n in range(13)]])
def test_too_few_or_too_many_runs_to_compare(desk: Any, names: list[str]) -> None:
    assert desk.get("/compare", params={"run": names}).status_code == 422


@pytest.mark.parametrize(("origin", "source"), [("library", "tiny"), ("library", "day"), ("run", "first")])
def test_a_copy_bears_its_own_name_and_is_sound(desk: Any, folder: Path, origin: str, source: str) -> None:
    name = f"{source}-{origin}"
    assert post(desk, "/api/copy", origin=origin, source=source, name=name).json() == {"goto": f"/scenarios/{name}"}
    text = (folder / OWN / f"{name}.toml").read_text(encoding="utf-8")
    assert text.count(f'name = "{name}"') == 1
    assert post(desk, "/api/check", name=name, text=text).json()["faults"] == []
    again = post(desk, "/api/copy", origin=origin, source=source, name=name.upper())
    assert (again.status_code, "already" in again.text) == (409, True)


def test_a_copy_cannot_take_a_name_of_the_library(desk: Any) -> None:
    assert post(desk, "/api/copy", origin="library", source="tiny", name="Day").status_code == 409


def test_faults_come_with_lines_and_mends(desk: Any, folder: Path) -> None:
    made(desk, folder, "mine", CHILD)
    told = post(desk, "/api/check", name="mine", text=f'{CHILD}[policy]\ncarbon_ledger = "both"\nspeling = 1\n').json()
    assert {(fault["line"], fault["own"]) for fault in told["faults"]} == {(4, True), (5, True)}
    assert all(fault["mend"] and fault["rule"] for fault in told["faults"])
    right = post(desk, "/api/check", name="mine", text=f"{CHILD}[demand]\nscale_ratio = 1.5\n").json()
    assert right["faults"] == []
    assert right["about"]["changes"] == "demand.scale_ratio 1 → 1.5"


def test_a_text_is_kept_with_its_faults_but_not_over_somebody_elses(desk: Any, folder: Path) -> None:
    version = made(desk, folder, "mine", CHILD)
    kept = post(desk, "/api/save", name="mine", text="half a", version=version)
    assert kept.status_code == 200
    assert (folder / OWN / "mine.toml").read_text() == "half a"
    stale = post(desk, "/api/save", name="mine", text=CHILD, version=version)
    assert (stale.status_code, "changed elsewhere" in stale.text) == (409, True)
    assert post(desk, "/api/save", name="mine", text=CHILD, version=kept.json()["version"]).status_code == 200
    assert [path.name for path in (folder / OWN).iterdir() if path.name.startswith(".")] == []


def test_a_text_that_reads_elsewhere_is_not_kept(desk: Any, folder: Path) -> None:
    version = made(desk, folder, "mine", CHILD)
    for text in ('extends = "../../secret"\n', f'{CHILD}[inputs]\njobs = "/etc/passwd"\n'):
        answer = post(desk, "/api/save", name="mine", text=text, version=version)
        assert (answer.status_code, "Not kept" in answer.text) == (422, True)
    assert (folder / OWN / "mine.toml").read_text(encoding="utf-8") == CHILD


def test_an_oversized_text_is_refused(desk: Any, folder: Path) -> None:
    version = made(desk, folder, "mine", CHILD)
    fits = "#" * TEXT_MAX_BYTES
    for text in (fits + "#", "密" * (TEXT_MAX_BYTES // 3 + 1)):
        assert post(desk, "/api/check", name="mine", text=text).status_code in (413, 422)
        assert post(desk, "/api/save", name="mine", text=text, version=version).status_code in (413, 422)
    assert (folder / OWN / "mine.toml").read_text(encoding="utf-8") == CHILD
    assert post(desk, "/api/save", name="mine", text=fits, version=version).status_code == 200
    (folder / OWN / "mine.toml").write_text(fits + "#")
    assert desk.get("/scenarios/mine").status_code == 413
    assert post(desk, "/api/solve", origin="own", name="mine").status_code == 413
    (folder / OWN / "mine.toml").write_text(CHILD)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'{"name": "mine"}', b'{"name": "mine", "text": 5}', b'{"name": 1, "text": ""}',
     b'{"name": "mine", "text": "", "more": 1}', b'{"name": "mine", "text": "\\ud800"}', b"\xff", b"[" * 100_000],
)  # fmt: skip
def test_questions_not_understood_are_refused(desk: Any, body: bytes) -> None:
    answer = desk.post("/api/check", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"message"}


@pytest.mark.parametrize("gap", [0, 1, -1, "0.1", True])
def test_an_absurd_gap_is_refused(desk: Any, gap: Any) -> None:
    assert post(desk, "/api/solve", origin="library", name="tiny", gap_frac=gap).status_code == 422


def test_a_text_that_keeps_the_check_busy_is_ended_and_the_next_is_checked(folder: Path) -> None:
    checker = Checker(folder, limit_s=1.5)
    try:
        assert checker.check("own", CHILD, whole=False).faults == ()
        begun = time.monotonic()
        slow = checker.check("own", ".".join(["a"] * 100_000) + " = 1")
        assert time.monotonic() - begun < 8
        assert "takes longer than 1.5 s" in slow.faults[0].found
        assert list(folder.glob(".check-*")) == []
        assert checker.check("own", CHILD, whole=False).faults == ()
    finally:
        checker.close()


def wait(desk: Any, seconds: float = 60) -> dict[str, Any]:
    """The state of the solve once it works no longer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = desk.get("/api/solve").json()
        if state["state"] != "working":
            return dict(state)
        time.sleep(0.05)
    raise AssertionError("the solve does not end")


def test_a_solve_is_watched_to_its_end(desk: Any, folder: Path) -> None:
    made(desk, folder, "mine", f"{CHILD}[demand]\nscale_ratio = 1.5\n")
    begun = post(desk, "/api/solve", origin="own", name="mine", gap_frac=1e-4)
    assert begun.status_code == 200
    busy = post(desk, "/api/solve", origin="library", name="tiny")
    assert (busy.status_code, "is being solved" in busy.text) == (409, True)
    state = wait(desk)
    assert (state["state"], state["run"]) == ("solved", begun.json()["run"])
    run = open_run(folder / state["run"])
    assert state["best_kcny"] == pytest.approx(run.manifest["objective_kcny"])
    assert state["bound_kcny"] == pytest.approx(run.manifest["bound_kcny"])
    assert state["gap_asked_frac"] == run.manifest["options"]["gap_frac"] == 1e-4
    best = [point[1] for point in state["points"] if point[1] is not None]
    bound = [point[2] for point in state["points"]]
    assert best == sorted(best, reverse=True)
    assert bound == sorted(bound)
    assert [stage for _, stage in state["stages"]][:2] == ["building the model", "relaxation"]
    assert left_over(folder) == []
    assert state["run"] in desk.get("/").text


def test_a_faulty_scenario_is_told_not_solved(desk: Any, folder: Path) -> None:
    made(desk, folder, "mine", f'{CHILD}[inputs]\ndemand = "../../first/manifest.json"\n')
    assert post(desk, "/api/solve", origin="own", name="mine").status_code == 200
    state = wait(desk)
    assert state["state"] == "faulty"
    assert state["faults"][0]["line"] == 4
    assert not (folder / state["run"]).exists()


def test_no_plan_is_told(desk: Any, folder: Path) -> None:
    rules = "".join(f"[facts.{place}]\nconnection_mw = 0\n" for place in ("clusters.Guian", "regions.Guangdong"))
    made(desk, folder, "mine", CHILD + rules)
    post(desk, "/api/solve", origin="own", name="mine")
    state = wait(desk)
    assert (state["state"], "infeasible" in state["message"]) == ("no plan", True)
    assert left_over(folder) == []


def test_a_solve_is_cancelled_and_leaves_nothing(desk: Any, folder: Path) -> None:
    run = post(desk, "/api/solve", origin="library", name="week").json()["run"]
    (folder / f".{run}.draft").mkdir()  # as if it were being written
    (folder / f".{run}.lock").touch()
    assert post(desk, "/api/cancel").status_code == 200
    state = wait(desk)
    assert (state["state"], state["message"]) == ("cancelled", "cancelled by the planner")
    assert not (folder / run).exists()
    assert left_over(folder) == []


def test_a_solver_that_dies_is_told(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path)
    try:
        desk.solver.start(desk.order("library", "week", None, None))
        assert desk.solver._process is not None
        desk.solver._process.kill()
        until = time.monotonic() + 10
        while (desk.state() or {})["state"] == "working" and time.monotonic() < until:
            time.sleep(0.05)
        state = desk.state()
        assert state is not None
        assert (state["state"], "without an answer" in state["message"]) == ("failed", True)
        assert left_over(tmp_path) == []
    finally:
        desk.close()


def left_over(folder: Path) -> list[Path]:
    """What a solve should have cleared away."""
    return [path for path in folder.iterdir() if path.name.startswith((".solve", ".tiny", ".mine", ".week"))]
