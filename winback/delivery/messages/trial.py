"""Tries a template on made-up customers before it is saved: what fails only when a name is known shows here."""

from liquid.exceptions import LiquidError

from winback.accounts.channels import ChannelName
from winback.delivery.messages.checks import line_of
from winback.delivery.messages.compiler import compile_template
from winback.delivery.messages.liquid_language import PLAIN
from winback.delivery.messages.mjml import to_text
from winback.delivery.messages.templates import PART_NAMES, Problem, Template
from winback.delivery.messages.values import MessageValues, RenderingFailed

_NOTHING_KNOWN = MessageValues("Shop", "1 Main Street", "https://mail.example.com/u/sample")
_ALL_KNOWN = MessageValues(
    "Shop",
    "1 Main Street",
    "https://mail.example.com/u/sample",
    shop_url="https://shop.example.com",
    first_name="Ada",
    last_name="Lovelace",
    country="GB",
)
_TRIALS = (("without a name", _NOTHING_KNOWN), ("with a name", _ALL_KNOWN))


def problems_of_trial(template: Template) -> tuple[Problem, ...]:
    """Of a template that the checks found sound."""
    for whom, values in _TRIALS:
        problem = _problem_for(template, f"for a customer {whom}", values)
        if problem is not None:
            return (problem,)
    return ()


def _problem_for(template: Template, whom: str, values: MessageValues) -> Problem | None:
    for place, parts in (("", template), *((f"locales.{tag}.", parts) for tag, parts in template.locales.items())):
        # Each part as its author wrote it, so that the line is one of theirs.
        sources = {name: getattr(parts, name) for name in PART_NAMES if isinstance(getattr(parts, name), str)}
        if parts.mjml is not None and parts.text is None:
            sources["text"] = to_text(parts.mjml)
        for part, source in sources.items():
            try:
                PLAIN.from_string(source).render(values.as_liquid())
            except LiquidError as error:
                line = line_of(error, source)
                return Problem(place + part, line, f"{error.message} {whom}", "write a simpler template")
            except Exception as error:  # noqa: BLE001 (filters raise whatever Python does about a value)
                return Problem(place + part, 1, f"{type(error).__name__} {whom}", "check what the filters are given")
    for channel in ChannelName:
        for language in (template.language, *template.locales):
            if not template.parts_in(language).cover(channel):
                continue
            try:
                compile_template(template, channel, language).render(values)
            except RenderingFailed as failed:
                part = {ChannelName.EMAIL: "mjml", ChannelName.PUSH: "push_title"}.get(channel, channel.value)
                return Problem(part, 1, f"{failed} {whom}", "keep the message whole in every condition")
    return None
