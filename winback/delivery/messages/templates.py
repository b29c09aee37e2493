"""Templates: what parts they have, by language; shipped ones by name, or those of a campaign or an account."""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Self

from winback.accounts.channels import ChannelName

_SHIPPED = files("winback.delivery") / "templates"
BASE_LANGUAGE = "en"
_RECOMMENDATIONS = re.compile(r"\brecommendations\b|render\s+\\?['\"]products\\?['\"]")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A message's words in one language, Liquid in each. Without `text`, the e-mail's text is made from the MJML.

    `subject` is the one that is used; `alternative_subjects` are others worth a test, which an experiment's variants
    name. `preheader` is what an inbox shows after the subject. `call` is what an account manager reads before a call.
    """

    subject: str | None = None
    alternative_subjects: tuple[str, ...] = ()
    preheader: str | None = None
    mjml: str | None = None
    text: str | None = None
    sms: str | None = None
    push_title: str | None = None
    push_body: str | None = None
    call: str | None = None

    def cover(self, channel: str) -> bool:
        """Whether they make a whole message of the channel. A webhook takes whatever there is."""
        return all(getattr(self, part) is not None for part in NEEDED[ChannelName(channel)])


NEEDED: Mapping[ChannelName, tuple[str, ...]] = {
    ChannelName.EMAIL: ("subject", "mjml"),
    ChannelName.SMS: ("sms",),
    ChannelName.PUSH: ("push_title", "push_body"),
    ChannelName.WEBHOOK: (),
    ChannelName.CALL: ("call",),
}
PART_NAMES = tuple(part.name for part in fields(Parts))


@dataclass(frozen=True, kw_only=True)
class Template(Parts):
    """The parts of its own are in `language`; `locales` has the same in others, by BCP 47 tag (de, de-AT)."""

    name: str
    language: str = BASE_LANGUAGE
    locales: Mapping[str, Parts] = field(default_factory=dict)

    def language_for(self, channel: str, *wanted: str | None) -> str:
        """The first of the wanted locales, each before its shorter forms, in which the channel's parts are whole.

        `de-AT` asks for de-AT, then de. Where no wanted one is there it is the template's own `language`: a message
        is never put together out of two languages.
        """
        for tag in _with_shorter_forms(wanted):
            if tag == self.language.casefold():
                return self.language
            for locale, parts in self.locales.items():
                if locale.casefold() == tag and parts.cover(channel):
                    return locale
        return self.language

    def parts_in(self, language: str) -> Parts:
        return self.locales.get(language, self)

    @property
    def shows_recommendations(self) -> bool:
        """Whether any part names them, itself or by the block that lists them."""
        return _RECOMMENDATIONS.search(repr(self)) is not None

    def with_subject(self, subject: str) -> Self:
        """Another subject, in every language: one of the alternatives is the same one of each language's own."""
        place = self.alternative_subjects.index(subject) if subject in self.alternative_subjects else None
        locales = {
            tag: replace(parts, subject=_instead(parts, subject, place))
            for tag, parts in self.locales.items()
            if parts.subject is not None
        }
        return replace(self, subject=subject, locales={**self.locales, **locales})


def _instead(parts: Parts, subject: str, place: int | None) -> str:
    own = parts.alternative_subjects
    return own[place] if place is not None and place < len(own) else subject


def _with_shorter_forms(locales: Iterable[str | None]) -> Iterator[str]:
    for locale in locales:
        subtags = (locale or "").replace("_", "-").casefold().split("-")
        for length in range(len(subtags), 0, -1):
            yield "-".join(subtags[:length])


@dataclass(frozen=True)
class Problem:
    """Something wrong with a part (`subject`, `locales.de.sms`) of a template; lines count from 1."""

    part: str
    line: int
    problem: str
    expected: str

    def __str__(self) -> str:
        return f"{self.part}, line {self.line}: {self.problem}; {self.expected}"


class UnknownTemplate(ValueError):
    """The definition names a template that there is not, or describes none."""


class InvalidTemplate(ValueError):
    """The template cannot be sent as it is."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"template {name!r}: " + ". ".join(str(problem) for problem in problems))
        self.problems = problems


def shipped_templates() -> tuple[str, ...]:
    names = (entry.name for entry in _SHIPPED.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def resolve_template(spec: str | Mapping[str, Any]) -> Template:
    """A shipped template by its name, or an inline one: `{name?, language?, locales?}` and the parts of `Parts`.

    Raises UnknownTemplate. The content is not checked here: `check_template` does that.
    """
    if isinstance(spec, str):
        if spec not in shipped_templates():
            raise UnknownTemplate(
                f"no template {spec!r}: expected one of {', '.join(shipped_templates())}, or {{subject, mjml}}"
            )
        return _shipped(spec)
    unknown = sorted(set(spec) - {*PART_NAMES, "name", "language", "locales"})
    if unknown:
        raise UnknownTemplate(f"template: {unknown[0]} is not known; expected {', '.join(PART_NAMES)}")
    own = {name: spec.get(name) for name in PART_NAMES}
    template = Template(
        **_parts(own),
        name=str(spec.get("name") or "inline"),
        language=spec.get("language") or BASE_LANGUAGE,
        locales={tag: Parts(**_parts(parts)) for tag, parts in (spec.get("locales") or {}).items()},
    )
    if (template.subject is None) != (template.mjml is None):
        missing = "mjml" if template.mjml is None else "subject"
        raise UnknownTemplate(f"template: {missing} is missing; expected subject and mjml of an e-mail")
    if not any(template.cover(channel) for channel in ChannelName if channel is not ChannelName.WEBHOOK):
        raise UnknownTemplate("template: says nothing; expected subject and mjml, or the parts of another channel")
    return template


def _parts(given: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if name in PART_NAMES and value is not None}
    if "alternative_subjects" in kept:
        kept["alternative_subjects"] = tuple(kept["alternative_subjects"])
    return kept


def check_template(template: Template, facts: Collection[str] | None = None) -> tuple[Problem, ...]:
    """Everything that keeps the template from being sent: broken tags, unknown variables, what the law wants.

    A template that is sound so far is tried on made-up customers. `facts`: the names that the account has for `store`;
    any where it is not given.
    """
    from winback.delivery.messages.checks import problems_of  # noqa: PLC0415 (Liquid takes a while to import)
    from winback.delivery.messages.trial import problems_of_trial  # noqa: PLC0415

    return problems_of(template, facts=facts) or problems_of_trial(template)


@cache
def about_shipped(name: str) -> str:
    """What the shipped template is for, in a line."""
    return str(_file_of(name)["about"])


@cache
def _shipped(name: str) -> Template:
    spec = _file_of(name)
    return resolve_template({**{part: spec[part] for part in spec if part != "about"}, "name": name})


def _file_of(name: str) -> dict[str, Any]:
    return tomllib.loads((_SHIPPED / f"{name}.toml").read_text("utf-8"))
