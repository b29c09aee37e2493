"""The recorder's process: SES v2 at `/v2/email/`, AWS End User Messaging at `/`, what goes to webhooks anywhere, and
`/_control/` for whoever drives it (local/mail/client.py).

Run by `make up`; serves 127.0.0.1 alone. Its AWS credentials and endpoint come from the environment.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import httpx
import typer

from local.mail import hooks, texts
from local.mail.correspondence import Correspondence
from local.mail.hooks import Hooks
from local.mail.messages import Message
from local.mail.recipients import Kind, Rates, Reaction
from local.mail.ses import Answer, Fault, Mailbox, Sending, error_answer, needed_permission
from local.mail.texts import TextBox
from local.permissions import AccessDenied, Permissions, permissions_of_the_environment
from local.place import ACCESS_KEY, ACCOUNT, REGION
from winback.instants import format_instant, parse_instant

_BATCH = 10  # most entries of one PublishBatch
_TICK_SECONDS = 0.5
_ARNS = f"arn:aws:ses:{REGION}:{ACCOUNT}"
_TEXT_ARNS = f"arn:aws:sms-voice:{REGION}:{ACCOUNT}"
_TOPIC_ARNS = f"arn:aws:sns:{REGION}:{ACCOUNT}"


class Recorder:
    """Mailbox, correspondence and the file of everything sent, behind one `handle`."""

    def __init__(
        self, correspondence: Correspondence, mailbox: Mailbox, texts: TextBox, permissions: Permissions, record: Path
    ) -> None:
        self.correspondence, self.mailbox, self.texts, self.hooks = correspondence, mailbox, texts, Hooks()
        self._permissions, self._record = permissions, record

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        authorization, operation = headers.get("Authorization", ""), headers.get("X-Amz-Target", "")
        if operation.startswith(texts.TARGET):
            return self._text(operation, authorization, body)
        if hooks.ID in headers:
            return Answer(self.hooks.take(target, headers, body), {})
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        if not parts.path.startswith("/_control/"):
            try:
                self._permissions.check(authorization, *needed_permission(method, parts.path, body, arns=_ARNS))
            except AccessDenied as denied:
                return error_answer("AccessDeniedException", str(denied))
            return self.mailbox.handle(method, parts.path, query, body)
        try:
            return self._control(method, parts.path.removeprefix("/_control/"), query, json.loads(body or b"{}"))
        except (KeyError, TypeError, ValueError) as error:
            return Answer(400, {"error": {"code": "invalid_request", "message": f"{type(error).__name__}: {error}"}})

    def _text(self, operation: str, authorization: str, body: bytes) -> Answer:
        try:
            self._permissions.check(authorization, *texts.needed_permission(operation, body, arns=_TEXT_ARNS))
        except AccessDenied as denied:
            return Answer(400, {"__type": "AccessDeniedException", "Message": str(denied)})
        return Answer(*self.texts.handle(operation, body))

    def record(self, message: Message) -> None:
        with self._record.open("a") as file:
            file.write(json.dumps(shown(message)) + "\n")

    def _control(self, method: str, name: str, query: dict[str, str], payload: dict[str, Any]) -> Answer:
        correspondence = self.correspondence
        match method, name:
            case "GET", "health":
                return Answer(200, {"state": "ready"})
            case "POST", "clock":
                correspondence.set_clock(parse_instant(payload["now"]) if payload["now"] else None)
                return Answer(200, {"now": format_instant(correspondence.now())})
            case "POST", "advance":
                emitted = correspondence.advance(parse_instant(payload["now"]))
                return Answer(200, {"emitted": emitted, "pending": correspondence.pending()[0]})
            case "POST", "recipients":
                correspondence.rates = Rates(**payload.get("rates", {}))
                correspondence.seed = int(payload["seed"])
                return Answer(200, {"seed": correspondence.seed, "rates": asdict(correspondence.rates)})
            case "POST", "faults":
                self.mailbox.inject([Fault(int(one["call"]), one["kind"]) for one in payload["faults"]])
                return Answer(200, {})
            case "GET", "messages":
                return Answer(200, {"messages": self._messages(query)})
            case "GET", "texts":
                return Answer(200, {"texts": self.texts.shown()})
            case "POST", "text-answer":
                self.texts.answer(payload["number"], payload["text"], payload.get("message_id"))
                return Answer(200, {})
            case "GET", "hooks":
                return Answer(200, {"requests": self.hooks.shown()})
            case "POST", "hook-answers":
                self.hooks.answer_with([int(status) for status in payload["statuses"]])
                return Answer(200, {})
            case "GET", "counts":
                return Answer(200, self._counts())
        return Answer(404, {"error": {"code": "not_found", "message": f"{method} /_control/{name}"}})

    def _messages(self, query: dict[str, str]) -> list[dict[str, Any]]:
        found = [
            message
            for message in list(self.mailbox.messages)
            if query.get("send_id") in (None, message.send_id) and query.get("to") in (None, *message.destination)
        ]
        start = int(query.get("offset", "0"))
        return [shown(message) for message in found[start : start + int(query.get("limit", "1000"))]]

    def _counts(self) -> dict[str, Any]:
        messages = list(self.mailbox.messages)
        per_send = Counter(message.send_id for message in messages)
        pending, due = self.correspondence.pending()
        return {
            "messages": len(messages),
            "sends": len(per_send),
            "sent_twice": sorted(send for send, count in per_send.items() if count > 1)[:100],
            "throttled": self.mailbox.throttled,
            "suppressed": len(self.mailbox.suppressed),
            "emitted": dict(self.correspondence.emitted),
            "refused_visits": {str(status): n for status, n in self.correspondence.refused_visits.items()},
            "pending": pending,
            "next_due": format_instant(due) if due else None,
            "now": format_instant(self.correspondence.now()),
        }


def shown(message: Message) -> dict[str, Any]:
    body = asdict(message)
    return {**body, "sent_at": format_instant(message.sent_at), "send_id": message.send_id}


class Handler(BaseHTTPRequestHandler):
    """Bytes to `Recorder.handle` and back."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # header and body go out in two writes

    def __init__(self, recorder: Recorder, *arguments: Any) -> None:
        self._recorder = recorder
        super().__init__(*arguments)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self._recorder.handle(self.command, self.path, dict(self.headers.items()), body)
        if answer.drop:
            self.close_connection = True
            return
        content = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """One line a request would fill the disk; what was sent is in the record."""


def publisher(topic: str) -> Any:
    """Publishes events to the topic of this name, as AWS's services do."""
    sns: Any = boto3.client("sns")
    arn = f"{_TOPIC_ARNS}:{topic}"

    def publish(events: list[dict[str, Any]]) -> None:
        for start in range(0, len(events), _BATCH):
            batch = events[start : start + _BATCH]
            entries = [{"Id": str(number), "Message": json.dumps(one)} for number, one in enumerate(batch)]
            answer = sns.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries)
            if answer.get("Failed"):
                raise RuntimeError(f"topic {topic} refused {len(answer['Failed'])} events: {answer['Failed'][0]}")

    return publish


def visitor(client: httpx.Client) -> Any:
    def visit(reaction: Reaction) -> int:
        headers = {"User-Agent": reaction.user_agent or "Mozilla/5.0 (one-click)"}
        if reaction.kind is Kind.UNSUBSCRIBE:
            return client.post(reaction.link, data={"List-Unsubscribe": "One-Click"}, headers=headers).status_code
        return client.get(reaction.link, headers=headers).status_code

    return visit


def build(sending: Sending, *, topic: str, text_topics: Mapping[str, str], record: Path) -> Recorder:
    """`text_topics`: of events of texts (`texts`) and of what customers answer (`text-answers`)."""
    holder: list[Recorder] = []

    def accepted(message: Message) -> None:
        holder[0].record(message)
        holder[0].correspondence.accept(message)

    def current() -> datetime:
        return holder[0].correspondence.now()

    mailbox = Mailbox(sending, now=current, ticks=time.monotonic, accepted=accepted)
    correspondence = Correspondence(
        publish=publisher(topic),
        visit=visitor(httpx.Client(timeout=30)),
        suppress=lambda message, reason: mailbox.suppress(message.destination[0], reason, message.tenant),
        is_suppressed=lambda message: mailbox.is_suppressed(message.destination[0], message.tenant),
        account=ACCOUNT,
        region=REGION,
    )
    record.touch(mode=0o600)
    permissions = permissions_of_the_environment(ACCESS_KEY, time.monotonic)
    publishers = {kind: publisher(name) for kind, name in text_topics.items()}
    text_box = TextBox(now=current, emit=lambda kind, events: publishers[kind](events))
    holder.append(Recorder(correspondence, mailbox, text_box, permissions, record))
    return holder[0]


def _live(correspondence: Correspondence) -> None:
    """Real time: recipients react while nobody drives. A refused batch stays due and is tried again."""
    while True:
        time.sleep(_TICK_SECONDS)
        try:
            correspondence.tick()
        except Exception as error:  # noqa: BLE001 the emulator may be starting or ending; the next tick repeats it
            print(f"events not delivered yet: {type(error).__name__}: {error}", flush=True)


def main(
    port: Annotated[int, typer.Option()],
    record: Annotated[Path, typer.Option()],
    topic: Annotated[str, typer.Option(help="of the events of mails")],
    configuration_set: Annotated[list[str], typer.Option()],
    identity: Annotated[list[str], typer.Option()],
    text_topic: Annotated[str, typer.Option(help="of the events of texts")] = "texts",
    text_answer_topic: Annotated[str, typer.Option(help="of what customers text back")] = "text-answers",
    rate: Annotated[float, typer.Option(help="messages a second")] = 14,
    daily: Annotated[int, typer.Option(help="messages in 24 hours")] = 50_000,
) -> None:
    sending = Sending(frozenset(configuration_set), frozenset(identity), max_send_rate=rate, max_24_hour_send=daily)
    recorder = build(
        sending, topic=topic, text_topics={"texts": text_topic, "text-answers": text_answer_topic}, record=record
    )
    threading.Thread(target=_live, args=(recorder.correspondence,), daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, recorder))
    server.daemon_threads = True
    print(f"SES v2 recorder on 127.0.0.1:{port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    typer.run(main)
