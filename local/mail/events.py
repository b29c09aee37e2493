"""SES's events as it publishes them to a topic of SNS.

Shapes: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import uuid
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from local.mail.messages import Message
from local.mail.recipients import Kind, Reaction

_NAMESPACE = uuid.UUID("3f0a3c1e-6d0b-4b8f-9d83-6b9a3f0f8a52")
_RETRIES_FOR = timedelta(hours=14)  # how long SES tries
_HUMAN_IP, _MACHINE_IP = "203.0.113.7", "198.51.100.9"  # documentation ranges, RFC 5737


def event(message: Message, reaction: Reaction, at: datetime, *, account: str, region: str) -> dict[str, Any]:
    """The event of one reaction `at` a moment; the same whenever it is built again."""
    mail = _mail(message, account=account, region=region)
    return {"eventType": str(reaction.kind), "mail": mail, **_particulars(message, reaction, at)}


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _mail(message: Message, *, account: str, region: str) -> dict[str, Any]:
    headers = [("From", message.source), ("To", ", ".join(message.destination)), ("Subject", message.subject)]
    headers += [*message.headers, ("MIME-Version", "1.0")]
    domain = parseaddr(message.source)[1].rpartition("@")[2]
    system_tags = {
        "ses:source-tls-version": ["TLSv1.3"],
        "ses:operation": ["SendEmail"],
        "ses:configuration-set": [message.configuration_set],
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": [domain],
        "ses:caller-identity": ["winback-local-sender"],
    }
    return {
        "timestamp": _instant(message.sent_at),
        "source": message.source,
        "sourceArn": f"arn:aws:ses:{region}:{account}:identity/{domain}",
        "sendingAccountId": account,
        "messageId": message.message_id,
        "destination": list(message.destination),
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers],
        "commonHeaders": {
            "from": [message.source],
            "to": list(message.destination),
            "messageId": message.message_id,
            "subject": message.subject,
        },
        "tags": {**system_tags, **{name: [value] for name, value in message.tags.items()}},
    }


def _particulars(message: Message, reaction: Reaction, at: datetime) -> dict[str, Any]:
    address, moment = message.destination[0], _instant(at)
    machine = "compatible;" in reaction.user_agent or "GoogleImageProxy" in reaction.user_agent
    seen = {
        "timestamp": moment,
        "ipAddress": _MACHINE_IP if machine or reaction.user_agent == "Mozilla/5.0" else _HUMAN_IP,
        "userAgent": reaction.user_agent,
    }
    match reaction.kind:
        case Kind.DELIVERY:
            took = int(reaction.after.total_seconds() * 1000)
            delivered = {
                "processingTimeMillis": took,
                "recipients": [address],
                "smtpResponse": "250 2.6.0 Message received",
            }
            return {"delivery": {"timestamp": moment, **delivered, "reportingMTA": "a8-70.smtp-out.amazonses.com"}}
        case Kind.DELIVERY_DELAY:
            delayed = [
                {"emailAddress": address, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 try again later"}
            ]
            delay = {"timestamp": moment, "delayType": "TransientCommunicationFailure", "delayedRecipients": delayed}
            return {"deliveryDelay": {**delay, "expirationTime": _instant(message.sent_at + _RETRIES_FOR)}}
        case Kind.BOUNCE:
            permanent = reaction.bounce_type == "Permanent"
            status, why = ("5.1.1", "550 5.1.1 user unknown") if permanent else ("4.2.2", "452 4.2.2 mailbox full")
            failed = {"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": f"smtp; {why}"}
            kind = {"bounceType": reaction.bounce_type, "bounceSubType": reaction.bounce_sub_type}
            source = {"feedbackId": _feedback_id(message), "reportingMTA": "dsn; mta.example.com"}
            return {"bounce": {**kind, "bouncedRecipients": [failed], "timestamp": moment, **source}}
        case Kind.COMPLAINT:
            by = {"complainedRecipients": [{"emailAddress": address}], "complaintFeedbackType": "abuse"}
            return {
                "complaint": {"timestamp": moment, "feedbackId": _feedback_id(message), **by, "arrivalDate": moment}
            }
        case Kind.REJECT:
            return {"reject": {"reason": "Bad content"}}
        case Kind.RENDERING_FAILURE:
            return {
                "failure": {
                    "errorMessage": "Attribute 'name' is not present in the rendering data.",
                    "templateName": "",
                }
            }
        case Kind.OPEN:
            return {"open": seen}
        case Kind.CLICK:
            return {"click": {**seen, "link": reaction.link, "linkTags": None}}
    raise ValueError(f"{reaction.kind} is no SES event")


def _feedback_id(message: Message) -> str:
    return f"0100{uuid.uuid5(_NAMESPACE, message.message_id)}-000000"
