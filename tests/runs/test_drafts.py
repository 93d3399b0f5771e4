"""Folders that appear whole: drafts of the living are left alone, those of the dead recognised and cleared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.runs.drafts import (
    CLAIM,
    DRAFT,
    LOCK,
    claim,
    clear,
    hidden,
    is_claimed,
    locked,
    set_aside,
    stale,
    whole,
    write_file,
)

HOLDER = """
import sys, time
from pathlib import Path
from optimizer.runs.drafts import claim, whole
folder = Path(sys.argv[1])
with claim(folder) as mine, whole(folder) as draft:
    (draft / "half").write_text("half of a run")
    print(mine, flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that writes a folder for so long; returned once it is at work."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", HOLDER, str(folder), str(seconds)]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_a_draft_of_the_living_stays_and_of_the_dead_goes(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "day-1.5"
    process = holder(folder, 60)
    assert is_claimed(folder)
    assert stale(tmp_path) == ()
    assert clear(tmp_path) == ()
    with claim(folder) as mine:
        assert not mine
    process.kill()
    process.communicate()
    assert not is_claimed(folder)
    left = tuple(hidden(folder, ending) for ending in (CLAIM, DRAFT, LOCK))
    assert stale(tmp_path) == left
    assert set(clear(tmp_path)) <= set(left)
    assert list(folder.parent.iterdir()) == []


def test_a_dead_draft_does_not_hinder_or_leak_into_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = holder(folder, 60)
    process.kill()
    process.communicate()
    with claim(folder) as mine, whole(folder) as draft:
        assert mine
        (draft / "all").touch()
    assert [path.name for path in folder.iterdir()] == ["all"]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_second_writer_waits_and_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = holder(folder, 0.3)
    with pytest.raises(FileExistsError), whole(folder):
        pytest.fail("the folder was there already")
    process.communicate()
    assert (folder / "half").exists()


def test_a_file_is_whole_or_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep" / "summary.csv"
    write_file(path, b"one")
    with pytest.raises(FileExistsError):
        write_file(path, b"other", once=True)

    def torn(self: Path, content: bytes) -> int:
        self.open("wb").write(content[:1])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", torn)
        with pytest.raises(OSError, match="No space"):
            write_file(path, b"two")
    assert path.read_bytes() == b"one"
    write_file(path, b"three")
    assert path.read_bytes() == b"three"
    assert [p.name for p in path.parent.iterdir()] == ["summary.csv"]


def test_what_is_set_aside_is_hidden_and_kept(tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "x").write_text(content)
        aside = set_aside(tmp_path / "run")
    assert stale(tmp_path) == (aside,)
    assert clear(tmp_path) == ()
    assert (aside / "x").read_text() == "second"


def test_a_lock_that_was_given_back_can_be_had_again(tmp_path: Path) -> None:
    for _ in range(3):
        with locked(tmp_path / ".x.lock", wait=False) as mine, locked(tmp_path / ".x.lock", wait=False) as other:
            assert mine
            assert not other
    assert list(tmp_path.iterdir()) == []
