from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.functions.intake.conftest import NOW, Intake
from winback.aws.imports import ImportStore
from winback.aws.lake import Lake, rates_prefix
from winback.identifiers import AccountId

ECB = """Date,USD,JPY,CYP,
2026-11-20,1.0857,161.3,N/A,
2026-11-19,1.0861,many,N/A,
"""


def lake_rates(intake: Intake, tmp_path: Path, account: str = "acme") -> list[Any]:
    keys = list(intake.lake.list(rates_prefix(AccountId(account))))
    paths = [str(intake.lake.download(key, tmp_path / f"{n}.parquet")) for n, key in enumerate(keys)]
    return duckdb.read_parquet(paths).order("day, currency").fetchall() if paths else []


def counts(job: Any) -> tuple[int, ...]:
    return tuple(job[name] for name in ("read", "accepted", "duplicates", "rejected"))


def test_a_file_of_rates_ends_up_in_the_lake_and_its_rejects_can_be_read(intake: Intake, tmp_path: Path) -> None:
    job = intake.run("rates", ECB)
    assert (job["kind"], job["state"]) == ("rates", "finished")
    assert counts(job) == (4, 3, 0, 1)
    assert job["rejects_by_reason"] == {"rate: not a number": 1}
    (key,) = intake.lake.list("rates/")
    assert key == f"rates/account=acme/received=2026-11-21/{job['import_id']}.parquet"
    at = NOW.replace(tzinfo=None)
    assert lake_rates(intake, tmp_path) == [
        (date(2026, 11, 19), "USD", "EUR", Decimal("1.0861"), at),
        (date(2026, 11, 20), "JPY", "EUR", Decimal("161.3"), at),
        (date(2026, 11, 20), "USD", "EUR", Decimal("1.0857"), at),
    ]
    (reject,) = intake.lake.read_rows(f"rejects/account=acme/{job['import_id']}.jsonl.gz")
    assert (reject["line"], reject["field"], reject["problem"]) == (3, "rate", "rate: not a number")
    assert job["rejects_url"].startswith("https://")


def test_the_next_days_file_adds_the_next_day_only(intake: Intake, tmp_path: Path) -> None:
    intake.run("rates", ECB)
    intake.set_clock(NOW + timedelta(days=2))
    job = intake.run("rates", ECB.replace("JPY,CYP,\n", "JPY,CYP,\n2026-11-23,1.0901,161.9,N/A,\n"))
    assert counts(job) == (6, 2, 3, 1)
    assert [row[0].day for row in lake_rates(intake, tmp_path)] == [19, 20, 20, 23, 23]


def test_plain_rows_without_a_base_are_for_one_of_the_accounts_currency(intake: Intake, tmp_path: Path) -> None:
    intake.run("rates", "Tag,currency,rate\n2026-11-20,USD,1.25\n", mapping={"day": "Tag"})
    assert lake_rates(intake, tmp_path)[0][1:4] == ("USD", "EUR", Decimal("1.25"))


def test_the_ecbs_xml_is_taken_too(intake: Intake, tmp_path: Path) -> None:
    xml = '<Envelope><Cube><Cube time="2026-11-20"><Cube currency="USD" rate="1.25"/></Cube></Cube></Envelope>'
    assert counts(intake.run("rates", xml, format="xml")) == (1, 1, 0, 0)


def test_a_file_of_another_kind_fails_with_what_was_expected(intake: Intake) -> None:
    job = intake.run("rates", "customer_id,order_id\nann,o1\n")
    assert job["state"] == "failed"
    assert "expected the ECB's eurofxref-hist.csv" in job["reason"]
    assert not list(intake.lake.list("rates/"))


@pytest.mark.parametrize("owner_and_method", [(Lake, "upload"), (ImportStore, "finish")])
def test_an_import_of_rates_killed_anywhere_and_retried_ends_the_same(
    intake: Intake, break_at: Callable[..., Any], tmp_path: Path, owner_and_method: tuple[type, str]
) -> None:
    import_id = intake.start("rates")["import_id"]
    intake.upload(import_id, ECB)
    mend = break_at(*owner_and_method)
    assert intake.work(import_id)["batchItemFailures"]
    mend()
    intake.set_clock(NOW + timedelta(days=1))
    assert intake.work(import_id) == {"batchItemFailures": []}
    assert counts(intake.read(import_id)) == (4, 3, 0, 1)
    assert len(list(intake.lake.list("rates/"))) == 1
    assert len(lake_rates(intake, tmp_path)) == 3


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"format": "parquet"}, "format"),
        ({"format": "csv", "mapping": {"amount": "Total"}}, "mapping"),
        ({"kind": "orders", "format": "xml"}, "format"),
    ],
)
def test_a_request_that_no_file_of_rates_can_fit_is_refused(
    intake: Intake, request_: dict[str, Any], field: str
) -> None:
    status, body = intake.call("POST", "/v1/imports", {"kind": "rates", **request_})
    assert status == 400
    assert body["error"]["fields"][0]["field"] == field


def test_accounts_do_not_see_each_others_rates(intake: Intake, tmp_path: Path) -> None:
    intake.run("rates", ECB)
    assert lake_rates(intake, tmp_path, account="other") == []
    assert counts(intake.run("rates", ECB, account="other")) == (4, 3, 0, 1)
