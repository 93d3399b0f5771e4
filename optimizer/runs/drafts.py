"""Folders that appear whole: written as a hidden draft beside their place, flushed to disk, then renamed.

    .NAME.draft     what is being written; its writer holds .NAME.lock
    .NAME.lock      held while NAME is written
    .NAME.claim     held by the one process that works out what NAME will hold
    .NAME.damaged   a run that failed its checksums, set aside

Locks are the kernel's (flock): they end with their process, however it ends. So a draft whose lock is free belongs to a
process that was killed, and may go.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

DRAFT, LOCK, CLAIM, DAMAGED = ".draft", ".lock", ".claim", ".damaged"
FLUSHED_AT_ONCE = 8


def hidden(folder: Path, ending: str) -> Path:
    """The hidden name beside a folder that has this ending."""
    return folder.with_name(f".{folder.name}{ending}")


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A draft that becomes `folder` if all goes well, and is removed if not; waits for another writer of the same name.

    Raises OSError if something cannot be written; FileExistsError if `folder` is there already.
    """
    folder = Path(os.path.abspath(folder))  # also `.` has a name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(hidden(folder, LOCK), wait=True):
        if os.path.lexists(folder):
            raise FileExistsError(f"'{folder}' exists already")
        draft = hidden(folder, DRAFT)
        shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed: we hold its lock
        draft.mkdir()
        try:
            yield draft
            flush(draft)
            os.rename(draft, folder)
            _flush_one(folder.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def claim(folder: Path) -> Iterator[bool]:
    """Whether this process is the one that works on `folder` now; False if another does."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(hidden(folder, CLAIM), wait=False) as mine:
        yield mine


@contextmanager
def locked(path: Path, wait: bool) -> Iterator[bool]:
    """Hold a lock file; False if it is held elsewhere and we do not wait. The file goes when the lock is given back."""
    handle = _lock(path, wait)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            path.unlink(missing_ok=True)
            os.close(handle)


def _lock(path: Path, wait: bool) -> int | None:
    """The handle that holds the lock, None if it is held elsewhere and we do not wait."""
    while True:
        handle, held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            held = _is_at(handle, path)
        except BlockingIOError:
            return None
        finally:
            if not held:
                os.close(handle)
        if held:  # else its last holder removed the file while we waited: there is a new one, or none
            return handle


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file is the one that stands at the path now."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def write_file(path: Path, content: bytes, once: bool = False) -> None:
    """A file that is there whole, with this content, or as it was before.

    Raises OSError if it cannot be written; FileExistsError if it may be written `once` and is there already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(hidden(path, LOCK), wait=True):
        if once and path.exists():
            raise FileExistsError(f"'{path}' exists already")
        draft = hidden(path, DRAFT)
        try:
            draft.write_bytes(content)
            _flush_one(draft)
            os.replace(draft, path)
            _flush_one(path.parent)
        finally:
            draft.unlink(missing_ok=True)


def set_aside(folder: Path) -> Path:
    """Hide a damaged folder beside itself, in place of an earlier one of the same name."""
    aside = hidden(folder, DAMAGED)
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(folder, aside)
    return aside


def stale(root: Path) -> tuple[Path, ...]:
    """What killed processes left below a folder, and what was set aside: nobody writes or reads it any more."""
    return tuple(sorted(path for path in _hidden_below(root) if _is_free(path)))


def _hidden_below(root: Path) -> Iterator[Path]:
    """Hidden names of ours, at any depth; nothing is looked for inside a run."""
    for place, folders, files in os.walk(root):
        for name in (*folders, *files):
            if name.startswith(".") and name.endswith((DRAFT, LOCK, CLAIM, DAMAGED)):
                yield Path(place) / name
        whole_run = "manifest.json" in files
        folders[:] = [] if whole_run else [name for name in folders if not name.startswith(".")]


def clear(root: Path) -> tuple[Path, ...]:
    """Remove drafts and lock files that killed processes left below a folder; what was set aside stays."""
    gone = []
    for path in stale(root):
        if path.suffix == DAMAGED:
            continue
        with locked(path.with_suffix(CLAIM if path.suffix == CLAIM else LOCK), wait=False) as mine:
            if mine:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
                gone.append(path)
    return tuple(gone)


def is_claimed(folder: Path) -> bool:
    """Whether a process works on `folder` now."""
    return _is_held(hidden(folder, CLAIM))


def _is_free(path: Path) -> bool:
    """Whether nobody holds the lock that goes with a hidden name that is still there."""
    return not _is_held(path.with_suffix(CLAIM if path.suffix == CLAIM else LOCK)) and path.exists()


def _is_held(lock: Path) -> bool:
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def flush(folder: Path) -> None:
    """Have a folder and all in it written to disk, so that a power cut cannot leave its name without content."""
    with ThreadPoolExecutor(FLUSHED_AT_ONCE) as pool:  # the disk takes them together: a tenth of the time
        list(pool.map(_flush_one, sorted(folder.rglob("*"))))
    _flush_one(folder)


def _flush_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
