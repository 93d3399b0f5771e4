"""Questions to many runs at once: each table of every run as one DuckDB table with a leading column `run`.

The tables stay where they are: Arrow reads of the Parquet files what a question needs, and leaves out the files of runs
that it does not ask for. The database itself is empty, in memory and locked: no file, network, extension or Python
object can be reached from SQL, and only one statement that reads is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.parquet as pq

from hubs.errors import Fault, InputError
from optimizer.runs.store import Run

RUNS = "runs"
"""The table of manifests, one row a run."""
READS = ("SELECT", "EXPLAIN", "MULTI")
"""Kinds of statement that only read; a pivot counts as several."""
LOCKS = (
    "SET temp_directory = ''",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


@dataclass(frozen=True)
class Answer:
    """frame: the rows asked for; damaged: a sentence for every table that was left out because it cannot be read."""

    frame: pd.DataFrame
    damaged: tuple[str, ...]


def ask(runs: Mapping[str, Run], sql: str) -> Answer:
    """The answer of all runs (by name) to one SQL statement that reads.

    A table that is cut short or damaged in one run is left out and named. Raises InputError for SQL that is wrong,
    that is no question, or that reaches beyond the runs.
    """
    _require_question(sql)
    damaged: dict[Path, str] = {}
    while True:  # each turn leaves out at least one file more
        files = _files(runs, sql, damaged)
        try:
            return Answer(_answer(runs, files, sql, damaged), tuple(damaged.values()))
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            # Only reading a file to its end shows damage beyond its footer.
            found = {path: f"{path}: {why}" for table in files.values() for path in table if (why := _damage(path))}
            if not found:
                left_out = "".join(f"; left out: {words}" for words in damaged.values())
                raise _wrong(_brief(error) + left_out) from None
            damaged |= found


def manifests(runs: Mapping[str, Run]) -> pd.DataFrame:
    """run and all of its manifest: one row a run, the names of sections before those of their keys.

    Cost items become cost_ITEM_kcny; lists become JSON. What a run does not have is None.
    """
    frame = pd.DataFrame([{"run": name} | _flat(run.manifest) for name, run in runs.items()], dtype=object)
    return frame.apply(_one_type) if len(frame) else pd.DataFrame({"run": pd.Series(dtype=str)})


def _one_type(column: pd.Series[Any]) -> pd.Series[Any]:
    """Whole numbers, numbers, or as it is; as JSON where one key has text in one run and a number in another."""
    kinds = {type(value) for value in column.dropna()}
    if kinds and kinds <= {int, float}:
        return column.astype(float if float in kinds else "Int64")
    return column.map(json.dumps, na_action="ignore") if len(kinds) > 1 else column


def _flat(section: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in section.items():
        name = f"{before}{key}"
        if name == "run":
            continue
        if name == "cost_items":
            flat |= {f"cost_{item}_kcny": kcny for item, kcny in value.items()}
        elif isinstance(value, dict):
            flat |= _flat(value, f"{name}_")
        else:
            flat[name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
    return flat


def _require_question(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _wrong(_brief(error)) from None
    if len(statements) != 1:
        raise _wrong(f"{len(statements)} statements are given")
    kind = str(statements[0].type).rpartition(".")[2]
    if kind not in READS:
        raise _wrong(f"a statement of kind {kind} does not only read")


def _files(runs: Mapping[str, Run], sql: str, damaged: Mapping[Path, str]) -> dict[str, dict[Path, str]]:
    """table -> file -> run, for the tables that the statement names; for all tables if that is not known."""
    tables: dict[str, dict[Path, str]] = {}
    for name, run in runs.items():
        for path in sorted((run.folder / "tables").glob("*.parquet")):
            tables.setdefault(path.stem, {})[path] = name
    with duckdb.connect(":memory:") as empty:
        _lock(empty)
        try:
            named = {table.lower() for table in empty.get_table_names(sql)}
        except duckdb.Error:
            named = set()
    if named and named <= {RUNS, *tables}:
        tables = {table: files for table, files in tables.items() if table in named}
    return {
        table: {path: name for path, name in files.items() if path not in damaged} for table, files in tables.items()
    }


def _answer(
    runs: Mapping[str, Run], files: Mapping[str, Mapping[Path, str]], sql: str, damaged: dict[Path, str]
) -> pd.DataFrame:
    with duckdb.connect(":memory:") as database:
        database.register(RUNS, pa.Table.from_pandas(manifests(runs), preserve_index=False))
        for table, places in files.items():
            database.register(table, _dataset(places, damaged))
        _lock(database)
        return database.execute(sql).df()


def _lock(database: duckdb.DuckDBPyConnection) -> None:
    for lock in LOCKS:
        database.execute(lock)


def _dataset(files: Mapping[Path, str], damaged: dict[Path, str]) -> ds.FileSystemDataset:
    """One table of all runs; the run's name stands in no file, so it is each file's partition."""
    reader, disk = ds.ParquetFileFormat(), pyarrow.fs.LocalFileSystem()
    schemas, parts = [pa.schema([("run", pa.string())])], []
    for path, name in files.items():
        try:
            schemas.append(pq.read_schema(path).remove_metadata())
        except (OSError, pa.ArrowException) as error:
            damaged[path] = f"{path}: {_brief(error)}"
            continue
        parts.append(reader.make_fragment(str(path), disk, partition_expression=ds.field("run") == name))
    # A table of a block that was absent has columns without a type; other runs give them one.
    schema = pa.unify_schemas(schemas, promote_options="permissive")
    return ds.FileSystemDataset(parts, schema, reader, disk)


def _damage(path: Path) -> str | None:
    """Why a file cannot be read to its end; None if it can."""
    try:
        for _ in pq.ParquetFile(path).iter_batches():
            pass
    except (OSError, pa.ArrowException) as error:
        return _brief(error)
    return None


def _brief(error: Exception) -> str:
    """The message of a library on one line, without the statement that it repeats."""
    lines = str(error).partition("\n\nLINE ")[0].split("\n")
    return " ".join(line.strip() for line in lines if line.strip()).rstrip(".") or type(error).__name__


def _wrong(found: str) -> InputError:
    rule = "a question is one SELECT over the tables of the runs and `runs`, without files, network or settings"
    mend = "correct the SQL; 'show tables' and 'describe TABLE' say what there is"
    return InputError([Fault("SQL", None, None, found, rule, mend)])
