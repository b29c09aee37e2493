"""Compiles a template once for a channel and language; the result renders a message per recipient (budget: 200 µs)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from liquid import BoundTemplate

from winback.accounts.channels import ChannelName
from winback.delivery.messages.checks import problems_of
from winback.delivery.messages.liquid_language import HTML, PLAIN
from winback.delivery.messages.mjml import to_html, to_text
from winback.delivery.messages.templates import InvalidTemplate, Template
from winback.delivery.messages.values import (
    DataMessage,
    EmailMessage,
    Message,
    MessageValues,
    PushMessage,
    RenderingFailed,
    SmsMessage,
)

_BREAKS = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]+")  # a header is one line, whatever a name holds
_BLANK_LINES = re.compile(r"\n{3,}")
_UNSUBSCRIBE_LINK = re.compile(r"""(href=["']\{\{-?\s*unsubscribe_url\s*-?\}\})""")


class CompiledTemplate(Protocol):
    """`name` and `language` of the template that it was made of."""

    @property
    def name(self) -> str: ...

    @property
    def language(self) -> str: ...

    def render(self, values: MessageValues) -> Message:
        """Raises RenderingFailed, which tells nothing of the values."""
        ...


@dataclass(frozen=True)
class CompiledEmail:
    name: str
    language: str
    _subject: BoundTemplate
    _html: BoundTemplate
    _text: BoundTemplate

    def render(self, values: MessageValues) -> EmailMessage:
        """Raises RenderingFailed, also when a condition swallowed the unsubscribe link."""
        names = values.as_liquid()
        subject = one_line(_rendered(self.name, self._subject, names))
        html = _rendered(self.name, self._html, names)
        text = _rendered(self.name, self._text, names)
        if not subject:
            raise RenderingFailed(f"template {self.name!r}: the subject came out empty")
        if values.unsubscribe_url not in html or values.unsubscribe_url not in text:
            raise RenderingFailed(f"template {self.name!r}: a part came out without the unsubscribe link")
        return EmailMessage(subject=subject, html=html, text=_BLANK_LINES.sub("\n\n", text))


@dataclass(frozen=True)
class CompiledSms:
    name: str
    language: str
    _text: BoundTemplate

    def render(self, values: MessageValues) -> SmsMessage:
        text = one_line(_rendered(self.name, self._text, values.as_liquid()))
        if not text:
            raise RenderingFailed(f"template {self.name!r}: the text message came out empty")
        return SmsMessage(text)


@dataclass(frozen=True)
class CompiledPush:
    name: str
    language: str
    _title: BoundTemplate
    _body: BoundTemplate

    def render(self, values: MessageValues) -> PushMessage:
        names = values.as_liquid()
        title, body = (one_line(_rendered(self.name, part, names)) for part in (self._title, self._body))
        if not title or not body:
            raise RenderingFailed(f"template {self.name!r}: the title or the body came out empty")
        return PushMessage(title, body, values.shop_url)


@dataclass(frozen=True)
class CompiledData:
    name: str
    language: str
    _parts: Mapping[str, BoundTemplate]

    def render(self, values: MessageValues) -> DataMessage:
        names = values.as_liquid()
        return DataMessage({part: _rendered(self.name, made, names).strip() for part, made in self._parts.items()})


def compile_template(
    template: Template, channel: str = ChannelName.EMAIL, locale: str | None = None, *, fallback: str | None = None
) -> CompiledTemplate:
    """For readers of `locale` (BCP 47; `fallback`: the account's), in the language that the template has for them.

    Raises InvalidTemplate with every problem, also when the template has no parts of that channel. Keep what comes
    out, one for each `template.language_for(channel, locale, fallback)`.

    The unsubscribe link is kept out of click tracking: leaving is no engagement, and the link stays readable
    (https://docs.aws.amazon.com/ses/latest/dg/faqs-metrics.html, `ses:no-track`, which SES removes).
    """
    problems = problems_of(template, channel)
    if problems:
        raise InvalidTemplate(template.name, problems)
    language = template.language_for(channel, locale, fallback)
    parts = template.parts_in(language)
    match ChannelName(channel):
        case ChannelName.EMAIL:
            assert parts.subject is not None and parts.mjml is not None  # noqa: PT018 (problems_of saw to it)
            return CompiledEmail(
                name=template.name,
                language=language,
                _subject=PLAIN.from_string(parts.subject),
                _html=HTML.from_string(_UNSUBSCRIBE_LINK.sub(r"ses:no-track \1", to_html(parts.mjml))),
                _text=PLAIN.from_string(to_text(parts.mjml) if parts.text is None else parts.text),
            )
        case ChannelName.SMS:
            return CompiledSms(template.name, language, PLAIN.from_string(parts.sms or ""))
        case ChannelName.PUSH:
            title, body = (PLAIN.from_string(part or "") for part in (parts.push_title, parts.push_body))
            return CompiledPush(template.name, language, title, body)
        case ChannelName.CALL:
            return CompiledData(template.name, language, {"script": PLAIN.from_string(parts.call or "")})
        case ChannelName.WEBHOOK:
            shown = ("subject", "text", "sms", "push_title", "push_body", "call")
            sources = {part: getattr(parts, part) for part in shown}
            if parts.text is None and parts.mjml is not None:
                sources["text"] = to_text(parts.mjml)
            made = {part: PLAIN.from_string(source) for part, source in sources.items() if source is not None}
            return CompiledData(template.name, language, made)


def _rendered(name: str, template: BoundTemplate, names: Mapping[str, object]) -> str:
    try:
        return template.render(names)
    except Exception as error:  # noqa: BLE001 (filters raise whatever Python does about a value: 'inf', a year 99999)
        # By its class only and without its cause: their messages quote the value, which may be a name.
        raise RenderingFailed(f"template {name!r}: {type(error).__name__}") from None


def one_line(text: str) -> str:
    """Text for a header: no line breaks or control characters, so that nothing can add a header of its own."""
    return _BREAKS.sub(" ", text).strip()
