"""`python -m optimizer.docs [FOLDER]`: print the pages of docs/ that come from the code and the facts."""

from __future__ import annotations

import sys
from pathlib import Path

from optimizer.docs import facts, mathematics


def pages() -> dict[str, str]:
    """Name -> text of every page that is printed."""
    return {"mathematics.md": mathematics.page(mathematics.built()), "data.md": facts.page()}


def write(folder: Path) -> None:
    """Write the pages into a folder; SystemExit with a sentence if there is none."""
    if not folder.is_dir():
        raise SystemExit(f"folder '{folder}' is missing: run this beside docs/, or name a folder")
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
