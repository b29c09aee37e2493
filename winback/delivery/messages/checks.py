"""What keeps a template from being sent, each problem with its part and line."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from liquid import Node, RenderContext
from liquid.builtin.expressions import Identifier
from liquid.exceptions import LiquidError

from winback.accounts.channels import ChannelName
from winback.delivery.messages.bounds import problems_of_bounds
from winback.delivery.messages.layout import BrokenBlock, blocks_in, read_block, uses_layout
from winback.delivery.messages.liquid_language import BLOCKS, PLAIN, MessageLiquid
from winback.delivery.messages.mjml import problems_of_markup
from winback.delivery.messages.templates import NEEDED, Parts, Problem, Template
from winback.delivery.messages.values import ANY, OPT_OUT, TOKENS
from winback.delivery.messages.words import words, words_in

_BLOCK_TAG = re.compile(r"\{%-?\s*(\w+)")
_BLOCKS = ("if", "unless", "for", "case", "capture", "tablerow", "comment", "raw")
_LEGAL = {
    "unsubscribe_url": "add a link to {{ unsubscribe_url }}",
    "shop.postal_address": "add {{ shop.postal_address }} to the footer",
}
_OF_SMS = {
    "shop.name": "say who sends it: add {{ shop.name }}",
    OPT_OUT: "say how to leave: end with {{ opt_out }}",
}
SUBJECT_MAX_LENGTH = 200


Tokens = Mapping[str, tuple[str, ...]]


def problems_of(
    template: Template, channel: str | None = None, facts: Collection[str] | None = None
) -> tuple[Problem, ...]:
    """Of each channel's parts in each language, or of one channel's; line numbers are those of the part.

    `facts`: the names that may stand under `store`; any where it is not given.
    """
    problems: list[Problem] = []
    known = TOKENS if facts is None else {**TOKENS, "store": tuple(sorted(facts))}
    for place, language, parts in in_each_language(template):
        for one in ChannelName if channel is None else (ChannelName(channel),):
            if parts.cover(one):
                problems += (
                    replace(found, part=place + found.part) for found in _PROBLEMS_OF[one](parts, language, known)
                )
            elif channel is not None and parts is template:
                missing = [part for part in NEEDED[one] if getattr(parts, part) is None]
                problems += (Problem(part, 1, f"is missing, so there is no {one}", f"write {part}") for part in missing)
    return tuple(problems)


def in_each_language(template: Template) -> Iterator[tuple[str, str, Parts]]:
    """(what stands before a part's name, language, parts): the template's own, then those of its locales."""
    yield "", template.language, template
    for tag, parts in template.locales.items():
        yield f"locales.{tag}.", tag, parts


def _problems_of_email(parts: Parts, language: str, tokens: Tokens) -> list[Problem]:
    subjects = {"subject": parts.subject or ""} | {
        f"alternative_subjects[{number}]": subject for number, subject in enumerate(parts.alternative_subjects)
    }
    problems: list[Problem] = []
    for part, subject in subjects.items():
        problems += [*_problems_of_liquid(part, subject, tokens), *_problems_of_subject(part, subject)]
    mjml = parts.mjml or ""
    if unreadable := list(problems_of_bounds("mjml", mjml)):
        return [*problems, *unreadable]
    in_layout = uses_layout(mjml)
    problems += _problems_of_liquid("mjml", mjml, tokens, {} if in_layout else _LEGAL, BLOCKS)
    problems += _problems_of_blocks(mjml) + problems_of_markup(mjml)
    if in_layout and words_in(language) is None:
        known = ", ".join(sorted(words()))
        problems.append(
            Problem("mjml", 1, f"the layout says nothing in {language!r}", f"use one of {known}, or a whole <mjml>")
        )
    if parts.preheader is not None:
        problems += _problems_of_liquid("preheader", parts.preheader, tokens)
        if not in_layout:
            problems.append(Problem("preheader", 1, "belongs to the layout", "write <mj-preview> into the <mjml>"))
    if parts.text is not None:
        problems += _problems_of_liquid("text", parts.text, tokens, _LEGAL)
    return problems


def _problems_of_subject(part: str, subject: str) -> list[Problem]:
    problems = []
    if not subject.strip():
        problems.append(Problem(part, 1, "the subject is empty", "write a few words"))
    if "\n" in subject or "\r" in subject:
        problems.append(Problem(part, 1, "the subject has more than one line", "write it in one line"))
    if len(subject) > SUBJECT_MAX_LENGTH:
        problems.append(Problem(part, 1, f"the subject has {len(subject)} characters", f"at most {SUBJECT_MAX_LENGTH}"))
    return problems


def _problems_of_sms(parts: Parts, language: str, tokens: Tokens) -> list[Problem]:
    problems = _problems_of_liquid("sms", parts.sms or "", {**tokens, OPT_OUT: ()}, _OF_SMS)
    if words_in(language) is None:
        known = ", ".join(sorted(words()))
        problems.append(Problem("sms", 1, f"there are no words of opting out in {language!r}", f"use one of {known}"))
    return problems


def _problems_of_push(parts: Parts, language: str, tokens: Tokens) -> list[Problem]:  # noqa: ARG001 (no layout)
    named = (("push_title", parts.push_title or ""), ("push_body", parts.push_body or ""))
    return [problem for part, source in named for problem in _problems_of_liquid(part, source, tokens)]


def _problems_of_call(parts: Parts, language: str, tokens: Tokens) -> list[Problem]:  # noqa: ARG001
    return _problems_of_liquid("call", parts.call or "", tokens)


_PROBLEMS_OF: Mapping[ChannelName, Callable[[Parts, str, Tokens], list[Problem]]] = {
    ChannelName.EMAIL: _problems_of_email,
    ChannelName.SMS: _problems_of_sms,
    ChannelName.PUSH: _problems_of_push,
    ChannelName.CALL: _problems_of_call,
    ChannelName.WEBHOOK: lambda parts, language, tokens: [],  # noqa: ARG005 (it passes on what the others check)
}


def _problems_of_blocks(mjml: str) -> list[Problem]:
    problems = []
    for line, tag in blocks_in(mjml):
        try:
            read_block(tag)
        except BrokenBlock as error:
            problems.append(Problem("mjml", line, str(error), error.expected))
    return problems


def _problems_of_liquid(
    part: str,
    source: str,
    known: Tokens,
    required: Mapping[str, str] | None = None,
    language: MessageLiquid = PLAIN,
) -> list[Problem]:
    if unreadable := list(problems_of_bounds(part, source)):
        return unreadable
    try:
        template = language.from_string(source)
        analysis = template.analyze(include_partials=False)
    except LiquidError as error:
        return [Problem(part, line_of(error, source), str(error.message), "write a complete Liquid tag")]
    used = [(variable, variable.span) for uses in analysis.globals.values() for variable in uses]
    problems = [
        Problem(part, _line(source, span.index), f"{variable} is not known", f"use one of {', '.join(_names(known))}")
        for variable, span in used
        if not _is_known(variable.segments, known)
    ]
    problems += [
        Problem(part, _line(source, span.index), f"the filter {name} is not known", "use a standard Liquid filter")
        for name, spans in analysis.filters.items()
        if name not in language.filters
        for span in spans
    ]
    problems += [
        Problem(part, _line(source, name.token.start_index), f"{name} is a name of ours", "call yours something else")
        for name in _own_names(template.nodes, RenderContext(template))
        if name in known
    ]
    names = {str(variable) for variable, _ in used}
    last = source.count("\n") + 1
    return problems + [
        Problem(part, last, f"{name} is missing", expected)
        for name, expected in (required or {}).items()
        if name not in names
    ]


def _own_names(nodes: Iterable[Node], context: RenderContext) -> Iterator[Identifier]:
    """What the template's author names: loop variables, and what is assigned and captured.

    A name of ours must stay ours: what many messages have in common is written in before the author's is looked up.
    """
    for node in nodes:
        yield from node.block_scope()
        yield from node.template_scope()
        yield from _own_names(node.children(context, include_partials=False), context)


def _is_known(segments: Sequence[object], known: Tokens) -> bool:
    root, below = str(segments[0]), segments[1:]
    if root not in known:
        return False
    if known[root] == ANY:
        return len(below) == 1
    return not below or root == "recommendations" or below[0] in known[root]


def _names(known: Tokens) -> list[str]:
    return sorted(name for root, below in known.items() for name in ([f"{root}.{one}" for one in below] or [root]))


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
