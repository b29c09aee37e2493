"""`winback churn train`: the churn model of a file's orders, trained as a SageMaker training job from a laptop."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from winback.cli.churn_orders import HorizonOption, UntilOption, read_orders
from winback.cli.orders_file import CurrencyOption, MapOption, OrdersOption, Refuse, reasons_of, refusal
from winback.features.examples import TooLittleHistory, Written, write_examples
from winback.pages.figures import count
from winback.predictions.promotion import CHAMPION, Comparison, Evaluation

EXAMPLE = (
    "[bold]Example[/bold]: needs `make sagemaker` once, AWS credentials and a role that SageMaker may assume:\n\n"
    "build/sagemaker/bin/winback churn train --orders export.csv \\\n"
    "  --out build/trained --bucket my-bucket \\\n"
    "  --role arn:aws:iam::111122223333:role/training"
)
_refuse: Refuse = refusal("winback churn train")
_ARCHIVE = "model.tar.gz"


@dataclass(frozen=True)
class Prepared:
    """What the job is given."""

    code: Path
    """tar.gz"""
    channels: dict[str, Path]


def train(
    *,
    orders: OrdersOption,
    role: Annotated[str, typer.Option(help="ARN of the role that the job runs as; SageMaker may assume it.")],
    bucket: Annotated[str, typer.Option(help="S3 bucket for the examples, the code and the model.")],
    out: Annotated[Path, typer.Option(help="New folder for what the job is given, and for the model.")],
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    horizon: HorizonOption = 91,
    until: UntilOption = None,
    instance_type: Annotated[str, typer.Option(help="Of the training job.")] = "ml.m5.xlarge",
    champion: Annotated[Path | None, typer.Option(help=f"A {_ARCHIVE} to be compared with.")] = None,
) -> None:
    """Train on SageMaker from here, and look at the evaluation. Nothing that is deployed is touched."""
    if not sdk_installed():
        _refuse(
            "the SageMaker SDK is not installed here: `make sagemaker`, then build/sagemaker/bin/winback churn train"
        )
    if not role.startswith("arn:"):
        _refuse(f"--role: {role!r} is not the ARN of a role, such as arn:aws:iam::111122223333:role/training")
    if champion is not None and not champion.is_file():
        _refuse(f"--champion: there is no file {champion}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        _refuse(f"--out: {out} is not a new or empty folder")
    console = Console(stderr=True)
    with (
        console.status("Writing the examples"),
        read_orders(orders, mapping=mapping, currency=currency, until=until, refuse=_refuse) as read,
    ):
        try:
            written = write_examples(
                read.connection,
                until=read.until,
                train=out / "train" / "orders.csv",
                test=out / "test" / "orders.csv",
                scratch=read.scratch,
                horizon_days=horizon,
            )
        except TooLittleHistory as problem:
            _refuse(f"--orders: {problem}")
    if read.rows.rejected:
        rejected = f"{count(read.rows.rejected)} of {count(read.rows.read)} rows were rejected"
        console.print(f"{rejected}: {reasons_of(read.rows)}")
    console.print(_said(written))
    prepared = prepare(out, champion)
    from winback.aws import sdk_jobs  # noqa: PLC0415 botocore comes with the SDK

    try:
        result = sdk_jobs.train(
            "churn",
            code=prepared.code,
            channels=prepared.channels,
            hyperparameters={"horizon": horizon},
            place=sdk_jobs.Place(role, bucket, instance_type),
            target=out / _ARCHIVE,
        )
    except sdk_jobs.JobFailed as failure:
        console.print(f"[bold red]winback churn train[/bold red]: {escape(str(failure))}", soft_wrap=True)
        raise typer.Exit(1) from None
    typer.echo(judged(result.archive, out / "model"))
    console.print(f"Job {result.job}; its model: {result.archive}, unpacked in {out / 'model'}", soft_wrap=True)


def sdk_installed() -> bool:
    return find_spec("sagemaker") is not None


def prepare(out: Path, champion: Path | None) -> Prepared:
    """The scripts as script mode takes them, and the folders of the channels. The examples are in `out` already."""
    import ml  # noqa: PLC0415
    from ml.archive import pack  # noqa: PLC0415 numpy

    scripts = out / "code"
    scripts.mkdir()
    for script in (*(Path(str(ml.__file__)).parent / "churn").glob("*.py"), *ml.SHARED_CODE):
        shutil.copy(script, scripts)
    code = out / "sourcedir.tar.gz"
    code.write_bytes(pack(scripts))
    channels = {"train": out / "train", "test": out / "test"}
    if champion is not None:
        channels[CHAMPION] = out / CHAMPION
        channels[CHAMPION].mkdir()
        shutil.copy(champion, channels[CHAMPION] / _ARCHIVE)
    return Prepared(code, channels)


def judged(archive: Path, folder: Path) -> str:
    """Unpacks the model and says what its evaluation says, and what may be done with it."""
    from winback.aws.models import Archive  # noqa: PLC0415
    from winback.aws.trainings import unpack  # noqa: PLC0415

    unpack(archive, folder)
    evaluation = Archive(archive.read_bytes()).evaluation
    if evaluation is None:
        return "The model was not judged: it has no evaluation.json."
    return "\n".join((*_table(evaluation), "", *_hand_over(archive, evaluation)))


def _table(evaluation: Evaluation) -> Iterator[str]:
    from ml.churn.card import NAMES_OF_FORECASTS  # noqa: PLC0415 scikit-learn

    names = {**NAMES_OF_FORECASTS, CHAMPION: "the champion"}
    metric, served = evaluation.metric.replace("_", " "), names.get(evaluation.serves, evaluation.serves)
    yield f"{evaluation.model_id}: serves {served}, trained on {count(evaluation.trained_on.rows)} rows"
    yield f"  {metric} {evaluation.value:.4f} on {count(evaluation.test.rows)} customers of the newest period"
    slope = evaluation.calibration_slope
    if slope is not None:
        yield f"  calibration slope {slope:.2f}"
    yield f"  {'against':28}{metric:>9}  served - this (95 %)"
    for name, found in evaluation.against.items():
        theirs = f"{found.value:.4f}" if found.value is not None else ""
        gap = f"{found.difference:+.4f} ({found.low:+.4f} to {found.high:+.4f})"
        yield f"  {names.get(name, name):28}{theirs:>9}  {gap}  {_verdict(found, evaluation)}"


def _verdict(found: Comparison, evaluation: Evaluation) -> str:
    if found.better:
        return "better"
    return "worse" if found.worse(higher_is_better=evaluation.higher_is_better) else "not shown"


def _hand_over(archive: Path, evaluation: Evaluation) -> Iterator[str]:
    yield "It serves nobody: only the training workflow promotes, what it trained on all accounts and found better."
    yield "To put this one in service by hand all the same (docs/runbook.md, Models), keep it and name it:"
    kept = f"s3://winback-STAGE-models-ACCOUNT-REGION/churn/models/{evaluation.model_id}/{_ARCHIVE}"
    yield f"  aws s3 cp {archive} {kept}"
    request = f'{{"revert": true, "kind": "churn", "model_id": "{evaluation.model_id}"}}'
    yield f"  aws stepfunctions start-execution --state-machine-arn ARN-OF-winback-STAGE-train --input '{request}'"


def _said(written: Written) -> str:
    cuts = f"{len(written.cuts.train)} cuts; the test's is {written.cuts.test:%Y-%m-%d}"
    return f"{count(written.train_rows)} rows to train on, {count(written.test_rows)} to judge by ({cuts})"
