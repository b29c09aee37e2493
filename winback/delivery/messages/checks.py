"""What keeps a template from being sent, each problem with its part and line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from liquid.exceptions import LiquidError

from winback.accounts.channels import ChannelName
from winback.delivery.messages.liquid_language import PLAIN
from winback.delivery.messages.mjml import problems_of_markup, to_text
from winback.delivery.messages.templates import NEEDED, Parts, Problem, Template
from winback.delivery.messages.values import VARIABLES

_BLOCK_TAG = re.compile(r"\{%-?\s*(\w+)")
_BLOCKS = ("if", "unless", "for", "case", "capture", "tablerow", "comment", "raw")
_REQUIRED = {
    "unsubscribe_url": "add a link to {{ unsubscribe_url }}",
    "shop.postal_address": "add {{ shop.postal_address }} to the footer",
}
SUBJECT_MAX_LENGTH = 200


def problems_of(template: Template, channel: str | None = None) -> tuple[Problem, ...]:
    """Of each channel's parts in each language, or of one channel's; line numbers are those of the part."""
    problems: list[Problem] = []
    for place, parts in (("", template), *((f"locales.{tag}.", parts) for tag, parts in template.locales.items())):
        for one in ChannelName if channel is None else (ChannelName(channel),):
            if parts.cover(one):
                problems += (replace(found, part=place + found.part) for found in _PROBLEMS_OF[one](parts))
            elif channel is not None and parts is template:
                missing = [part for part in NEEDED[one] if getattr(parts, part) is None]
                problems += (Problem(part, 1, f"is missing, so there is no {one}", f"write {part}") for part in missing)
    return tuple(problems)


def _problems_of_email(parts: Parts) -> list[Problem]:
    assert parts.subject is not None and parts.mjml is not None  # noqa: PT018 (the parts cover an e-mail)
    problems = [*_problems_of_liquid("subject", parts.subject, ()), *_problems_of_subject(parts.subject)]
    in_mjml = _problems_of_liquid("mjml", parts.mjml, tuple(_REQUIRED)) + problems_of_markup(parts.mjml)
    problems += in_mjml
    if parts.text is not None:
        problems += _problems_of_liquid("text", parts.text, tuple(_REQUIRED))
    elif not in_mjml:
        problems += _problems_of_liquid("text", to_text(parts.mjml), tuple(_REQUIRED))
    return problems


def _problems_of_sms(parts: Parts) -> list[Problem]:
    return _problems_of_liquid("sms", parts.sms or "", ())


def _problems_of_push(parts: Parts) -> list[Problem]:
    return [
        *_problems_of_liquid("push_title", parts.push_title or "", ()),
        *_problems_of_liquid("push_body", parts.push_body or "", ()),
    ]


def _problems_of_call(parts: Parts) -> list[Problem]:
    return _problems_of_liquid("call", parts.call or "", ())


_PROBLEMS_OF: Mapping[ChannelName, Callable[[Parts], list[Problem]]] = {
    ChannelName.EMAIL: _problems_of_email,
    ChannelName.SMS: _problems_of_sms,
    ChannelName.PUSH: _problems_of_push,
    ChannelName.CALL: _problems_of_call,
    ChannelName.WEBHOOK: lambda parts: [],  # noqa: ARG005 (it passes on what the others check)
}


def _problems_of_subject(subject: str) -> list[Problem]:
    problems = []
    if not subject.strip():
        problems.append(Problem("subject", 1, "the subject is empty", "write a few words"))
    if "\n" in subject or "\r" in subject:
        problems.append(Problem("subject", 1, "the subject has more than one line", "write it in one line"))
    if len(subject) > SUBJECT_MAX_LENGTH:
        problems.append(
            Problem("subject", 1, f"the subject has {len(subject)} characters", f"at most {SUBJECT_MAX_LENGTH}")
        )
    return problems


def _problems_of_liquid(part: str, source: str, required: tuple[str, ...]) -> list[Problem]:
    try:
        analysis = PLAIN.from_string(source).analyze()
    except LiquidError as error:
        return [Problem(part, line_of(error, source), str(error.message), "write a complete Liquid tag")]
    used = [(str(variable), variable.span) for uses in analysis.globals.values() for variable in uses]
    problems = [
        Problem(part, _line(source, span.index), f"{name} is not known", f"use one of {', '.join(sorted(VARIABLES))}")
        for name, span in used
        if name not in VARIABLES
    ]
    problems += [
        Problem(part, _line(source, span.index), f"the filter {name} is not known", "use a standard Liquid filter")
        for name, spans in analysis.filters.items()
        if name not in PLAIN.filters
        for span in spans
    ]
    names = {name for name, _ in used}
    last = source.count("\n") + 1
    return problems + [
        Problem(part, last, f"{name} is missing", _REQUIRED[name]) for name in required if name not in names
    ]


def line_of(error: LiquidError, source: str) -> int:
    context = error.context()
    return context[0] if context else _unclosed_line(source)


def _unclosed_line(source: str) -> int:
    """Liquid reports a block that never ends without a place: the innermost open one is meant."""
    still_open: list[tuple[str, int]] = []
    for match in _BLOCK_TAG.finditer(source):
        name = match.group(1)
        if name in _BLOCKS:
            still_open.append((name, match.start()))
        elif name.startswith("end") and still_open and still_open[-1][0] == name[3:]:
            still_open.pop()
    return _line(source, still_open[-1][1] if still_open else len(source))


def _line(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1
