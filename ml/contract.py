"""What the inference scripts share: requests checked against a schema, refusals that keep their status, answers.

Lies beside `inference.py` in every model archive (`code/contract.py`), so it stands alone on numpy and the standard
library.

Request, `application/json`: `{"schema_version": n, "rows": [{field: value, ...}, ...]}`, 1 to 500 rows, every field of
the schema and no other, and beside `rows` the options that the schema names. Or `text/csv`: a header with the same
names, one line a row, an empty cell for null, a list's numbers divided by blanks; options have their defaults.
Answer, `application/json`: `{"schema_version": n, "model_id": "...", "rows": [{...}, ...]}` in the rows' order; or
`text/csv` when accepted: a header, one line a row.

A request that breaks this gets status 400 (415, 406 for the media type) and
`{"error": {"code", "message", "fields": [{"row", "field", "problem", "expected"}]}}`. The scikit-learn container turns
whatever a script's functions raise into a bare 500, its own error types included; only what `output_fn` returns keeps
its status (sagemaker_containers/_functions.py `error_wrapper`; aws/sagemaker-scikit-learn-container issue 62). So a
refusal is a value: `input_fn` returns it, `predict_fn` passes it on, `output_fn` returns it as a WSGI response, which
Flask sends as it is. The caller of InvokeEndpoint sees a ModelError with `OriginalStatusCode` 400 and this body as
`OriginalMessage`.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAX_ROWS = 500
MODEL_FILE = "model.json"
JSON, CSV = "application/json", "text/csv"
_REPORTED = 20  # problems of one request
_LONGEST = 80  # of an unknown field's name


class UnusableModel(RuntimeError):
    """The model directory holds no model that this script can serve."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a request; `row` counts from 0, None when it is not about one row."""

    row: int | None
    field: str | None
    problem: str
    expected: str


@dataclass(frozen=True)
class Rejection:
    """A request refused: the status to answer with, and why."""

    status: int
    message: str
    problems: tuple[Problem, ...] = ()

    def body(self) -> str:
        code = {400: "invalid_request", 406: "not_acceptable", 415: "unsupported_media_type"}[self.status]
        fields = [vars(problem) for problem in self.problems]
        return json.dumps({"error": {"code": code, "message": self.message, "fields": fields}})


@dataclass(frozen=True)
class ErrorAnswer:
    """What `output_fn` returns for a rejection: a WSGI application that answers `status` and the JSON `body`."""

    status: int
    body: str
    content_type: str = JSON

    @classmethod
    def of(cls, rejection: Rejection) -> "ErrorAnswer":
        return cls(rejection.status, rejection.body())

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        del environ
        body = self.body.encode()
        start_response(
            f"{self.status} Refused", [("Content-Type", self.content_type), ("Content-Length", str(len(body)))]
        )
        return [body]


@dataclass(frozen=True)
class Number:
    """A finite number from `low` to `high`, a `whole` one or any; null where `nullable`."""

    low: float
    high: float
    nullable: bool = False
    whole: bool = False

    @property
    def expected(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:.15g} to {self.high:.15g}{' or null' if self.nullable else ''}"

    def fits(self, value: Any) -> bool:
        if value is None:
            return self.nullable
        within = type(value) in (int, float) and bool(self.low <= value <= self.high)
        return within and not (self.whole and value % 1)

    def from_text(self, text: str) -> Any:
        if not text and self.nullable:
            return None
        return _number(text)


@dataclass(frozen=True)
class Text:
    """A text of at most `longest` characters, one of `choices` where there are any; null where `nullable`."""

    choices: tuple[str, ...] = ()
    longest: int = 200
    nullable: bool = False

    @property
    def expected(self) -> str:
        what = f"one of {', '.join(self.choices)}" if self.choices else f"a text of at most {self.longest} characters"
        return f"{what}{' or null' if self.nullable else ''}"

    def fits(self, value: Any) -> bool:
        if value is None:
            return self.nullable
        return isinstance(value, str) and len(value) <= self.longest and (not self.choices or value in self.choices)

    def from_text(self, text: str) -> Any:
        return None if not text and self.nullable else text


@dataclass(frozen=True)
class Numbers:
    """A list of exactly `length` finite numbers from `low` to `high`."""

    length: int
    low: float
    high: float

    @property
    def expected(self) -> str:
        return f"a list of {self.length} numbers from {self.low:.15g} to {self.high:.15g}"

    def fits(self, value: Any) -> bool:
        if not isinstance(value, list) or len(value) != self.length:
            return False
        return all(type(part) in (int, float) and self.low <= part <= self.high for part in value)

    def from_text(self, text: str) -> Any:
        return [_number(part) for part in text.split()]


Field = Number | Text | Numbers


@dataclass(frozen=True)
class Batch:
    """A request that fits its schema."""

    numbers: Array
    """Shape (rows, Number fields), in the schema's order; NaN for null."""
    others: Mapping[str, list[Any]]
    """Values of the other fields by name, in the rows' order."""
    options: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class Schema:
    """The fields of a row, and the options beside the rows with the value of each where it is not given."""

    version: int
    fields: Mapping[str, Field]
    options: Mapping[str, tuple[Field, Any]] = field(default_factory=dict)

    @cached_property
    def _numbers(self) -> "_NumberFields":
        return _NumberFields.of(self.fields)

    @cached_property
    def _others(self) -> tuple[str, ...]:
        return tuple(name for name, kind in self.fields.items() if not isinstance(kind, Number))

    def read(self, body: str | bytes, content_type: str) -> Batch | Rejection:
        """The rows of a request, or why it is refused."""
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type not in (JSON, CSV):
            return Rejection(415, f"content type {media_type!r} is not read here: expected {JSON} or {CSV}")
        try:
            text = body.decode() if isinstance(body, bytes) else body
            found = self._of_json(text) if media_type == JSON else self._of_csv(text)
        except UnicodeDecodeError:
            return Rejection(400, "the body is not UTF-8 text")
        except (ValueError, RecursionError, csv.Error) as error:
            return Rejection(400, f"the body is not {media_type}: {error}")
        if isinstance(found, Rejection):
            return found
        rows, options = found
        if not 1 <= len(rows) <= MAX_ROWS:
            return Rejection(400, f"{len(rows)} rows in one request: expected 1 to {MAX_ROWS}")
        return self._batch(rows, options)

    def _of_json(self, text: str) -> tuple[Sequence[Any], dict[str, Any]] | Rejection:
        request = json.loads(text)
        if not isinstance(request, dict):
            shape = f'{{"schema_version": {self.version}, "rows": [...]}}'
            return Rejection(400, f"the body is not an object: expected {shape}")
        allowed = ("schema_version", "rows", *self.options)
        problems = [
            Problem(None, name[:_LONGEST], "unknown field", f"{', '.join(allowed[:-1])} and {allowed[-1]} alone")
            for name in sorted(request.keys() - set(allowed))
        ]
        version = request.get("schema_version")
        if isinstance(version, bool) or version != self.version:
            problems.append(Problem(None, "schema_version", f"is {_shown(version)}", str(self.version)))
        options = {name: request.get(name, default) for name, (_, default) in self.options.items()}
        problems += [
            Problem(None, name, f"is {_shown(options[name])}", kind.expected)
            for name, (kind, _) in self.options.items()
            if not kind.fits(options[name])
        ]
        rows = request.get("rows")
        if not isinstance(rows, list):
            problems.append(Problem(None, "rows", "missing or not a list", f"a list of 1 to {MAX_ROWS} objects"))
            rows = []
        return _refuse(problems) if problems else (rows, options)

    def _of_csv(self, text: str) -> tuple[Sequence[Any], dict[str, Any]] | Rejection:
        reader = csv.reader(io.StringIO(text), strict=True)
        header = next(reader, [])
        if sorted(header) != sorted(self.fields):
            return Rejection(400, f"the header is {','.join(header)[:200]!r}: expected {','.join(self.fields)}")
        rows = []
        for number, line in enumerate(line for line in reader if line):
            if len(line) != len(header):
                width = f"{len(header)} values, as the header says"
                return _refuse([Problem(number, None, f"{len(line)} values", width)])
            rows.append({name: self.fields[name].from_text(cell) for name, cell in zip(header, line, strict=True)})
        return rows, {name: default for name, (_, default) in self.options.items()}

    def _batch(self, rows: Sequence[Any], options: dict[str, Any]) -> Batch | Rejection:
        # Checked in bulk; only a bad request pays for looking at field after field.
        try:
            if set(map(len, rows)) == {len(self.fields)}:
                others = {name: [row[name] for row in rows] for name in self._others}
                numbers = self._numbers.read(rows)
                whole = all(self.fields[name].fits(value) for name, values in others.items() for value in values)
                if whole and numbers is not None:
                    return Batch(numbers, others, options)
        except (KeyError, TypeError, OverflowError):
            pass  # named just below
        return _refuse([problem for number, row in enumerate(rows) for problem in self._problems(number, row)])

    def _problems(self, number: int, row: Any) -> Iterator[Problem]:
        if not isinstance(row, dict):
            yield Problem(number, None, f"is {_shown(row)}", "an object")
            return
        for name in sorted(row.keys() - self.fields.keys()):
            yield Problem(number, name[:_LONGEST], "unknown field", f"only {', '.join(self.fields)}")
        for name, kind in self.fields.items():
            if name not in row:
                yield Problem(number, name, "missing", kind.expected)
            elif not kind.fits(row[name]):
                yield Problem(number, name, f"is {_shown(row[name])}", kind.expected)


@dataclass(frozen=True)
class _NumberFields:
    """A schema's Number fields as arrays."""

    names: tuple[str, ...]
    pick: Callable[[Any], tuple[Any, ...]]
    low: Array
    high: Array
    nullable: NDArray[np.bool_]
    whole: NDArray[np.bool_]

    @classmethod
    def of(cls, fields: Mapping[str, Field]) -> "_NumberFields":
        kinds = {name: kind for name, kind in fields.items() if isinstance(kind, Number)}
        names = tuple(kinds)
        pick = itemgetter(*names) if len(names) > 1 else lambda row: tuple(row[name] for name in names)
        bounds = np.array([(kind.low, kind.high) for kind in kinds.values()], dtype=np.float64).reshape(-1, 2)
        nullable, whole = np.array([(k.nullable, k.whole) for k in kinds.values()], dtype=bool).reshape(-1, 2).T
        return cls(names, pick, bounds[:, 0], bounds[:, 1], nullable, whole)

    def read(self, rows: Sequence[Any]) -> Array | None:
        """(rows, fields), None when a value does not fit; for some of those KeyError, TypeError or OverflowError."""
        picked = list(chain.from_iterable(map(self.pick, rows)))
        if not set(map(type, picked)) <= {int, float, type(None)}:
            return None
        values = np.array(picked, dtype=np.float64).reshape(len(rows), len(self.names))
        fits = (values >= self.low) & (values <= self.high)
        if not fits.all():  # NaN fits nowhere: null has become one, and JSON's reader lets NaN itself through
            absent = np.isnan(values)
            if not np.all(fits | (absent & self.nullable)) or int(absent.sum()) != picked.count(None):
                return None
        if self.whole.any() and np.any(values[:, self.whole] % 1 > 0):
            return None
        return values


def answer(
    version: int, model_id: str, columns: Mapping[str, Array | Sequence[Any]], accept: str
) -> tuple[str, str] | ErrorAnswer:
    """(body, content type), or the refusal of what `accept` wants. Arrays are written with six decimals."""
    wanted = {part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")}
    if wanted & {JSON, "*/*", "application/*"}:
        head = f'{{"schema_version":{version},"model_id":{json.dumps(model_id)}'
        return f'{head},"rows":[{_objects(columns)}]}}', JSON
    if wanted & {CSV, "text/*"}:
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(_cells(column) for column in columns.values()), strict=True))
        return lines.getvalue(), CSV
    return ErrorAnswer.of(Rejection(406, f"cannot answer as {accept!r}: expected {JSON} or {CSV}"))


def read_model(model_dir: str | Path) -> dict[str, Any]:
    """The content of `model.json`. Raises UnusableModel when it is missing or no JSON object."""
    try:
        stored = json.loads((Path(model_dir) / MODEL_FILE).read_text())
    except (OSError, ValueError) as error:
        raise UnusableModel(f"{MODEL_FILE} cannot be read: {type(error).__name__}: {error}") from error
    if not isinstance(stored, dict):
        raise UnusableModel(f"{MODEL_FILE} is broken: no object")
    return stored


def _objects(columns: Mapping[str, Array | Sequence[Any]]) -> str:
    parts, values = [], []
    for name, column in columns.items():
        exact = isinstance(column, np.ndarray)
        parts.append(f"{json.dumps(name).replace('%', '%%')}:{'%.6f' if exact else '%s'}")
        values.append(column.tolist() if isinstance(column, np.ndarray) else [_json(value) for value in column])
    rows = len(values[0]) if values else 0
    flat = values[0] if len(values) == 1 else list(chain.from_iterable(zip(*values, strict=True)))
    return ",".join(["{" + ",".join(parts) + "}"] * rows) % tuple(flat)


def _cells(column: Array | Sequence[Any]) -> list[str]:
    if isinstance(column, np.ndarray):
        return [f"{value:.6f}" for value in column.tolist()]
    return [value if isinstance(value, str) else "" if value is None else _json(value) for value in column]


_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _shown(value: Any) -> str:
    """A value short enough for a message; texts by their type, as they could be personal."""
    return f"a {type(value).__name__}" if isinstance(value, str | list | dict) else str(value)[:40]


def _refuse(problems: Sequence[Problem]) -> Rejection:
    first = problems[0]
    place = "" if first.row is None else f"row {first.row}: "
    named = "" if first.field is None else f"{first.field}: "
    message = f"{place}{named}{first.problem}, expected {first.expected}"
    return Rejection(400, message, tuple(problems[:_REPORTED]))
