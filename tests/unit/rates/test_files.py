import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.rates.conftest import quote
from winback.imports.errors import UnknownColumn, UnreadableFile
from winback.rates.files import RatesFile
from winback.rates.quotes import Problem, rate_of
from winback.rates.series import STERLING_SERIES

Read = Callable[..., RatesFile]
ECB = """Date,USD,JPY,CYP,TRY,
2026-11-20,1.0857,161.3,N/A,45.1,
2026-11-19,1.0861,160.95,N/A,N/A,
"""
ECB_QUOTES = [
    quote("2026-11-20", "USD", "EUR", "1.0857"),
    quote("2026-11-20", "JPY", "EUR", "161.3"),
    quote("2026-11-20", "TRY", "EUR", "45.1"),
    quote("2026-11-19", "USD", "EUR", "1.0861"),
    quote("2026-11-19", "JPY", "EUR", "160.95"),
]
ECB_XML = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
<Cube>
<Cube time="2026-11-20"><Cube currency="USD" rate="1.0857"/><Cube currency="JPY" rate="161.3"/>
<Cube currency="TRY" rate="45.1"/></Cube>
<Cube time="2026-11-19"><Cube currency="USD" rate="1.0861"/><Cube currency="JPY" rate="160.95"/></Cube>
</Cube></gesmes:Envelope>
"""


def counts(found: RatesFile) -> tuple[int, int, int, int]:
    account = found.account
    return account.read, account.accepted, account.duplicates, account.rejected


def test_the_ecbs_table_is_in_units_for_one_euro(read: Read) -> None:
    found = read(ECB)
    assert found.quotes == ECB_QUOTES
    assert counts(found) == (5, 5, 0, 0), "a cell with N/A is no rate"


def zipped(content: str, *more: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("eurofxref-hist.csv", *more):
            file.writestr(zipfile.ZipInfo(name), content)  # with no time of its own: names of tests hold it
    return archive.getvalue()


@pytest.mark.parametrize(
    "content", [ECB_XML, zipped(ECB), gzip.compress(ECB.encode(), mtime=0), "\ufeff" + ECB, ECB.replace("\n", "\r\n")]
)
def test_the_same_rates_come_in_several_wrappings(read: Read, content: str | bytes) -> None:
    assert read(content).quotes == ECB_QUOTES


def test_the_bank_of_englands_columns_are_series_codes_for_one_pound(read: Read) -> None:
    found = read("DATE,XUDLUSS,XUDLERS,XUDLBK89\n02 Jan 2014,1.6438,1.2016,9.9462\n03 Jan 14,1.6402,,9.9261\n")
    assert found.quotes == [
        quote("2014-01-02", "USD", "GBP", "1.6438"),
        quote("2014-01-02", "EUR", "GBP", "1.2016"),
        quote("2014-01-02", "CNY", "GBP", "9.9462"),
        quote("2014-01-03", "USD", "GBP", "1.6402"),
        quote("2014-01-03", "CNY", "GBP", "9.9261"),
    ]


def test_titles_may_stand_beside_the_series_codes(read: Read) -> None:
    found = read('"Date","Spot exchange rate, US $ into Sterling [a] XUDLUSS"\n"31 Dec 75","2.0233"\n')
    assert found.quotes == [quote("1975-12-31", "USD", "GBP", "2.0233")]


def test_a_series_that_is_no_rate_into_sterling_is_rejected_and_not_taken_for_one(read: Read) -> None:
    found = read("DATE,XUDLUSS,XUDLBK67,IUDBEDR\n02 Jan 2014,1.6438,84.97,0.5\n")
    assert counts(found) == (3, 1, 0, 2)
    assert [(reject.line, reject.field) for reject in found.rejects] == [(2, "currency"), (2, "currency")]
    assert found.account.rejects_by_reason == {"currency: unknown series": 2}
    assert '"XUDLBK67": "84.97"' in found.rejects[0].row


def test_each_series_is_of_another_currency() -> None:
    assert len(set(STERLING_SERIES.values())) == len(STERLING_SERIES)


def test_plain_rows_are_for_one_unit_of_their_base_or_of_the_accounts_currency(read: Read) -> None:
    rows = "2026-11-20,usd,1.25"
    assert read(f"day,currency,rate\n{rows}\n", default_base="GBP").quotes == [
        quote("2026-11-20", "USD", "GBP", "1.25")
    ]
    based = read(f"day;currency;rate;base\n{rows.replace(',', ';')};CHF\n", default_base="GBP")
    assert based.quotes == [quote("2026-11-20", "USD", "CHF", "1.25")]
    mapped = read(
        "Tag,Code,Kurs\n" + rows, mapping={"day": "Tag", "currency": "Code", "rate": "Kurs"}, default_base="GBP"
    )
    assert mapped.quotes == [quote("2026-11-20", "USD", "GBP", "1.25")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",USD,1", "day: missing"),
        ("20/11/2026,USD,1", "day: not a date"),
        ("2026-02-30,USD,1", "day: not a date"),
        ("30 Feb 2026,USD,1", "day: not a date"),
        ("20 Foo 2026,USD,1", "day: not a date"),
        ("1869-11-20,USD,1", "day: out of range"),
        ("2026-11-24,USD,1", "day: in the future"),
        ("2026-11-20,,1", "currency: missing"),
        ("2026-11-20,Dollar,1", "currency: not a code"),
        ("2026-11-20,XXX,1", "currency: not a code"),
        ("2026-11-20,EUR,1", "currency: its own base"),
        ("2026-11-20,USD,", "rate: missing"),
        ("2026-11-20,USD,N/A", "rate: not a number"),
        ("2026-11-20,USD,NaN", "rate: not a number"),
        ("2026-11-20,USD,1_0", "rate: not a number"),
        ("2026-11-20,USD,0", "rate: not positive"),
        ("2026-11-20,USD,-1.1", "rate: not positive"),
        ("2026-11-20,USD,1000000000", "rate: out of range"),
        ("2026-11-20,USD,9e99", "rate: out of range"),
        ("2026-11-20,USD,0.00001234567", "rate: too small"),
        ("2026-11-20,USD", "row: wrong number of fields"),
        ('2026-11-20,"USD,1', "row: broken quotes"),
    ],
)
def test_a_row_that_cannot_be_taken_is_told_with_its_line_field_and_problem(read: Read, row: str, problem: str) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    found = read(f"day,currency,rate\n2026-11-20,JPY,160\n{row}\n2026-11-20,CHF,0.9\n", default_base="EUR", now=now)
    assert counts(found) == (3, 2, 0, 1)
    (reject,) = found.rejects
    assert (reject.line, reject.problem) == (3, problem)
    assert reject.field == (None if problem.startswith("row") else problem.split(":", maxsplit=1)[0])
    assert reject.reason
    assert reject.row


def test_a_rate_that_is_given_again_is_a_duplicate_and_another_one_is_refused(read: Read) -> None:
    found = read(
        "day,currency,rate\n2026-11-20,USD,1.1\n20 Nov 2026,usd,1.10\n2026-11-20,USD,1.2\n", default_base="EUR"
    )
    assert counts(found) == (3, 1, 1, 1)
    assert found.quotes == [quote("2026-11-20", "USD", "EUR", "1.1")]
    assert (found.rejects[0].line, found.rejects[0].problem) == (4, "rate: given twice")
    assert "line 2" in found.rejects[0].reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty: expected the ECB's"),
        ("a,b\n1,2\n", "of no known format of exchange rates: expected the ECB's"),
        ("Date,total\n2026-11-20,2\n", "of no known format"),
        ("Date,USD,EUR\n2026-11-20,1.25,1.15\n", "this one has a column EUR"),
        ("DATE,XUDLBK67\n20 Nov 2026,84.9\n", "of no known format"),
        ("<html><body>busy</body></html>", "the XML has no rates"),
        ("<Cube time='2026-11-20'>", "broken XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><Cube currency="USD" rate="&b;"/>', "declares entities"),
        (zipped(ECB, "readme.txt"), "the ZIP archive has 2 files"),
        (zipped(ECB)[:60], "a ZIP archive but broken"),
        (gzip.compress(ECB.encode(), mtime=0)[:40], "gzip but broken"),
        (b"Date,USD\n2026-11-20,1.25\n" + b"\xff\xfe,1\n", "not UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_is_expected(
    read: Read, content: str | bytes, message: str
) -> None:
    with pytest.raises(UnreadableFile, match=message.replace("(", "\\(")):
        read(content)


def test_rates_without_a_base_need_to_be_told_one(read: Read) -> None:
    with pytest.raises(UnreadableFile, match="no column base"):
        read("day,currency,rate\n2026-11-20,USD,1.1\n")
    with pytest.raises(UnknownColumn, match="has no column rate"):
        read("day,currency\n2026-11-20,USD\n", mapping={"day": "day"})


_cells = st.sampled_from(["1.25", "1.25", "0.5", "N/A", "", "-", "x", "0", "1e3", '"', "-1"])


@given(st.lists(st.tuples(st.sampled_from(["2026-11-20", "2026-11-19", "soon", ""]), _cells, _cells), max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_rate_of_a_file_is_accounted_for(read: Read, rows: list[Any]) -> None:
    found = read("Date,USD,JPY\n" + "".join(",".join(row) + "\n" for row in rows))
    account = found.account
    assert account.read == account.accepted + account.duplicates + account.rejected
    assert account.accepted == len(found.quotes) == len({(each.day, each.currency) for each in found.quotes})
    assert account.rejected == len(found.rejects) == sum(account.rejects_by_reason.values())
    assert {each.day for each in found.quotes} <= {date(2026, 11, 20), date(2026, 11, 19)}


@given(st.decimals(Decimal("1e-12"), Decimal("1e10"), allow_nan=False, allow_infinity=False, places=12))
def test_a_rate_is_taken_within_a_millionth_or_not_at_all(written: Decimal) -> None:
    try:
        rate = rate_of(str(written))
    except Problem:
        assert written < Decimal("0.0005") or written >= Decimal(10) ** 9 - 1
    else:
        assert abs(rate - written) <= written / 10**6
        assert -rate.as_tuple().exponent <= 9
