"""Compiles a template once; the result renders a message per recipient (budget: 200 µs)."""

import re
from dataclasses import dataclass

from liquid import BoundTemplate

from winback.delivery.messages.checks import problems_of
from winback.delivery.messages.liquid_language import HTML, PLAIN
from winback.delivery.messages.mjml import to_html, to_text
from winback.delivery.messages.templates import InvalidTemplate, Template
from winback.delivery.messages.values import Message, MessageValues, RenderingFailed

_BREAKS = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]+")  # a header is one line, whatever a name holds
_BLANK_LINES = re.compile(r"\n{3,}")
_UNSUBSCRIBE_LINK = re.compile(r"""(href=["']\{\{-?\s*unsubscribe_url\s*-?\}\})""")


@dataclass(frozen=True)
class CompiledTemplate:
    name: str
    _subject: BoundTemplate
    _html: BoundTemplate
    _text: BoundTemplate

    def render(self, values: MessageValues) -> Message:
        """Raises RenderingFailed, also when a condition swallowed the unsubscribe link."""
        names = values.as_liquid()
        try:
            subject = one_line(self._subject.render(names))
            html = self._html.render(names)
            text = self._text.render(names)
        except Exception as error:  # noqa: BLE001 (filters raise whatever Python does about a value: 'inf', a year 99999)
            # By its class only and without its cause: their messages quote the value, which may be a name.
            raise RenderingFailed(f"template {self.name!r}: {type(error).__name__}") from None
        if not subject:
            raise RenderingFailed(f"template {self.name!r}: the subject came out empty")
        if values.unsubscribe_url not in html or values.unsubscribe_url not in text:
            raise RenderingFailed(f"template {self.name!r}: a part came out without the unsubscribe link")
        return Message(subject=subject, html=html, text=_BLANK_LINES.sub("\n\n", text))


def compile_template(template: Template) -> CompiledTemplate:
    """Raises InvalidTemplate with every problem.

    The unsubscribe link is kept out of click tracking: leaving is no engagement, and the link stays readable
    (https://docs.aws.amazon.com/ses/latest/dg/faqs-metrics.html, `ses:no-track`, which SES removes).
    """
    problems = problems_of(template)
    if problems:
        raise InvalidTemplate(template.name, problems)
    text = to_text(template.mjml) if template.text is None else template.text
    return CompiledTemplate(
        name=template.name,
        _subject=PLAIN.from_string(template.subject),
        _html=HTML.from_string(_UNSUBSCRIBE_LINK.sub(r"ses:no-track \1", to_html(template.mjml))),
        _text=PLAIN.from_string(text),
    )


def one_line(text: str) -> str:
    """Text for a header: no line breaks or control characters, so that nothing can add a header of its own."""
    return _BREAKS.sub(" ", text).strip()
