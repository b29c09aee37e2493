import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from winback.customers import Customer
from winback.imports.files import FileAccount, load_customers

HEADER = (
    "customer_id,email,phone,first_name,last_name,time_zone,country,locale,"
    "email_consent,sms_consent,push_consent,consent_at,consent_source,created_at,acquisition_channel,"
    "push_token,open_cases,webhook_consent,call_consent"
)
FIELDS = HEADER.split(",")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def load(connection: DuckDBPyConnection, write: Callable[..., Path]) -> Callable[..., FileAccount]:
    def from_rows(*rows: dict[str, str]) -> FileAccount:
        lines = [",".join(row.get(name, "") for name in FIELDS) for row in rows]
        return load_customers(connection, write("\n".join([HEADER, *lines]) + "\n"), mapping={}, now=NOW)

    return from_rows


def problems(connection: DuckDBPyConnection) -> list[Any]:
    return connection.execute("SELECT line, problem FROM rejects ORDER BY line").fetchall()


def test_a_customer_is_read_with_consent(load: Callable[..., FileAccount], connection: DuckDBPyConnection) -> None:
    account = load(
        {
            "customer_id": "c1",
            "email": "Ann.O'Hara+x@mail.example.com",
            "phone": "+49 (30) 123-456",
            "time_zone": "Europe/Berlin",
            "country": "de",
            "email_consent": "Granted",
            "consent_at": "2026-01-02T03:04:05+01:00",
        }
    )
    assert account == FileAccount(1, 1, 0, 0, {})
    found = connection.execute(
        "SELECT email, phone, country, email_consent, sms_consent, consent_at, first_name FROM customers"
    ).fetchall()
    assert found == [
        ("Ann.O'Hara+x@mail.example.com", "+4930123456", "DE", "granted", None, datetime(2026, 1, 2, 2, 4, 5), None)
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "ann"),
        ("email", "ann@localhost"),
        ("email", "ann@@example.com"),
        ("email", "ann@-example.com"),
        ("email", "ann @example.com"),
        ("email", "a" * 65 + "@example.com"),
        ("phone", "030123456"),
        ("phone", "+49abc1234567"),
        ("first_name", "a\x07b"),
        ("last_name", "x" * 129),
        ("time_zone", "Berlin"),
        ("country", "Germany"),
        ("locale", "de_DE!"),
        ("email_consent", "yes"),
        ("consent_at", "soon"),
        ("consent_at", "2027-01-01"),
        ("created_at", "1950-01-01"),
        ("acquisition_channel", "x" * 129),
        ("acquisition_channel", "paid\x07search"),
        ("push_token", "short"),
        ("push_token", "a token with spaces"),
        ("open_cases", "complaint;lawsuit"),
        ("open_cases", "none;refund"),
        ("call_consent", "maybe"),
        ("customer_id", ""),
    ],
)
def test_a_row_with_anything_wrong_is_rejected_and_says_what(
    load: Callable[..., FileAccount], connection: DuckDBPyConnection, field: str, value: str
) -> None:
    account = load({"customer_id": "c1"}, {"customer_id": "c2", field: value})
    assert (account.accepted, account.rejected) == (1, 1)
    ((line, found, problem, reason),) = connection.execute(
        "SELECT line, field, problem, reason FROM rejects"
    ).fetchall()
    assert (line, found) == (3, field)
    assert reason not in ("", problem)


def test_the_first_statement_of_a_file_counts(load: Callable[..., FileAccount], connection: DuckDBPyConnection) -> None:
    row = {"customer_id": "c1", "first_name": "Ann"}
    account = load(row, row, {**row, "first_name": "Anne"})
    assert account == FileAccount(3, 1, 1, 1, {"customer_id: used again": 1})
    assert problems(connection) == [(4, "customer_id: used again")]


@pytest.mark.parametrize(
    "row",
    [
        {"customer_id": "c1"},
        {"customer_id": "c1", "email": "ann@example.com", "sms_consent": "denied", "consent_source": "shop"},
        {"customer_id": "ü", "email_consent": "granted", "push_consent": "unknown", "consent_at": "2026-01-01"},
        {"customer_id": "c1", "created_at": "2020-02-03T04:05:06Z", "locale": "de-DE", "last_name": "Ng"},
        {"customer_id": "c1", "acquisition_channel": "paid search"},
        {"customer_id": "c1", "push_consent": "denied", "acquisition_channel": "Messe München"},
        {"customer_id": "c1", "open_cases": "refund; Complaint;refund", "push_token": "token-1234567"},
        {"customer_id": "c1", "open_cases": "none"},
        {"customer_id": "c1", "call_consent": "granted", "webhook_consent": "denied", "consent_at": "2026-01-01"},
    ],
)
def test_the_api_and_a_file_fingerprint_a_customer_alike(
    load: Callable[..., FileAccount], connection: DuckDBPyConnection, row: dict[str, str]
) -> None:
    load(row)
    ((in_sql,),) = connection.execute("SELECT fingerprint FROM customers").fetchall()
    consents = {
        channel: {"state": row[f"{channel}_consent"], "at": row.get("consent_at"), "source": row.get("consent_source")}
        for channel in ("email", "sms", "push", "webhook", "call")
        if f"{channel}_consent" in row
    }
    plain: dict[str, Any] = {name: value for name, value in row.items() if "consent" not in name}
    if "open_cases" in plain:
        plain["open_cases"] = [case.strip().lower() for case in plain["open_cases"].split(";") if case != "none"]
    assert Customer.model_validate({**plain, "consent": consents}).fingerprint() == in_sql


def test_open_cases_are_read_from_every_format_alike(connection: DuckDBPyConnection, tmp_path: Path) -> None:
    told = [["complaint", "refund"], [], None]
    (tmp_path / "lines.jsonl").write_text(
        "".join(json.dumps({"customer_id": f"c{n}", "open_cases": cases}) + "\n" for n, cases in enumerate(told))
    )
    connection.execute(
        "COPY (SELECT 'c' || n AS customer_id, [['complaint', 'refund'], [], NULL][n + 1] AS open_cases "
        f"FROM range(3) AS numbers (n)) TO '{tmp_path / 'rows.parquet'}' (FORMAT parquet)"
    )
    (tmp_path / "rows.csv").write_text("customer_id,open_cases\nc0,complaint;refund\nc1,none\nc2,\n")
    for name in ("lines.jsonl", "rows.parquet", "rows.csv"):
        load_customers(connection, tmp_path / name, mapping={}, now=NOW)
        found = connection.execute("SELECT open_cases FROM customers ORDER BY customer_id").fetchall()
        assert [cases for (cases,) in found] == told, name
