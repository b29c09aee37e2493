"""Messages: templates in Liquid and MJML, checked when saved, compiled once, rendered per recipient."""

from winback.delivery.messages.templates import (
    InvalidTemplate,
    Parts,
    Problem,
    Template,
    UnknownTemplate,
    check_template,
    resolve_template,
    shipped_templates,
)
from winback.delivery.messages.values import (
    DataMessage,
    EmailMessage,
    Message,
    MessageValues,
    OfferValues,
    Percent,
    PushMessage,
    RenderingFailed,
    SmsMessage,
    Utm,
)

__all__ = [
    "DataMessage",
    "EmailMessage",
    "InvalidTemplate",
    "Message",
    "MessageValues",
    "OfferValues",
    "Parts",
    "Percent",
    "Problem",
    "PushMessage",
    "RenderingFailed",
    "SmsMessage",
    "Template",
    "UnknownTemplate",
    "Utm",
    "check_template",
    "resolve_template",
    "shipped_templates",
]
