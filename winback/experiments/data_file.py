"""Reads an experiment's file with DuckDB: one row a unit, or several, in columns that the caller names."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import isfinite
from pathlib import Path

import duckdb

from winback.experiments.samples import CAP_QUANTILE, LARGEST, Experiment, Kind, Outcome, Sample
from winback.experiments.statistics import Moments

_SHOWN = 10
_MOST_ARMS = 50
_LARGEST_VALUE = 1e15
"""Beyond, doubles no longer tell neighbouring whole numbers apart, and third powers of sums overflow."""
_NUMBERS = {"true": 1.0, "false": 0.0}
_MISSING = "('na', 'nan', 'null', 'none')"


class UnusableData(ValueError):
    """The file says nothing that can be analysed; the message says what to change."""


@dataclass(frozen=True)
class Columns:
    arm: str
    outcomes: tuple[str, ...]
    unit: str | None = None


def read_experiment(connection: duckdb.DuckDBPyConnection, path: Path, columns: Columns, control: str) -> Experiment:
    """From a CSV, JSON Lines or Parquet file, told by its content; it is not compressed as a whole.

    Values are compared as text, so that an arm may be called 0 or true. An outcome is a number, or true or false;
    empty, NA, NaN, null and none are missing ones. Raises UnusableData when a column is missing, the control is not
    found, there is one arm only, an outcome is no number, or a unit is missing or in two arms.
    """
    _open(connection, path, columns)
    units = _units(connection, columns, control)
    ((rows, without_arm, repeated),) = connection.execute(
        "SELECT count(*), count(*) FILTER (arm IS NULL), count(*) FILTER (arm IS NOT NULL) FROM given"
    ).fetchall()
    outcomes = tuple(_outcome(connection, place, name, units) for place, name in enumerate(columns.outcomes))
    return Experiment(
        control=control,
        units=units,
        outcomes=outcomes,
        unit=columns.unit,
        clustered=sum(units.values()) < repeated,
        rows=rows,
        rows_without_arm=without_arm,
    )


def _open(connection: duckdb.DuckDBPyConnection, path: Path, columns: Columns) -> None:
    """The table `given`: arm, unit, outcome_0, outcome_1, ... as texts, NULL where missing."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise UnusableData(f"{path} is empty")
    reader = (
        "read_parquet($path)"
        if start.startswith(b"PAR1")
        else "read_json($path, format = 'newline_delimited', sample_size = -1)"
        if start.startswith(b"{")
        else "read_csv($path, all_varchar = true, header = true)"
    )
    try:
        described = connection.execute(f"DESCRIBE FROM {reader}", {"path": str(path)}).fetchall()
    except duckdb.Error as error:
        raise UnusableData(
            f"{path} is no CSV with a header, JSON Lines or Parquet file: {_first_line(error)}"
        ) from error
    known = [str(name) for name, *_ in described]
    wanted = [columns.arm, *([columns.unit] if columns.unit else []), *columns.outcomes]
    for name in wanted:
        if name not in known:
            raise UnusableData(f"there is no column {name}; the file has {_listed(known)}")
    if len(set(wanted)) < len(wanted):
        raise UnusableData(
            f"the arm, the unit and each outcome are columns of their own, and {_twice(wanted)} is given twice"
        )
    texts = [f"{_text(columns.arm)} AS arm", f"{_text(columns.unit) if columns.unit else 'NULL::VARCHAR'} AS unit"]
    texts += [f"{_known(name)} AS outcome_{place}" for place, name in enumerate(columns.outcomes)]
    try:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE given AS SELECT {', '.join(texts)} FROM {reader}",  # noqa: S608 quoted
            {"path": str(path)},
        )
    except duckdb.Error as error:
        raise UnusableData(f"{path} cannot be read to its end: {_first_line(error)}") from error


def _units(connection: duckdb.DuckDBPyConnection, columns: Columns, control: str) -> dict[str, int]:
    counts = connection.execute(
        "SELECT arm, count(*), count(unit), count(DISTINCT unit) FROM given "
        "WHERE arm IS NOT NULL GROUP BY arm ORDER BY arm"
    ).fetchall()
    arms = [str(arm) for arm, *_ in counts]
    if not arms:
        raise UnusableData(f"column {columns.arm} is empty in every row")
    if control not in arms:
        raise UnusableData(f"no row has {columns.arm} = {control}; it has {_listed(arms)}")
    if len(arms) == 1:
        raise UnusableData(f"every row has {columns.arm} = {control}: there is no arm to compare it with")
    if len(arms) > _MOST_ARMS:
        raise UnusableData(
            f"column {columns.arm} has {len(arms):,} values; an experiment has at most {_MOST_ARMS} arms"
        )
    if columns.unit is None:
        return {arm: rows for arm, rows, _, _ in counts}
    missing = sum(rows - named for _, rows, named, _ in counts)
    if missing:
        raise UnusableData(
            f"{missing:,} rows have an arm and no {columns.unit}: whose they are decides what is independent"
        )
    ((torn,),) = connection.execute(
        "SELECT count(*) FROM "
        "(SELECT unit FROM given WHERE arm IS NOT NULL GROUP BY unit HAVING count(DISTINCT arm) > 1)"
    ).fetchall()
    if torn:
        raise UnusableData(
            f"{torn:,} values of {columns.unit} are in more than one arm: what they did cannot be put down to either"
        )
    return {arm: different for arm, _, _, different in counts}


def _outcome(connection: duckdb.DuckDBPyConnection, place: int, name: str, units: dict[str, int]) -> Outcome:
    column = f"outcome_{place}"
    cases = " ".join(f"WHEN '{word}' THEN {number}" for word, number in _NUMBERS.items())
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE experiment_rows AS SELECT arm, coalesce(unit, rowid::VARCHAR) AS unit, "  # noqa: S608
        f"{column} AS text, CASE lower({column}) {cases} ELSE TRY_CAST({column} AS DOUBLE) END AS value "
        "FROM given WHERE arm IS NOT NULL"
    )
    bad = connection.execute(
        "SELECT count(*), min(text) FROM experiment_rows "
        "WHERE text IS NOT NULL AND (value IS NULL OR NOT isfinite(value))"
    ).fetchall()[0]
    if bad[0]:
        raise UnusableData(f"column {name} is not a number in {bad[0]:,} rows, such as {bad[1]!r}")
    ((beyond, largest),) = connection.execute(
        "SELECT count(*), arg_max(text, abs(value)) FROM experiment_rows WHERE abs(value) > $largest",
        {"largest": _LARGEST_VALUE},
    ).fetchall()
    if beyond:
        raise UnusableData(
            f"column {name} is beyond {_LARGEST_VALUE:g} in {beyond:,} rows, such as {largest}: expected amounts or 0/1"
        )
    _run_units(connection)
    ((binary, repeated),) = connection.execute(
        "SELECT bool_and(value IN (0, 1)), count(*) > count(DISTINCT (arm, unit)) FROM experiment_rows "
        "WHERE value IS NOT NULL"
    ).fetchall()
    if binary is None:
        raise UnusableData(f"column {name} is empty in every row")
    ((cap,),) = connection.execute("SELECT cap FROM contribution_cap").fetchall()
    samples = {arm: _sample(connection, arm, binary=bool(binary), repeated=bool(repeated)) for arm in units}
    return Outcome(name, Kind.BINARY if binary else Kind.CONTINUOUS, samples, None if binary else cap)


def _run_units(connection: duckdb.DuckDBPyConnection) -> None:
    cap, contributions = files("winback.experiments").joinpath("units.sql").read_text(encoding="utf-8").split(";\n\n")
    connection.execute(cap, {"cap_quantile": CAP_QUANTILE})
    connection.execute(contributions)


def _sample(connection: duckdb.DuckDBPyConnection, arm: str, *, binary: bool, repeated: bool) -> Sample:
    ((missing,),) = connection.execute(
        "SELECT count(*) FILTER (value IS NULL) FROM experiment_rows WHERE arm = $arm", {"arm": arm}
    ).fetchall()
    ((n, mean, variance, skewness, total, capped_mean, capped_variance, negative, largest),) = connection.execute(
        "SELECT count(*), coalesce(avg(value), 0), coalesce(var_samp(value), 0), "
        "CASE WHEN count(*) > 2 AND var_samp(value) > 0 THEN skewness(value) END, coalesce(sum(total), 0), "
        "coalesce(avg(capped), 0), coalesce(var_samp(capped), 0), coalesce(min(total) < 0, FALSE), max(total) "
        "FROM contributions WHERE arm = $arm",
        {"arm": arm},
    ).fetchall()
    most = connection.execute(
        f"SELECT value FROM contributions WHERE arm = $arm ORDER BY abs(value) DESC, value LIMIT {LARGEST}",  # noqa: S608
        {"arm": arm},
    ).fetchall()
    known = skewness if skewness is not None and isfinite(skewness) else None
    return Sample(
        missing=missing,
        moments=Moments(n, mean, variance, known),
        total=total,
        successes=round(total) if binary and not repeated else None,
        capped=None if binary else Moments(n, capped_mean, capped_variance),
        largest=() if binary else tuple(value for (value,) in most),
        largest_share=largest / total if not binary and not negative and total > 0 else None,
    )


def _text(name: str) -> str:
    """An arm may be called none: nothing but an empty text is a missing one."""
    quoted = name.replace('"', '""')
    return f"nullif(trim(\"{quoted}\"::VARCHAR), '')"


def _known(name: str) -> str:
    return f"CASE WHEN lower({_text(name)}) NOT IN {_MISSING} THEN {_text(name)} END"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _twice(names: Sequence[str]) -> str:
    return next(name for name in names if names.count(name) > 1)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
