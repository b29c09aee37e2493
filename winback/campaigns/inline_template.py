"""A message of a campaign's own, or one that an account saved, as it is written down in JSON."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from winback.delivery.messages.templates import Template, UnknownTemplate, resolve_template

LOCALE = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"
"""A BCP 47 tag of language, script and region: de, de-AT, zh-Hant-TW."""
MAX_LOCALES = 20

Subject = Annotated[str, Field(min_length=1, max_length=200)]
Locale = Annotated[str, StringConstraints(pattern=LOCALE)]


class InlineParts(BaseModel):
    """Liquid in each part. Without `text`, the e-mail's text part is made from the MJML."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Subject | None = None
    alternative_subjects: tuple[Subject, ...] = Field(default=(), max_length=5, description="others worth a test")
    preheader: str | None = Field(default=None, min_length=1, max_length=200, description="shown after the subject")
    mjml: str | None = Field(default=None, min_length=1, max_length=100_000)
    text: str | None = Field(default=None, min_length=1, max_length=20_000)
    sms: str | None = Field(default=None, min_length=1, max_length=1_000)
    push_title: str | None = Field(default=None, min_length=1, max_length=200)
    push_body: str | None = Field(default=None, min_length=1, max_length=1_000)
    call: str | None = Field(default=None, min_length=1, max_length=5_000, description="what is said in a call")


class InlineTemplate(InlineParts):
    """The parts of its own are in `language`; `locales` has the same in other languages."""

    name: str | None = Field(default=None, min_length=1, max_length=64)
    language: Locale = "en"
    locales: dict[Locale, InlineParts] = Field(default_factory=dict, max_length=MAX_LOCALES)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        try:
            self.template()
        except UnknownTemplate as error:
            problem, _, expected = str(error).removeprefix("template: ").partition("; expected ")
            raise ValueError(f"{problem}: expected {expected}") from None
        return self

    def template(self) -> Template:
        return resolve_template(self.model_dump(exclude_none=True, include=set(InlineTemplate.model_fields)))

    @classmethod
    def of(cls, template: Template) -> Self:
        return cls.model_validate(_stated(template.__dict__))


def _stated(parts: Any) -> dict[str, Any]:
    """The parts that are there: a launch keeps them in one table item, which has no room for nothing."""
    return {
        name: {tag: _stated(own.__dict__) for tag, own in value.items()} if name == "locales" else value
        for name, value in parts.items()
        if value not in (None, (), {})
    }
