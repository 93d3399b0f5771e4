"""The econometric side on the command line: fit a city panel, audit printed tables, project a dispatch to innovation.

Exit codes: 0 done, also when an audit finds much that is wrong; 2 faulty input.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from hubs.errors import Fault, InputError
from optimizer.commands.exits import EXIT_INPUT
from optimizer.econometrics import projection
from optimizer.econometrics.audit import audit_tables, wrong
from optimizer.econometrics.errors import EconometricsError
from optimizer.econometrics.findings import Finding
from optimizer.econometrics.panel import REGIONS, read_panel
from optimizer.econometrics.projection import Elasticity, Projection, Slope
from optimizer.econometrics.results import Results, Settings
from optimizer.econometrics.studies import fit_checked
from optimizer.econometrics.synthetic import make_panel
from optimizer.econometrics.thresholdresult import ThresholdResult
from optimizer.econometrics.zoneslopes import from_tables
from optimizer.report.provinces import against_greedy, against_other
from optimizer.runs.store import Run, open_run

PUBLISHED = Path(__file__).parents[1] / "econometrics" / "data" / "published_slopes.toml"
PUBLISHED_SOURCE = "Zhao & Yang (2025), Regional Economic Review 2025(4): 71-83, table 7"
LEAST_DRAWS = 19
"""With fewer no bootstrap p can reach 5 %: it is at least 1 / (draws + 1)."""

app = typer.Typer(no_args_is_help=True, help="Does dispatched computing become regional innovation?")
out, err = Console(), Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Slopes = dict[str, tuple[Slope, ...]]


@contextmanager
def _told() -> Iterator[None]:
    """Faulty input is said on stderr, whichever side found it, and is exit code 2."""
    try:
        yield
    except (EconometricsError, InputError) as error:
        faults = [
            f if isinstance(f, Fault) else Fault(f.where, None, None, f.found, f.rule, f.mend) for f in error.faults
        ]
        err.print(str(InputError(faults)), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_INPUT) from None


def _fault(where: str, found: str, rule: str, mend: str) -> InputError:
    return InputError([Fault(where, None, None, found, rule, mend)])


def _say(text: str) -> None:
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def _say_json(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, ensure_ascii=False, allow_nan=False))


def _require_new(folder: Path) -> None:
    if folder.exists():
        raise _fault("--out", f"'{folder}' exists already", "results are never overwritten", "name a new folder")


def _write_whole(folder: Path, write: Callable[[Path], object]) -> list[str]:
    """Let `write` fill a draft that becomes `folder`, which so exists whole or not at all; the names of its files."""
    draft = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        write(draft)
        draft.chmod(0o755)
        draft.rename(folder)
    except OSError as error:
        raise _fault(
            "--out", f"'{folder}' cannot be written ({error.strerror or error})", "results go into a new folder",
            "make room, or name another folder",
        ) from None  # fmt: skip
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
    return sorted(path.name for path in folder.iterdir())


@app.command()
@_told()
def fit(
    panel: Annotated[Path, typer.Argument(help="CSV of cities and years; see `innovation panel` for one to look at.")],
    folder: Annotated[Path | None, typer.Option("--out", help="New folder (default: studies/PANEL-TIME).")] = None,
    draws: Annotated[
        int | None, typer.Option(min=LEAST_DRAWS, help="Draws of every bootstrap, instead of each one's own.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every bootstrap.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fit the whole programme to a panel: tables as HTML, CSV and LaTeX, figures, and tables.toml for the auditor.

    Example: computegrid innovation fit examples/synthetic_panel_80_cities.csv --out study
    """
    target = folder or Path("studies") / f"{panel.stem}-{datetime.now():%Y%m%d-%H%M%S}"
    _require_new(target)
    study = fit_checked(read_panel(panel), _settings(draws, seed))
    files = _write_whole(target, study.write)
    answer = _fitted(study.results) | {"out": str(target), "files": files}
    if as_json:
        _say_json(answer)
        return
    slope = answer["baseline"]
    _say(f"{panel.name}: {answer['cities']} cities, {answer['years'][0]} to {answer['years'][1]}, {slope['n']:,} rows")
    _say(f"slope of AI with all controls {slope['b']:.4f} (t = {slope['t']:.2f}, clustered by city)")
    for name, cuts in answer["thresholds"].items():
        _say(f"thresholds in {name}: {', '.join(f'{cut:.4f}' for cut in cuts) or 'none'}")
    for note in (*(f"{key} not made: {why}" for key, why in answer["absent"].items()), *answer["left_out"]):
        _say(note)
    if answer["ignored_columns"]:
        _say(f"columns not used: {', '.join(answer['ignored_columns'])}")
    _say(f"study {target / 'study.html'} and {len(files) - 1} more files")


def _settings(draws: int | None, seed: int) -> Settings:
    if draws is None:
        return Settings(seed=seed)
    return Settings(threshold_draws=draws, wild_draws=draws, mediation_draws=draws, permutations=draws, seed=seed)


def _fitted(results: Results) -> dict[str, Any]:
    """What was fitted, in a few numbers; the rest is in the files."""
    panel, last = results.panel, results.baseline.fits[-1]
    return {
        "panel": panel.source,
        "cities": panel.cities,
        "years": [panel.years[0], panel.years[-1]],
        "settings": asdict(results.settings),
        "baseline": {
            "b": float(last.beta[0]), "se": float(last.se[0]), "t": float(last.t[0]), "p": float(last.p[0]),
            "n": last.nobs, "r2": float(last.r2),
        },
        "thresholds": {q: _chosen(found) for q, found in results.thresholds.items()},
        "absent": dict(results.absent),
        "left_out": [
            *results.groups.left_out,
            *(f"{v.name}: leaves out {v.left_out}" for v in results.robustness if v.left_out),
        ],
        "ignored_columns": list(panel.extra),
    }  # fmt: skip


def _chosen(found: ThresholdResult) -> list[float]:
    return [float(cut) for cut in found.models[found.selected - 1].thresholds] if found.selected else []


@app.command()
@_told()
def audit(
    tables: Annotated[Path, typer.Argument(help="TOML of printed tables, such as tables.toml of a fitted study.")],
    as_json: AsJson = False,
) -> None:
    """Read printed tables as a careful referee: what holds, what does not, each with its arithmetic.

    Example: computegrid innovation audit examples/synthetic_tables_80_cities.toml
    """
    findings = audit_tables(tables)
    faulty = wrong(findings)
    if as_json:
        listed = [asdict(finding) | {"holds": finding.holds} for finding in findings]
        _say_json({"tables": str(tables), "checks": len(findings), "wrong": len(faulty), "findings": listed})
        return
    _list_findings(f"{len(faulty)} of {len(findings)} checks do not hold", faulty)
    _list_findings(f"{len(findings) - len(faulty)} hold", [finding for finding in findings if finding.holds])
    if not findings:
        _say("No rule applies to these sections.")


def _list_findings(head: str, findings: list[Finding]) -> None:
    _say(head)
    for finding in findings:
        _say(f"  [{finding.verdict}] {finding.rule}, {finding.where}: {finding.statement}\n      {finding.arithmetic}")


@app.command()
@_told()
def panel(
    folder: Annotated[Path, typer.Option("--out", help="New folder.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the panel.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic panel of 271 cities and 12 years, and the parameters that made it.

    Example: computegrid innovation panel --out synthetic --seed 7
    """
    _require_new(folder)
    made = make_panel(seed)
    files = _write_whole(folder, made.write)
    if as_json:
        _say_json(
            {"out": str(folder), "files": files, "seed": seed, "rows": len(made.frame), "truth": asdict(made.truth)}
        )
        return
    _say(f"synthetic panel, {len(made.frame):,} rows, seed {seed}; not observed data")
    for name in files:
        _say(str(folder / name))


@app.command()
@_told()
def project(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    against: Annotated[
        Path | None, typer.Option(metavar="RUN2", help="A run to set beside it, e.g. without cooperation.")
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(help="TOML with slopes by region, e.g. of a fitted study (default: published slopes)."),
    ] = None,
    elasticity: Annotated[float, typer.Option(help="Per cent of AI development per cent of computing.")] = 0.3,
    low: Annotated[float, typer.Option(help="Lower end of its range.")] = 0.1,
    high: Annotated[float, typer.Option(help="Upper end of its range.")] = 0.5,
    as_json: AsJson = False,
) -> None:
    """What a dispatch would do for innovation, by province and zone, beside the greedy dispatch and another run.

    Example: computegrid innovation project runs/week --against runs/week-alone --elasticity 0.3 --low 0.1 --high 0.5
    """
    assumed = _elasticity(elasticity, low, high)
    slopes = from_tables(tables or PUBLISHED)
    mine = open_run(run)
    frames, remarks = _dispatches(mine, open_run(against) if against else None)
    found = {name: projection.project(frame, assumed, slopes) for name, frame in frames.items()}
    said = list(dict.fromkeys(text for each in found.values() for text in each.statements))
    said += [*remarks, *_premises(mine), *_doubts(tables or PUBLISHED)]
    source = str(tables) if tables else PUBLISHED_SOURCE
    if as_json:
        _say_json(_projected(run, assumed, slopes, source, found, said))
        return
    for name, each in found.items():
        _show_projection(f"{run} against {name}", each)
    _say(f"Slopes: {source}.")
    for text in said:
        _say(text)


def _elasticity(value: float, low: float, high: float) -> Elasticity:
    """Raises InputError unless low <= value <= high, all finite."""
    if not (math.isfinite(low) and math.isfinite(high) and low <= value <= high):
        raise _fault(
            "--elasticity", f"{value:g} with range [{low:g}, {high:g}]", "a finite value lies in its finite range",
            "give --elasticity, --low and --high together",
        )  # fmt: skip
    return Elasticity(value, low, high)


def _dispatches(run: Run, other: Run | None) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Counterfactual -> the frame to project; and what is to be said of one that is absent."""
    provinces = _provinces(run)
    frames, remarks = {}, []
    if "greedy_eflops" in provinces.columns:
        frames["the greedy dispatch of the same run"] = against_greedy(provinces)
    else:
        remarks.append(f"The run has no greedy dispatch: {run.manifest.get('greedy_note') or 'it keeps no reason'}.")
    if other is not None:
        _require_same_hours(run, other)
        frames[f"the dispatch of {other.folder}"] = against_other(provinces, _provinces(other), str(other.folder))
    if not frames:
        rule = "a projection sets two dispatches beside each other"
        raise _fault(str(run.folder), remarks[0].rstrip("."), rule, "name another run with --against")
    return frames, remarks


def _provinces(run: Run) -> pd.DataFrame:
    if not (run.folder / "tables" / "provinces.parquet").exists():
        rule = "a projection reads what each province was given"
        raise _fault(str(run.folder), "the run keeps no table 'provinces'", rule, "solve the scenario again")
    return run.table("provinces")


def _require_same_hours(run: Run, other: Run) -> None:
    mine, theirs = ([each.manifest.get(key) for key in ("hours", "start")] for each in (run, other))
    if mine != theirs:
        raise _fault(
            str(other.folder), f"has {theirs[0]} h from {theirs[1]}, {run.folder} has {mine[0]} h from {mine[1]}",
            "two dispatches are compared over the same hours", "choose a run of the same horizon",
        )  # fmt: skip


def _premises(run: Run) -> tuple[str, ...]:
    return (
        f"The mean over the run's {run.manifest.get('hours')} h is taken for a year.",
        "Computing in a province is what is installed there plus what is dispatched to it: idle machines, filled, at "
        "most double it.",
        "No patents are given, so every province weighs the same in the change of its zone and of the nation.",
    )


def _doubts(tables: Path) -> list[str]:
    """What an audit of the tables behind the slopes does not let stand."""
    findings = audit_tables(tables)
    pairs = {f"table7 {first} against {second}" for first in REGIONS for second in REGIONS}
    doubts = [
        f"{f.where.removeprefix('table7 ')}: {f.statement} ({f.arithmetic})"
        for f in wrong(findings)
        if f.where in pairs
    ]
    said = [f"Slopes of {doubt}." for doubt in doubts]
    if others := len(wrong(findings)) - len(doubts):
        said.append(f"{others} more of {len(findings)} checks on {tables.name} do not hold: see `innovation audit`.")
    return said


def _projected(run: Path, assumed: Elasticity, slopes: Slopes, source: str, found: dict[str, Projection],
               said: list[str]) -> dict[str, Any]:  # fmt: skip
    """The answer for machines; a change in zone "all" is the nation's."""
    level = next(iter(found.values())).level
    return {
        "run": str(run),
        "level": level,
        "elasticity": asdict(assumed),
        "slopes": {zone: {"value": s.value, "se": s.se, "t": s.t if s.se else None} for zone, (s,) in slopes.items()},
        "slopes_source": source,
        "comparisons": [
            {
                "counterfactual": name,
                "provinces": each.provinces.to_dict("records"),
                "zones": each.zones.reset_index().to_dict("records"),
                "slope_share_frac": each.slope_share_frac,
            }
            for name, each in found.items()
        ],
        "statements": said,
    }


def _show_projection(title: str, found: Projection) -> None:
    _say(title)
    out.print(_change_table(found.zones.reset_index().replace({"zone": {"all": "nation"}}), ("zone",), found.level))
    out.print(_change_table(found.provinces, ("province", "zone"), found.level))
    _say(f"{found.slope_share_frac:.0%} of the national interval's variance is the slopes', the rest the elasticity's.")


def _change_table(frame: pd.DataFrame, labels: tuple[str, ...], level: float) -> Table:
    table = Table(*labels, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("EFLOPS·year", "counter-\nfactual", "innovation", f"{level:.0%} interval"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in frame.to_dict("records"):
        change, low, high = (math.expm1(row[f"innovation_change_log{end}"]) for end in ("", "_low", "_high"))
        table.add_row(
            *(str(row[label]) for label in labels), f"{row['dispatched_eflops_year']:,.3f}",
            f"{row['counterfactual_eflops_year']:,.3f}", _signed(change), f"{_signed(low)} to {_signed(high)}",
        )  # fmt: skip
    return table


def _signed(share: float) -> str:
    """+1.23%, without a sign when nothing is left of it."""
    text = f"{share:+.2%}"
    return text[1:] if float(text[:-1]) == 0.0 else text
