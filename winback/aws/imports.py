"""Imports in the campaigns table, and the presigned upload of their files."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.documents import to_item
from winback.aws.lake import upload_key
from winback.aws.tables import Item, conditionally, query_all
from winback.identifiers import AccountId, ImportId
from winback.imports.jobs import ImportJob, ImportState, Outcome
from winback.instants import format_instant

LARGEST_UPLOAD_BYTES = 1024**3
UPLOAD_SECONDS = 3600


class UnknownImport(LookupError):
    """The account has no import of that id."""


class ImportStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def create(self, job: ImportJob) -> None:
        body = to_item(job)
        self._table.put_item(
            Item={**keys.import_job(job.account_id, job.import_id), **body},
            ConditionExpression="attribute_not_exists(pk)",
        )

    def get(self, account_id: AccountId, import_id: str) -> ImportJob:
        answer = self._table.get_item(Key=keys.import_job(account_id, import_id), ConsistentRead=True)
        if "Item" not in answer:
            raise UnknownImport("this account has no such import")
        return _job(answer["Item"])

    def of_account(self, account_id: AccountId) -> Iterator[ImportJob]:
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.import_job(account_id, "")["pk"]},
        )
        return (_job(row) for row in rows)

    def start(self, job: ImportJob, etag: str) -> bool:
        """The job is processing the object of that ETag now (also when an earlier attempt had started on it).

        False when it is over already, or reads another object: a form lets its holder upload more than once.
        """
        changes = {"state": ImportState.PROCESSING.value, "etag": etag}
        return self._move(job, changes, "(attribute_not_exists(etag) OR etag = :etag)")

    def finish(self, job: ImportJob, outcome: Outcome, rejects_key: str | None, now: datetime) -> bool:
        """False when another attempt was faster."""
        return self._move(
            job,
            {
                "state": ImportState.FINISHED.value,
                "finished_at": format_instant(now),
                **outcome.model_dump(),
                **({"rejects_key": rejects_key} if rejects_key else {}),
            },
        )

    def fail(self, job: ImportJob, reason: str, now: datetime) -> bool:
        """The file cannot be read; trying again would not help. False when another attempt was faster."""
        ended = {"state": ImportState.FAILED.value, "finished_at": format_instant(now), "reason": reason}
        return self._move(job, ended)

    def _move(self, job: ImportJob, changes: dict[str, Any], also: str = "") -> bool:
        names = {f"#{name}": name for name in ("state", *changes)}
        values = {f":{name}": value for name, value in changes.items()}
        return conditionally(
            self._table.update_item,
            Key=keys.import_job(job.account_id, job.import_id),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
            ConditionExpression="#state IN (:awaiting, :processing)" + (f" AND {also}" if also else ""),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={
                **values,
                ":awaiting": ImportState.AWAITING_UPLOAD.value,
                ":processing": ImportState.PROCESSING.value,
            }
            | values,
        )


def _job(item: Item) -> ImportJob:
    body = {name: value for name, value in item.items() if name in ImportJob.model_fields}
    if "read" in item:
        body["outcome"] = {name: item[name] for name in Outcome.model_fields}
    return ImportJob.model_validate(body)


def presign_upload(client: Any, bucket: str, account_id: AccountId, import_id: ImportId) -> dict[str, Any]:
    """A form that lets its holder put this one object, of at most `LARGEST_UPLOAD_BYTES`, within `UPLOAD_SECONDS`.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
    """
    form = client.generate_presigned_post(
        bucket,
        upload_key(account_id, import_id),
        Conditions=[["content-length-range", 0, LARGEST_UPLOAD_BYTES]],
        ExpiresIn=UPLOAD_SECONDS,
    )
    return {"method": "POST", "url": form["url"], "fields": form["fields"]}
