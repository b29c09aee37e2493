"""Which column of the file is which of ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from winback.imports.errors import UnknownColumn


@dataclass(frozen=True)
class Canon:
    """The columns that one kind of file may have, in the order in which their problems are told."""

    kind: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    formats: tuple[str, ...] = ("csv", "jsonl", "parquet")

    @property
    def all(self) -> tuple[str, ...]:
        return self.required + self.optional

    def choose(self, mapping: Mapping[str, str], available: Sequence[str]) -> dict[str, str]:
        """Canonical name -> column of the file. Columns that are not mapped are found under their canonical name.

        Raises UnknownColumn listing what there is.
        """
        self.check(mapping)
        there = ", ".join(available) or "none"
        for name, column in mapping.items():
            if column not in available:
                raise UnknownColumn(
                    f"{name} is mapped to {column!r}, which the file does not have; its columns: {there}"
                )
        chosen = {name: mapping.get(name, name) for name in self.all if name in mapping or name in available}
        missing = [name for name in self.required if name not in chosen]
        if missing:
            raise UnknownColumn(
                f"the file has no column {', '.join(missing)}: "
                f"name the column to use instead (--map, or the API's `mapping`); its columns: {there}"
            )
        twice = sorted({column for column in chosen.values() if list(available).count(column) > 1})
        if twice:
            raise UnknownColumn(f"the file has more than one column {', '.join(twice)}; its columns: {there}")
        return chosen

    def check(self, mapping: Mapping[str, str]) -> None:
        """Raises UnknownColumn when the mapping names a column that is not one of ours."""
        unknown = [name for name in mapping if name not in self.all]
        if unknown:
            raise UnknownColumn(f"unknown column {', '.join(unknown)}: {self.kind} have {', '.join(self.all)}")


@dataclass(frozen=True)
class Layout:
    """How to read a file: what kind it is, which columns are which, and its format (None: told from the content)."""

    canon: Canon
    mapping: Mapping[str, str]
    format: str | None = None

    def choose(self, available: Sequence[str]) -> dict[str, str]:
        return self.canon.choose(self.mapping, available)


ORDERS = Canon(
    "orders",
    ("customer_id", "order_id", "ordered_at", "amount"),
    ("currency", "discount", "cost", "discount_codes", "category", "sku", "quantity"),
)
CUSTOMERS = Canon(
    "customers",
    ("customer_id",),
    (
        "email",
        "phone",
        "first_name",
        "last_name",
        "time_zone",
        "country",
        "locale",
        "email_consent",
        "sms_consent",
        "push_consent",
        "webhook_consent",
        "call_consent",
        "consent_at",
        "consent_source",
        "created_at",
        "acquisition_channel",
        "push_token",
        "open_cases",
    ),
)
EVENTS = Canon("events", ("customer_id", "kind", "at"), ("channel", "event_id"))
RATES = Canon("rates", ("day", "currency", "rate"), ("base",), formats=("csv", "xml"))
