"""The queue between feeder and sender."""

from collections.abc import Sequence
from typing import Any

from winback.aws.clients import quick
from winback.delivery.release import Release

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
_BATCH = 10


class QueueRefused(RuntimeError):
    """SQS did not take all messages of a batch. The caller starts over: a message twice is harmless."""


class SendsQueue:
    def __init__(self, url: str, client: Any = None) -> None:
        self._url = url
        self._sqs: Any = client or quick("sqs")

    def put(self, releases: Sequence[tuple[Release, int]]) -> None:
        """Each becomes visible after its seconds. Returns once all are in the queue; raises QueueRefused otherwise."""
        for start in range(0, len(releases), _BATCH):
            entries = [
                {"Id": str(place), "MessageBody": release.to_json(), "DelaySeconds": delay}
                for place, (release, delay) in enumerate(releases[start : start + _BATCH])
            ]
            answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
            if answer.get("Failed"):
                codes = sorted({failure["Code"] for failure in answer["Failed"]})
                raise QueueRefused(f"{len(answer['Failed'])} of {len(entries)} messages: {', '.join(codes)}")
