"""Codes as a shop exports them: one a line, or the column `code` of a CSV file."""

import csv
import re

from winback.offers.offer import LONGEST_CODE

MOST_LINES = 20_000
_CODE = re.compile(rf"^[A-Za-z0-9][A-Za-z0-9_-]{{2,{LONGEST_CODE - 1}}}$")


class UnreadableCodes(ValueError):
    """Some line is no code; the message names it by its number, never by what it says."""


def read_codes(text: str) -> list[str]:
    """In the order of the lines, repeated ones too; blank lines are passed over.

    The first line counts as a header where it names a column `code`. Raises UnreadableCodes.
    """
    reader = csv.reader(text.lstrip("\ufeff").splitlines(), delimiter=_delimiter(text))
    try:
        rows = list(reader)
    except csv.Error as error:  # a field of more than 131,072 characters
        raise UnreadableCodes(f"line {reader.line_num} is no line of CSV: expected a code of its own") from error
    column, start = 0, 0
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "code" in head:
        column, start = head.index("code"), 1
    codes = []
    for number, row in enumerate(rows[start:], start + 1):
        if not any(cell.strip() for cell in row):
            continue
        code = row[column].strip() if column < len(row) else ""
        if not _CODE.match(code):
            raise UnreadableCodes(
                f"line {number} is no code: expected 3 to {LONGEST_CODE} letters, digits, hyphens and underscores"
            )
        codes.append(code)
        if len(codes) > MOST_LINES:
            raise UnreadableCodes(f"there are more than {MOST_LINES} codes: expected at most so many in one request")
    if not codes:
        raise UnreadableCodes("there are no codes: expected one a line, or CSV with a column `code`")
    return codes


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return ";" if first.count(";") > first.count(",") else ","
