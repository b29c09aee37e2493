"""Reads logged offers from a CSV or Parquet file: columns checked, categories made numbers. Uses DuckDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy.stats import chisquare, kruskal

from ml.offer.logged import Array, Indices, Logged, UnusableData, logged

MOST_LEVELS = 20
"""Different words of a categorical feature; more are an id rather than a category."""
FEWEST_ROWS = 40
FEWEST_CUSTOMERS = 20
_LARGEST = {"--reward": 1e15, "--features": 1e30}
"""Beyond, squares and sums of them overflow, or say nothing."""
BALANCE_ALARM = 0.001
_FEWEST_BALANCED = 30
"""Customers of an arm below which the test's approximation fails: one odd customer of one would raise the alarm."""
_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_READERS = {
    ".parquet": "read_parquet(?)",
    ".csv": "read_csv(?, sample_size = -1)",
    ".gz": "read_csv(?, sample_size = -1)",
    ".tsv": "read_csv(?, sample_size = -1)",
}


@dataclass(frozen=True)
class Columns:
    arm: str
    control: str
    reward: str
    features: tuple[str, ...]
    propensity: str | None
    """None: the rows are declared randomised."""
    customer: str | None = None

    def all(self) -> dict[str, str]:
        """Option -> column, each column once at least."""
        named = {"--arm": self.arm, "--reward": self.reward}
        if self.propensity is not None:
            named["--propensity"] = self.propensity
        if self.customer is not None:
            named["--customer"] = self.customer
        return named | {f"--features {name}": name for name in self.features}


@dataclass(frozen=True)
class LoggedFile:
    data: Logged
    names: tuple[str, ...]
    """Of the features as learned from: categories as `name=word`, and `name is missing`."""
    equal_shares_p_value: float
    """That arms assigned in equal shares come out as unequal as these."""
    unbalanced: dict[str, float]
    """Where the rows are declared randomised: features that differ between the arms, with the p value."""


def read_logged(path: Path, columns: Columns, costs: Mapping[str, float]) -> LoggedFile:
    """Raises UnusableData, in the words of the command's options."""
    found = _columns(path, columns)
    size = len(found[columns.arm])
    if size < FEWEST_ROWS:
        raise UnusableData(f"--data: {size} rows are too few to tell anything: expected at least {FEWEST_ROWS}")
    arms, arm = _arms(found[columns.arm], columns)
    unknown = sorted(set(costs) - set(arms))
    if unknown:
        raise UnusableData(f"--cost: there is no arm {unknown[0]!r}: expected some of {', '.join(arms)}")
    features, names = _features(found, columns)
    if not names:
        raise UnusableData("--features: every one is the same in all rows: expected at least one that varies")
    customer = None
    if columns.customer is not None:
        if (missing := _missing(found[columns.customer])).any():
            raise UnusableData(
                f"--customer: {int(missing.sum())} rows have no {columns.customer}: expected a customer in every row"
            )
        different, customer = np.unique(_plain(found[columns.customer]).astype(str), return_inverse=True)
        if len(different) < FEWEST_CUSTOMERS:
            raise UnusableData(
                f"--customer: the rows are of {len(different)} customers: expected at least {FEWEST_CUSTOMERS}, for a "
                "choice is judged by other customers than it was learned from"
            )
    data = logged(
        arms,
        features,
        arm,
        _numbers(found[columns.reward], "--reward", columns.reward),
        propensity=None
        if columns.propensity is None
        else _numbers(found[columns.propensity], "--propensity", columns.propensity),
        customer=customer,
        cost=np.array([float(costs.get(name, 0)) for name in arms]),
    )
    return LoggedFile(
        data=data,
        names=names,
        equal_shares_p_value=float(chisquare(np.bincount(data.arm)).pvalue),
        unbalanced=_unbalanced(data, names) if columns.propensity is None else {},
    )


def _columns(path: Path, columns: Columns) -> dict[str, Any]:
    """Masked arrays by column: numbers as floats, everything else as text, in the file's order of rows."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UnusableData(f"--data: {path} ends in {path.suffix!r}: expected a file that ends in .csv or .parquet")
    if not path.is_file():
        raise UnusableData(f"--data: there is no file {path}")
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        connection.execute("SET enable_progress_bar = false")
        try:
            described = connection.execute(f"DESCRIBE SELECT * FROM {reader}", [str(path)]).fetchall()  # noqa: S608
            if connection.execute(f"SELECT 1 FROM {reader} LIMIT 1", [str(path)]).fetchone() is None:  # noqa: S608
                raise UnusableData(f"--data: {path} has no rows")
            casts = _casts({row[0]: row[1] for row in described}, columns)
            listed = ", ".join(f"CAST({_quoted(name)} AS {kind}) AS {_quoted(name)}" for name, kind in casts.items())
            read = connection.execute(f"SELECT {listed} FROM {reader}", [str(path)]).fetchnumpy()  # noqa: S608
        except duckdb.Error as error:
            raise UnusableData(f"--data: cannot read {path}: {str(error).splitlines()[0]}") from error
    return dict(zip(casts, (read[name] for name in read), strict=True))


def _casts(types: Mapping[str, str], columns: Columns) -> dict[str, str]:
    """As what each column is read. Raises UnusableData for a missing column and one of the wrong type."""
    for option, name in columns.all().items():
        if name not in types:
            raise UnusableData(f"{option}: the file has no column {name!r}: expected one of {', '.join(types)}")
    casts = dict.fromkeys([columns.arm, *([columns.customer] if columns.customer else [])], "VARCHAR")
    for name in columns.features:
        kind = types[name].partition("(")[0]
        if kind not in (*_NUMERIC, "BOOLEAN", "VARCHAR", "ENUM"):
            raise UnusableData(f"--features: {name} is of type {types[name]}: expected numbers, yes or no, or words")
        casts[name] = "VARCHAR" if kind in ("VARCHAR", "ENUM") else "DOUBLE"
    amounts = {"--reward": columns.reward} | ({"--propensity": columns.propensity} if columns.propensity else {})
    for option, name in amounts.items():
        if types[name].partition("(")[0] not in _NUMERIC:
            raise UnusableData(f"{option}: {name} is not a number in every row: expected numbers alone")
        casts[name] = "DOUBLE"
    return casts


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _arms(values: Any, columns: Columns) -> tuple[tuple[str, ...], Indices]:
    missing = _missing(values)
    if missing.any():
        raise UnusableData(f"--arm: {int(missing.sum())} rows have no {columns.arm}: expected an arm in every row")
    words, code = np.unique(_plain(values).astype(str), return_inverse=True)
    if columns.control not in words:
        listed = ", ".join(map(str, words[:10]))
        raise UnusableData(f"--control: no row of {columns.arm} is {columns.control!r}: expected one of {listed}")
    if len(words) > MOST_LEVELS:
        raise UnusableData(f"--arm: {columns.arm} has {len(words)} different values: expected at most {MOST_LEVELS}")
    order = sorted(range(len(words)), key=lambda number: (words[number] != columns.control, words[number]))
    place = np.empty(len(words), dtype=np.int64)
    place[order] = np.arange(len(words))
    return tuple(str(words[number]) for number in order), place[code]


def _numbers(values: Any, option: str, name: str) -> Array:
    missing = _missing(values)
    if missing.any():
        raise UnusableData(f"{option}: {int(missing.sum())} rows have no {name}: expected a number in every row")
    numbers = np.asarray(_plain(values), dtype=np.float64)
    _check_size(numbers, option, name)
    return numbers


def _check_size(numbers: Array, option: str, name: str) -> None:
    if np.isinf(numbers).any():
        raise UnusableData(f"{option}: {name} is infinite in a row: expected numbers alone")
    largest = _LARGEST.get(option, np.inf)
    if (np.abs(numbers) > largest).any():
        raise UnusableData(f"{option}: {name} is beyond {largest:g} in a row: expected smaller numbers")


def _features(found: Mapping[str, Any], columns: Columns) -> tuple[Array, tuple[str, ...]]:
    """(n, d) and the names of the columns: those that are the same in every row are left out."""
    parts: list[tuple[str, Array]] = []
    for name in dict.fromkeys(columns.features):
        values, missing = found[name], _missing(found[name])
        if _plain(values).dtype.kind != "f":
            parts += _categories(name, values, missing)
            continue
        numbers = np.asarray(_plain(values), dtype=np.float64)
        _check_size(numbers[~missing], "--features", name)
        middle = float(np.median(numbers[~missing])) if not missing.all() else 0.0
        parts.append((name, np.where(missing, middle, numbers)))
        parts.append((f"{name} is missing", missing.astype(np.float64)))
    varying = [(name, column) for name, column in parts if float(np.ptp(column)) > 0]
    stacked = np.column_stack([column for _, column in varying]) if varying else np.empty((0, 0))
    return stacked, tuple(name for name, _ in varying)


def _categories(name: str, values: Any, missing: Any) -> list[tuple[str, Array]]:
    words = np.where(missing, "", _plain(values).astype(str))
    levels = sorted(set(words[~missing].tolist()))
    if len(levels) > MOST_LEVELS:
        raise UnusableData(
            f"--features: {name} has {len(levels)} different words: expected numbers, or at most {MOST_LEVELS} "
            "categories"
        )
    return [(f"{name}={level}", (words == level).astype(np.float64)) for level in levels]


def _unbalanced(data: Logged, names: Sequence[str]) -> dict[str, float]:
    """Features that differ between arms beyond chance (Kruskal and Wallis 1952, Bonferroni), one row a customer."""
    _, first = np.unique(data.customer, return_index=True)
    arm = data.arm[first]
    groups = [number for number in range(len(data.arms)) if np.count_nonzero(arm == number) >= _FEWEST_BALANCED]
    found = {}
    for name, column in zip(names, data.features[first].T, strict=True):
        if len(groups) < 2 or float(np.ptp(column[np.isin(arm, groups)])) == 0:
            continue
        p_value = float(kruskal(*(column[arm == number] for number in groups)).pvalue)
        if p_value < BALANCE_ALARM / len(names):
            found[name] = p_value
    return found


def _missing(values: Any) -> Any:
    masked = np.ma.getmaskarray(values)
    plain = np.asarray(np.ma.getdata(values))
    if plain.dtype.kind == "f":
        return masked | np.isnan(plain)
    if plain.dtype.kind == "O":
        return masked | np.array([value is None for value in plain])
    return masked


def _plain(values: Any) -> Any:
    return np.asarray(np.ma.getdata(values))
