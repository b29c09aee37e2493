"""The models that a new deployment starts with, and the sample request that every endpoint is asked when it moves."""

import importlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from local.endpoints import Container
from ml.contract import Rejection
from ml.offer import bootstrap as offer
from ml.send_time import bootstrap as send_time
from winback.predictions.kinds import Kind
from winback.predictions.probes import answered_model, probe_request
from winback.predictions.requests import InvalidAnswer

BUILDS = {Kind.OFFER: offer.build, Kind.SEND_TIME: send_time.build}


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as packed:
        read = {entry.name: packed.extractfile(entry) for entry in packed}
        return {name: content.read() for name, content in read.items() if content is not None}


def asked(archive: Path, kind: Kind, folder: Path) -> dict[str, Any]:
    """The answer of the archive's own script to the sample request."""
    container = Container(f"first-{kind}", archive, folder)
    status, body, _ = container.transform(probe_request(kind), "application/json", "application/json")
    assert status == 200, body
    answer: dict[str, Any] = json.loads(body)
    assert answered_model(body) == answer["model_id"]
    return answer


@pytest.mark.parametrize("kind", BUILDS)
def test_a_first_model_is_the_same_bytes_each_time_and_holds_no_pickle(kind: Kind, tmp_path: Path) -> None:
    first, second = BUILDS[kind](tmp_path / "a"), BUILDS[kind](tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    names = members(first)
    assert {"model.json", "evaluation.json", "code/inference.py", "code/contract.py"} <= names.keys()
    assert all(name.endswith((".json", ".py")) for name in names)


@pytest.mark.parametrize("kind", BUILDS)
def test_a_first_model_answers_the_sample_request_by_its_own_code(kind: Kind, tmp_path: Path) -> None:
    archive = BUILDS[kind](tmp_path)
    assert asked(archive, kind, tmp_path)["model_id"] == json.loads(members(archive)["evaluation.json"])["model_id"]


def test_the_first_offer_model_claims_to_know_no_offer(tmp_path: Path) -> None:
    (row,) = asked(offer.build(tmp_path), Kind.OFFER, tmp_path)["rows"]
    assert set(row["arms"].values()) == {None}


def test_the_first_send_times_are_the_shipped_prior(tmp_path: Path) -> None:
    (row,) = asked(send_time.build(tmp_path), Kind.SEND_TIME, tmp_path)["rows"]
    assert row["base"] == "prior"
    assert len(row["best_hours"]) == 6


@pytest.mark.parametrize("kind", Kind)
def test_every_kinds_script_takes_its_sample_request(kind: Kind) -> None:
    script = importlib.import_module(f"ml.{kind}.inference")
    assert not isinstance(script.input_fn(probe_request(kind), "application/json"), Rejection)


def test_an_answer_without_a_model_is_no_answer() -> None:
    with pytest.raises(InvalidAnswer):
        answered_model(b'{"rows": []}')
