"""Messages: templates in Liquid and MJML, checked when saved, compiled once, rendered per recipient."""

from winback.delivery.messages.templates import (
    InvalidTemplate,
    Problem,
    Template,
    UnknownTemplate,
    check_template,
    resolve_template,
    shipped_templates,
)
from winback.delivery.messages.values import Message, MessageValues, RenderingFailed

__all__ = [
    "InvalidTemplate",
    "Message",
    "MessageValues",
    "Problem",
    "RenderingFailed",
    "Template",
    "UnknownTemplate",
    "check_template",
    "resolve_template",
    "shipped_templates",
]
