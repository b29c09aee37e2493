"""Tries a template on made-up customers before it is saved: what fails only when a name is known shows here."""

from liquid.exceptions import LiquidError

from winback.delivery.messages.checks import line_of
from winback.delivery.messages.compiler import compile_template
from winback.delivery.messages.liquid_language import PLAIN
from winback.delivery.messages.mjml import to_text
from winback.delivery.messages.templates import Problem, Template
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
    # Each part as its author wrote it, so that the line is one of theirs.
    text = to_text(template.mjml) if template.text is None else template.text
    for part, source in (("subject", template.subject), ("mjml", template.mjml), ("text", text)):
        try:
            PLAIN.from_string(source).render(values.as_liquid())
        except LiquidError as error:
            return Problem(part, line_of(error, source), f"{error.message} {whom}", "write a simpler template")
        except Exception as error:  # noqa: BLE001 (filters raise whatever Python does about a value)
            return Problem(part, 1, f"{type(error).__name__} {whom}", "check what the filters are given")
    try:
        compile_template(template).render(values)
    except RenderingFailed as failed:
        return Problem("mjml", 1, f"{failed} {whom}", "keep the message whole in every condition")
    return None
