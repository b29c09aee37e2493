"""Compiles a template once for a channel and language; the result renders a message per recipient (budget: 200 µs)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any, Literal, Protocol, overload

from liquid import BoundTemplate
from liquid.exceptions import LiquidError

from winback.accounts.channels import ChannelName
from winback.delivery.messages.checks import problems_of
from winback.delivery.messages.layout import put_into_layout
from winback.delivery.messages.links import UnsafeLink, host_of, tag_html, tag_text
from winback.delivery.messages.liquid_language import HTML, PLAIN
from winback.delivery.messages.mjml import to_html, to_text
from winback.delivery.messages.templates import BASE_LANGUAGE, InvalidTemplate, Parts, Template
from winback.delivery.messages.values import (
    OPT_OUT,
    DataMessage,
    EmailMessage,
    Message,
    MessageValues,
    PushMessage,
    RenderingFailed,
    SmsMessage,
)
from winback.delivery.messages.words import words_in

_BREAKS = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]+")  # a header is one line, whatever a name holds
_BLANK_LINES = re.compile(r"\n{3,}")
# What would put a whole text message into the short parts of UCS-2, as the signs that the default alphabet has.
_PLAIN_SIGNS = str.maketrans(
    dict.fromkeys("\u2018\u2019", "'")  # quotation marks
    | dict.fromkeys("\u201c\u201d\u201e", '"')
    | dict.fromkeys("\u2013\u2014", "-")  # dashes
    | {"\u2026": "...", "\u00a0": " ", "\u202f": " "}  # an ellipsis, spaces that do not break
)
_TOKEN = re.compile(r"\{\{ ((?:shop|offer)\.\w+) \}\}")
_WITHOUT_BRANCH = r"((?:(?!\{%-?\s*(?:if|unless|case|for|else|elsif|endif)\b).)*)"
_CONDITION = re.compile(
    rf"\{{% if (shop\.\w+|offer(?:\.\w+)?) %\}}{_WITHOUT_BRANCH}(?:\{{% else %\}}{_WITHOUT_BRANCH})?\{{% endif %\}}",
    re.DOTALL,
)
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
    """Written for one shop and offer when the first such message is rendered: what they have in common is read once."""

    name: str
    language: str
    _subject: BoundTemplate
    _html: str
    _text: str

    def render(self, values: MessageValues) -> EmailMessage:
        """Raises RenderingFailed, also when a condition swallowed the unsubscribe link."""
        names = values.as_liquid(self.language)
        subject = one_line(_rendered(self.name, self._subject, names))
        try:
            of_html, of_text = _with_shared(self._html, self._text, _shared(names), bool(names["offer"]["code"]))
        except LiquidError as error:
            raise RenderingFailed(f"template {self.name!r}: {type(error).__name__}") from None
        html = _rendered(self.name, of_html, names)
        text = _rendered(self.name, of_text, names)
        if not subject:
            raise RenderingFailed(f"template {self.name!r}: the subject came out empty")
        if values.unsubscribe_url not in html or values.unsubscribe_url not in text:
            raise RenderingFailed(f"template {self.name!r}: a part came out without the unsubscribe link")
        try:
            html = tag_html(html, host_of(values.shop_url), values.utm, values.unsubscribe_url)
            text = _tagged_text(text, values)
        except UnsafeLink as error:
            raise RenderingFailed(f"template {self.name!r}: {error}") from None
        return EmailMessage(subject=subject, html=html, text=_tidy(text))


@dataclass(frozen=True)
class CompiledSms:
    name: str
    language: str
    _text: BoundTemplate

    def render(self, values: MessageValues) -> SmsMessage:
        own = words_in(self.language) or words_in(BASE_LANGUAGE) or {}
        opt_out = own["reply_stop"] if values.two_way else f"{own['opt_out']} {values.unsubscribe_url}"
        text = _rendered(self.name, self._text, {**values.as_liquid(self.language), OPT_OUT: opt_out})
        text = one_line(text.translate(_PLAIN_SIGNS))
        if not text:
            raise RenderingFailed(f"template {self.name!r}: the text message came out empty")
        return SmsMessage(_tagged_text(text, values))


@dataclass(frozen=True)
class CompiledPush:
    name: str
    language: str
    _title: BoundTemplate
    _body: BoundTemplate

    def render(self, values: MessageValues) -> PushMessage:
        names = values.as_liquid(self.language)
        title, body = (one_line(_rendered(self.name, part, names)) for part in (self._title, self._body))
        if not title or not body:
            raise RenderingFailed(f"template {self.name!r}: the title or the body came out empty")
        return PushMessage(title, body, values.shop_url and _tagged_text(values.shop_url, values))


@dataclass(frozen=True)
class CompiledData:
    name: str
    language: str
    _parts: Mapping[str, BoundTemplate]

    def render(self, values: MessageValues) -> DataMessage:
        """The parts by their names (a call's as `script`), `language`, and the facts of the offer and the products."""
        names = values.as_liquid(self.language)
        parts = {part: _tagged_text(_rendered(self.name, made, names), values) for part, made in self._parts.items()}
        shown = {part: _tidy(text).strip() for part, text in parts.items()}
        return DataMessage({**shown, "language": self.language, **_facts(names)})


@overload
def compile_template(
    template: Template, channel: Literal["email"] = ..., locale: str | None = ..., *, fallback: str | None = ...
) -> CompiledEmail: ...
@overload
def compile_template(
    template: Template, channel: Literal["sms"], locale: str | None = ..., *, fallback: str | None = ...
) -> CompiledSms: ...
@overload
def compile_template(
    template: Template, channel: Literal["push"], locale: str | None = ..., *, fallback: str | None = ...
) -> CompiledPush: ...
@overload
def compile_template(
    template: Template, channel: Literal["webhook", "call"], locale: str | None = ..., *, fallback: str | None = ...
) -> CompiledData: ...
@overload
def compile_template(
    template: Template, channel: str, locale: str | None = ..., *, fallback: str | None = ...
) -> CompiledTemplate: ...
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
    name, parts = template.name, template.parts_in(language)
    match ChannelName(channel):
        case ChannelName.EMAIL:
            html, text = sources_of_email(parts, language)
            tracked = _UNSUBSCRIBE_LINK.sub(r"ses:no-track \1", html)
            return CompiledEmail(name, language, PLAIN.from_string(parts.subject or ""), tracked, text)
        case ChannelName.SMS:
            return CompiledSms(name, language, PLAIN.from_string(parts.sms or ""))
        case ChannelName.PUSH:
            title, body = (PLAIN.from_string(part or "") for part in (parts.push_title, parts.push_body))
            return CompiledPush(name, language, title, body)
        case ChannelName.CALL:
            return CompiledData(name, language, {"script": PLAIN.from_string(parts.call or "")})
        case ChannelName.WEBHOOK:
            sources = {part: getattr(parts, part) for part in ("subject", "text", "push_title", "push_body", "call")}
            if parts.mjml is not None:
                sources["text"] = sources_of_email(parts, language)[1]
            made = {part: PLAIN.from_string(source) for part, source in sources.items() if source is not None}
            return CompiledData(name, language, made)


def sources_of_email(parts: Parts, language: str) -> tuple[str, str]:
    """(HTML, text) with Liquid in them. Raises BrokenBlock and BrokenMarkup."""
    document = put_into_layout(parts.mjml or "", language, parts.preheader)
    return to_html(document), to_text(document) if parts.text is None else parts.text


def _shared(names: Mapping[str, Any]) -> tuple[tuple[str, str | None], ...]:
    """What many recipients' messages have in common, by token: the shop, and the offer but for its code.

    Where a value could be read as Liquid it is left out, and read for each message.
    """
    offer = names["offer"]
    found = [(f"shop.{name}", value) for name, value in names["shop"].items()]
    found += [(f"offer.{name}", offer[name]) for name in ("name", "value", "valid_until")]
    return tuple((token, value) for token, value in (*found, ("offer", offer["name"])) if "{" not in (value or ""))


@lru_cache(maxsize=128)
def _with_shared(
    html: str, text: str, shared: tuple[tuple[str, str | None], ...], has_code: bool
) -> tuple[BoundTemplate, BoundTemplate]:
    """(HTML, text) with those values in them, and the conditions that they decide."""
    known = dict(shared)
    holds = {token: bool(value) for token, value in shared} | {"offer.code": has_code}

    def decided(condition: re.Match[str]) -> str:
        token, then, otherwise = condition.groups()
        return condition.group() if token not in holds else then if holds[token] else otherwise or ""

    def written(source: str, how: Callable[[str], str]) -> str:
        while (shorter := _CONDITION.sub(decided, source)) != source:
            source = shorter
        return _TOKEN.sub(lambda at: how(known[at.group(1)] or "") if at.group(1) in known else at.group(), source)

    return HTML.from_string(written(html, escape)), PLAIN.from_string(written(text, str))


def _facts(names: Mapping[str, Any]) -> dict[str, str]:
    offer, products = names["offer"] or {}, [str(product["name"]) for product in names["recommendations"]]
    facts = {f"offer_{name}": str(value) for name, value in offer.items() if value is not None}
    return {**facts, **({"recommendations": ", ".join(products)} if products else {})}


def _tagged_text(text: str, values: MessageValues) -> str:
    return tag_text(text, host_of(values.shop_url), values.utm, values.unsubscribe_url)


def _rendered(name: str, template: BoundTemplate, names: Mapping[str, Any]) -> str:
    try:
        return template.render(names)
    except Exception as error:  # noqa: BLE001 (filters raise whatever Python does about a value: 'inf', a year 99999)
        # By its class only and without its cause: their messages quote the value, which may be a name.
        raise RenderingFailed(f"template {name!r}: {type(error).__name__}") from None


def _tidy(text: str) -> str:
    """Without the blank lines and the spaces around lines that conditions leave behind."""
    return _BLANK_LINES.sub("\n\n", "\n".join([line.strip() for line in text.split("\n")])).lstrip()


def one_line(text: str) -> str:
    """Text for a header: no line breaks or control characters, so that nothing can add a header of its own."""
    return _BREAKS.sub(" ", text).strip()
