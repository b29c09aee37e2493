"""The models bucket: each kind's champion, every version that was kept, and what a model archive says of itself.

`{kind}/champion/model.tar.gz` is what a deployment of the endpoint serves; `{kind}/models/{model_id}/model.tar.gz` is
what a promotion serves, and never changes once it is written.
"""

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from winback.predictions.kinds import Kind
from winback.predictions.promotion import Evaluation, read_evaluation

ARCHIVE = "model.tar.gz"
_MOST_BYTES = 20_000_000  # of one JSON member


class UnknownModel(LookupError):
    """No archive of that model is kept."""


@dataclass(frozen=True)
class Archive:
    """One model.tar.gz. Reading it runs none of its content."""

    content: bytes

    def read_json(self, name: str) -> Any | None:
        """A member at the archive's root; None when there is none. Raises ValueError when it is no JSON."""
        with tarfile.open(fileobj=io.BytesIO(self.content)) as packed:
            for entry in packed:
                if entry.name.removeprefix("./") != name:
                    continue
                source = packed.extractfile(entry)
                if source is None or entry.size > _MOST_BYTES:
                    raise ValueError(f"{name} of the archive is no file of at most {_MOST_BYTES} bytes")
                return json.loads(source.read())
        return None

    @property
    def evaluation(self) -> Evaluation | None:
        """None for a model that was never judged. Raises UnreadableEvaluation."""
        found = self.read_json("evaluation.json")
        return read_evaluation(found) if found is not None else None

    @property
    def model_id(self) -> str:
        """As its evaluation or its model.json says; else from its bytes."""
        for name in ("evaluation.json", "model.json"):
            found = self.read_json(name)
            if isinstance(found, dict) and found.get("model_id"):
                return str(found["model_id"])
        return f"model-{hashlib.sha256(self.content).hexdigest()[:12]}"


def champion_prefix(kind: Kind) -> str:
    return f"{kind}/champion/"


def champion_key(kind: Kind) -> str:
    return f"{champion_prefix(kind)}{ARCHIVE}"


def kept_key(kind: Kind, model_id: str) -> str:
    return f"{kind}/models/{model_id}/{ARCHIVE}"


class ModelBucket:
    def __init__(self, bucket: str, s3: Any) -> None:
        self.bucket, self._s3 = bucket, s3

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def champion(self, kind: Kind) -> Archive | None:
        return self._find(champion_key(kind))

    def kept(self, kind: Kind, model_id: str) -> Archive:
        """Raises UnknownModel."""
        found = self._find(kept_key(kind, model_id))
        if found is None:
            raise UnknownModel(f"{kind}/models/{model_id}/ holds no {ARCHIVE}: only a kept model can be promoted")
        return found

    def keep(self, kind: Kind, archive: Archive) -> str:
        """Returns its model id. A version that is kept already stays as it is."""
        model_id = archive.model_id
        try:
            self._s3.put_object(Bucket=self.bucket, Key=kept_key(kind, model_id), Body=archive.content, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict", "412"):
                raise
        return model_id

    def crown(self, kind: Kind, model_id: str) -> None:
        """Writes the champion key from the kept version; again, the same bytes."""
        self._s3.put_object(Bucket=self.bucket, Key=champion_key(kind), Body=self.kept(kind, model_id).content)

    def _find(self, key: str) -> Archive | None:
        """Whoever may not list the whole bucket may be told AccessDenied of an object that is not there
        (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html): a role needs to list the key's prefix."""
        try:
            return Archive(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "NoSuchKey" or (code == "AccessDenied" and not self._is_there(key)):
                return None
            raise

    def _is_there(self, key: str) -> bool:
        return bool(self._s3.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1).get("KeyCount", 0))
