"""The two kinds of rubric that commands take: a TOML file of overrides, and a rubric.json as it was frozen."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from winback.cli.orders_file import Refuse
from winback.money import NO_CURRENCY
from winback.segmentation.rubric import OtherCurrency, Rubric, read_rubric
from winback.segmentation.rubric_file import RubricFileError, RubricOverrides, read_rubric_file
from winback.segmentation.rubric_settings import RubricSettings

RubricOption = Annotated[
    Path | None,
    typer.Option(
        help="TOML file of overrides to calibrate by, or a rubric.json of before, whose thresholds stay as they are."
    ),
]


def read_overrides(file: Path, currency: str | None, refuse: Refuse) -> RubricOverrides:
    try:
        return read_rubric_file(file, currency or NO_CURRENCY)
    except RubricFileError as error:
        refuse(f"{file}: {error}")
    except OSError as error:
        refuse(f"{file}: {error.strerror or error}")


def read_frozen(file: Path, option: str, refuse: Refuse) -> Rubric:
    try:
        rubric = read_rubric(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        refuse(f"{option}: {file}: {error.strerror or error}")
    except ValueError:
        refuse(f"{option}: {file} is no rubric.json, as `winback segment` or a refresh writes beside a snapshot")
    if rubric is None:
        refuse(f"{option}: {file} is of version 1, which held for a quarter and has expired; calibrate a new one")
    return rubric


def chosen_rubric(
    file: Path | None, as_of: datetime, currency: str, refuse: Refuse
) -> tuple[Rubric | None, RubricSettings | None]:
    """What `--rubric` asks for: thresholds that stay, or settings to calibrate by; neither without the option."""
    if file is None:
        return None, None
    if file.suffix != ".json":
        return None, read_overrides(file, currency, refuse).settings
    rubric = read_frozen(file, "--rubric", refuse)
    try:
        rubric.require_currency(currency)
    except OtherCurrency as error:
        refuse(f"--rubric: {file}: {error}")
    if not rubric.is_valid_at(as_of):
        long = "for 91 days from then, as it rests on too little history" if rubric.is_provisional else "from then on"
        refuse(
            f"--rubric: {file} was calibrated as of {rubric.calibrated_at}: it holds {long}; "
            "`winback rubric compare` shows what a new one would move"
        )
    return rubric, None
