"""Templates that an account saved, and what the API of messages takes."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from winback.accounts.channels import ChannelName
from winback.campaigns.inline_template import InlineTemplate, Locale
from winback.campaigns.steps import TemplateChoice
from winback.delivery.messages.templates import Template
from winback.fields import Text

TEMPLATE_ID = r"^tpl-[0-9a-f]{12}$"
MAX_TEMPLATE_SIZE = 200_000  # bytes; it lies in one table item of at most 400 KB
MOST_LISTED = 100
SampleName = Literal["nothing-known", "all-known", "long-names", "other-scripts"]
"""The made-up customers of winback.delivery.messages.samples."""


class NewTemplate(InlineTemplate):
    """What a marketer states of a template."""

    name: Annotated[str, Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _small_enough(self) -> Self:
        size = len(self.model_dump_json(exclude_none=True).encode())
        if size > MAX_TEMPLATE_SIZE:
            raise ValueError(f"the template has {size} bytes: expected at most {MAX_TEMPLATE_SIZE}")
        return self


class ChangedTemplate(NewTemplate):
    version: int = Field(ge=1, description="the one that was read")


class SavedTemplate(NewTemplate):
    template_id: str = Field(pattern=TEMPLATE_ID)
    version: int = Field(default=1, ge=1, description="rises with every change; a change names the one it was made of")
    created_at: str
    updated_at: str

    def stated(self) -> NewTemplate:
        return NewTemplate.model_validate({name: getattr(self, name) for name in NewTemplate.model_fields})


class TemplatePage(BaseModel):
    """Of the list: the ids in order, from the first after `after`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(default=50, ge=1, le=MOST_LISTED)
    after: str | None = Field(default=None, pattern=TEMPLATE_ID)


class Look(BaseModel):
    """For whom a message is shown: a made-up customer, or one of the account's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: ChannelName = ChannelName.EMAIL
    locale: Locale | None = Field(default=None, description="default: the customer's, else the account's")
    sample: SampleName | None = None
    customer_id: Text | None = None

    @model_validator(mode="after")
    def _one_reader(self) -> Self:
        if self.sample is not None and self.customer_id is not None:
            raise ValueError("names a sample and a customer: expected one of them, or neither for all-known")
        return self


class Preview(Look):
    """`template`: a shipped name, a saved id, or the parts of one that is being written."""

    template: TemplateChoice
    subject: str | None = Field(default=None, min_length=1, max_length=200, description="instead of the template's")


def outline(saved: SavedTemplate) -> dict[str, Any]:
    """As a list shows it: without the content."""
    template = saved.template()
    return {
        "template_id": saved.template_id,
        "name": saved.name,
        "version": saved.version,
        "subject": saved.subject,
        **reach(template),
        "created_at": saved.created_at,
        "updated_at": saved.updated_at,
    }


def reach(template: Template) -> dict[str, Any]:
    """The channels that it has a message for, and in which languages."""
    return {
        "channels": [channel.value for channel in ChannelName if template.cover(channel)],
        "languages": [template.language, *template.locales],
    }
