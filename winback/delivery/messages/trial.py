"""Tries a template on made-up customers before it is saved: what fails only when a name is known shows here."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from liquid.exceptions import LiquidError

from winback.accounts.channels import ChannelName
from winback.delivery.messages.checks import in_each_language, line_of
from winback.delivery.messages.compiler import compile_template, sources_of_email
from winback.delivery.messages.layout import BrokenBlock
from winback.delivery.messages.limits import problems_of_message
from winback.delivery.messages.liquid_language import BLOCKS, PLAIN
from winback.delivery.messages.mjml import BrokenMarkup
from winback.delivery.messages.samples import SAMPLES
from winback.delivery.messages.templates import NEEDED, PART_NAMES, Parts, Problem, Template
from winback.delivery.messages.values import OPT_OUT, MessageValues, RenderingFailed
from winback.delivery.messages.words import words_in


def problems_of_trial(template: Template, samples: Mapping[str, MessageValues] = SAMPLES) -> tuple[Problem, ...]:
    """Of a template that the checks found sound; each problem once, with the first sample that shows it."""
    for place, language, parts in in_each_language(template):
        if parts.cover(ChannelName.EMAIL):
            try:
                sources_of_email(parts, language)
            except (BrokenMarkup, BrokenBlock) as error:
                expected = "see documentation.mjml.io for where each element may stand"
                return (Problem(f"{place}mjml", 1, str(error), expected),)
    problems: dict[tuple[str, str], Problem] = {}
    for made in (_problems_of_sources, _problems_of_messages):
        for problem in made(template, samples):
            problems.setdefault((problem.part, problem.expected), problem)
        if problems:
            break
    return tuple(problems.values())


def _problems_of_messages(template: Template, samples: Mapping[str, MessageValues]) -> Iterator[Problem]:
    for channel in ChannelName:
        for place, language, parts in in_each_language(template):
            if not parts.cover(channel) or channel is ChannelName.WEBHOOK:
                continue
            compiled = compile_template(template, channel, language)
            for name, values in samples.items():
                whom = _whom(name)
                try:
                    message = compiled.render(values)
                except RenderingFailed as failed:
                    part = place + NEEDED[channel][-1]
                    yield Problem(part, 1, f"{failed} {whom}", "keep the message whole in every condition")
                    continue
                yield from problems_of_message(message, place, whom)


def _problems_of_sources(template: Template, samples: Mapping[str, MessageValues]) -> Iterator[Problem]:
    """Each part as its author wrote it, so that the line is one of theirs."""
    for place, language, parts in in_each_language(template):
        own = words_in(language) or {}
        for part, source in _sources(parts):
            for name, values in samples.items():
                names = {**values.as_liquid(language), OPT_OUT: own.get("reply_stop", "")}
                problem = _problem_of(part, source, names, _whom(name))
                if problem is not None:
                    yield replace(problem, part=place + part)
                    break


def _problem_of(part: str, source: str, names: Mapping[str, Any], whom: str) -> Problem | None:
    try:
        (BLOCKS if part == "mjml" else PLAIN).from_string(source).render(names)
    except LiquidError as error:
        return Problem(part, line_of(error, source), f"{error.message} {whom}", "write a simpler template")
    except Exception as error:  # noqa: BLE001 (filters raise whatever Python does about a value)
        return Problem(part, 1, f"{type(error).__name__} {whom}", "check what the filters are given")
    return None


def _whom(sample: str) -> str:
    return f"for the sample {sample}"


def _sources(parts: Parts) -> Iterator[tuple[str, str]]:
    for part in PART_NAMES:
        source = getattr(parts, part)
        if isinstance(source, str):
            yield part, source
    for number, subject in enumerate(parts.alternative_subjects):
        yield f"alternative_subjects[{number}]", subject
