"""Tables to HTML, CSV and LaTeX, and a whole study to one offline page."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go

from optimizer.econometrics.tablecells import Table

_LATEX = {
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;color:#1b1f23}
table{border-collapse:collapse;margin:.5rem 0;font-variant-numeric:tabular-nums;font-size:.9rem}
caption{text-align:left;font-weight:600;padding:.4rem 0}
th,td{padding:.2rem .7rem;text-align:right;white-space:nowrap}th:first-child{text-align:left;font-weight:500}
thead th{border-bottom:1px solid #444;border-top:2px solid #444}tbody tr:last-child>*{border-bottom:2px solid #444}
.notes{color:#57606a;font-size:.85rem;margin:0 0 2rem;max-width:60rem}.wide{overflow-x:auto}
"""


def to_html(table: Table) -> str:
    """One table as an HTML fragment."""
    notes = "".join(f"<p class='notes'>{html.escape(note)}</p>" for note in table.notes)
    if table.display.empty:
        return f"<h3>{html.escape(table.title)}</h3>{notes}"
    head = "".join(f"<th scope='col'>{html.escape(str(c))}</th>" for c in table.display.columns)
    body = "".join(
        f"<tr><th scope='row'>{html.escape(str(label))}</th>"
        + "".join(f"<td>{html.escape(str(value))}</td>" for value in row)
        + "</tr>"
        for label, row in zip(table.display.index, table.display.to_numpy(), strict=True)
    )
    return (
        f"<div class='wide'><table><caption>{html.escape(table.title)}</caption>"
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div>{notes}"
    )


def to_latex(table: Table) -> str:
    """One table as a LaTeX float (booktabs)."""
    notes = " ".join(_escape(note) for note in table.notes)
    if table.display.empty:
        return f"% {_escape(table.title)}\n% {notes}\n"
    columns = [_escape(str(c)) for c in table.display.columns]
    lines = [
        " & ".join((_escape(str(label)), *(_escape(str(v)) for v in row))) + r" \\"
        for label, row in zip(table.display.index, table.display.to_numpy(), strict=True)
    ]
    return "\n".join((
        r"\begin{table}[htbp]", r"\centering", rf"\caption{{{_escape(table.title)}}}", rf"\label{{{table.key}}}",
        r"\begin{tabular}{l" + "r" * len(columns) + "}", r"\toprule", " & ".join(("", *columns)) + r" \\", r"\midrule",
        *lines, r"\bottomrule", r"\end{tabular}", rf"\par\footnotesize {notes}", r"\end{table}", "",
    ))  # fmt: skip


def _escape(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def write_tables(tables: Sequence[Table], folder: Path) -> tuple[Path, ...]:
    """<key>.csv (tidy, unrounded), <key>.tex and <key>.html for each table; an absent table has no CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for table in tables:
        for suffix, text in ((".tex", to_latex(table)), (".html", _page(table.title, to_html(table)))):
            path = folder / f"{table.key}{suffix}"
            path.write_text(text, encoding="utf-8")
            written.append(path)
        if not table.values.empty:
            path = folder / f"{table.key}.csv"
            table.values.to_csv(path, index=False)
            written.append(path)
    return tuple(written)


def _page(title: str, body: str) -> str:
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def write_page(title: str, tables: Sequence[Table], figures: Mapping[str, go.Figure], path: Path) -> Path:
    """Everything on one page that needs no network."""
    parts = [f"<h1>{html.escape(title)}</h1>", *(to_html(table) for table in tables)]
    for i, figure in enumerate(figures.values()):
        parts.append(figure.to_html(full_html=False, include_plotlyjs=i == 0))
    path.write_text(_page(title, "".join(parts)), encoding="utf-8")
    return path
