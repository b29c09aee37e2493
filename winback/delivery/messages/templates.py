"""Templates: the shipped ones by name, or given inline in a campaign's definition."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_SHIPPED = files("winback.delivery") / "templates"
_PARTS = ("subject", "mjml", "text")


@dataclass(frozen=True)
class Template:
    """Liquid in all parts. Without `text`, the text part is made from the MJML."""

    name: str
    subject: str
    mjml: str
    text: str | None = None


@dataclass(frozen=True)
class Problem:
    """Something wrong with a part (`subject`, `mjml`, `text`) of a template; lines count from 1."""

    part: str
    line: int
    problem: str
    expected: str

    def __str__(self) -> str:
        return f"{self.part}, line {self.line}: {self.problem}; {self.expected}"


class UnknownTemplate(ValueError):
    """The definition names a template that is not shipped, or describes none."""


class InvalidTemplate(ValueError):
    """The template cannot be sent as it is."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"template {name!r}: " + ". ".join(str(problem) for problem in problems))
        self.problems = problems


def shipped_templates() -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in _SHIPPED.iterdir() if entry.is_dir()))


def resolve_template(spec: str | Mapping[str, Any]) -> Template:
    """A shipped template by its name, or an inline one: `{subject, mjml, text?, name?}`.

    Raises UnknownTemplate. The content is not checked here: `check_template` does that.
    """
    if isinstance(spec, str):
        if spec not in shipped_templates():
            raise UnknownTemplate(
                f"no template {spec!r}: expected one of {', '.join(shipped_templates())}, or {{subject, mjml, text}}"
            )
        return _shipped(spec)
    missing = [part for part in ("subject", "mjml") if not isinstance(spec.get(part), str) or not spec[part].strip()]
    unknown = sorted(set(spec) - {*_PARTS, "name"})
    if missing or unknown:
        wrong = [f"{part} is missing" for part in missing] + [f"{name} is not known" for name in unknown]
        raise UnknownTemplate(f"template: {', '.join(wrong)}; expected {{subject, mjml, text}}, text optional")
    return Template(
        name=str(spec.get("name") or "inline"), subject=spec["subject"], mjml=spec["mjml"], text=spec.get("text")
    )


def check_template(template: Template) -> tuple[Problem, ...]:
    """Everything that keeps the template from being sent: broken tags, unknown variables, what the law wants.

    A template that is sound so far is tried on a customer of whom all is known, and on one of whom nothing is.
    """
    from winback.delivery.messages.checks import problems_of  # noqa: PLC0415 (Liquid takes a while to import)
    from winback.delivery.messages.trial import problems_of_trial  # noqa: PLC0415

    return problems_of(template) or problems_of_trial(template)


@cache
def _shipped(name: str) -> Template:
    folder = _SHIPPED / name
    return Template(
        name=name,
        subject=(folder / "subject.txt").read_text("utf-8").strip(),
        mjml=(folder / "message.mjml").read_text("utf-8"),
        text=(folder / "message.txt").read_text("utf-8"),
    )
