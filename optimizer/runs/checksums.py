"""SHA256SUMS of a run: every file and its checksum, in the format that `sha256sum -c` reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

SUMS = "SHA256SUMS"


def write_sums(folder: Path) -> None:
    """List every file of a folder with its checksum in the folder's SHA256SUMS."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{_sum(folder / name)}  {name}\n" for name in names if name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def damage(folder: Path) -> tuple[str, ...]:
    """What differs from SHA256SUMS, in words, one a file; empty if the folder is as it was written."""
    try:
        text = (folder / SUMS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return (f"{SUMS} is missing",)
    except (OSError, UnicodeDecodeError) as error:
        return (f"{SUMS} cannot be read ({error})",)
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in text.splitlines())}
    found = []
    for name, digest in listed.items():
        try:
            if _sum(folder / name) != digest:
                found.append(f"{name} is not what was written")
        except OSError as error:
            found.append(f"{name} cannot be read ({error.strerror})")
    tables = [path.relative_to(folder).as_posix() for path in sorted((folder / "tables").glob("*"))]
    return (*found, *(f"{name} is not listed in {SUMS}" for name in tables if name not in listed))


def _sum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
