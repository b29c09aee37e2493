"""The messages of a campaign: checked when it is defined, frozen when it is launched, shown in the dry run."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import product
from typing import Any

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.campaigns.definition import MAX_SIZE, CampaignDefinition
from winback.campaigns.inline_template import InlineTemplate
from winback.campaigns.message_values import Given, Person, message_values, utm_of
from winback.campaigns.steps import Step
from winback.delivery.channels.sms_parts import measure
from winback.delivery.messages import (
    DataMessage,
    EmailMessage,
    Message,
    Problem,
    PushMessage,
    SmsMessage,
    Template,
    UnknownTemplate,
    check_template,
    resolve_template,
)
from winback.delivery.messages.templates import NEEDED
from winback.fields import field_path
from winback.offers.offer import CodeKind, Offer

FindTemplate = Callable[[str], Template]
"""A template by its name or id. Raises UnknownTemplate."""
_NOTHING_ELSE = "<mj-text>Hello</mj-text>"  # of an e-mail around a subject that is tried by itself
SAMPLE_UNSUBSCRIBE_PATH = "/u/sample"  # shown instead of a link that works


def template_of(step: Step) -> Template:
    """With the subject that the step gives. Raises UnknownTemplate when the step names one that is not shipped."""
    template = _template(step.template)
    return template if step.subject is None else template.with_subject(step.subject)


def message_problems(
    definition: CampaignDefinition, find: FindTemplate = resolve_template, facts: Collection[str] | None = None
) -> Iterator[tuple[str, Problem]]:
    """(path, problem) for everything that keeps a step's message from being sent; `find` gives templates by name.

    `facts`: the names that the account's brand states for `store`; any where they are not given.
    """
    for location, choice in definition.templates:
        try:
            template = _template(choice, find)
        except UnknownTemplate:
            continue  # told below
        yield from ((field_path(location), found) for found in check_template(template, facts))
    for location, subject in definition.subjects:
        around = Template(name="subject", subject=subject, mjml=_NOTHING_ELSE)
        yield from ((field_path(location), replace(found, part="")) for found in check_template(around, facts))
    yield from freezing_problems(definition, find)


def freezing_problems(
    definition: CampaignDefinition, find: FindTemplate = resolve_template
) -> Iterator[tuple[str, Problem]]:
    """Those that saved templates may bring after the campaign was defined: gone, without a channel's parts, too long.

    A launch stores what `frozen` makes of the definition, so that must keep the size limit too.
    """
    unknown = False
    for location, choice in definition.templates:
        try:
            _template(choice, find)
        except UnknownTemplate as error:
            problem, _, expected = str(error).partition(": expected ")
            yield field_path(location), Problem("", 0, problem, expected)
            unknown = True
    if unknown:
        return
    yield from _without_a_channel(definition, find)
    if (size := frozen(definition, find).size) > MAX_SIZE:
        problem = f"have {size} bytes with the templates that they name"
        yield "steps", Problem("", 0, problem, f"at most {MAX_SIZE} bytes")


def frozen(definition: CampaignDefinition, find: FindTemplate = resolve_template) -> CampaignDefinition:
    """The definition with the named templates' content in it: what was approved is what is sent.

    Raises UnknownTemplate, of a saved one that was deleted since.
    """
    return definition.with_templates(lambda choice: InlineTemplate.of(_template(choice, find)))


def _without_a_channel(definition: CampaignDefinition, find: FindTemplate) -> Iterator[tuple[str, Problem]]:
    """Steps, as any variant of one experiment has them, whose template says nothing on a channel that they may use."""
    told: set[tuple[int, str]] = set()
    for touch in definition.touches:
        for variants in _variants(definition).values():
            step = definition.step_for(touch.number, variants)
            template = _template(step.template, find)
            for channel in step.channels or ():
                if template.cover(channel) or (touch.number, channel) in told:
                    continue
                told.add((touch.number, channel))
                needed = " and ".join(NEEDED[channel])
                problem = Problem("", 0, f"says nothing by {channel}", f"a template with {needed}, or other channels")
                yield field_path((*touch.location, "template")), problem


def _template(choice: str | InlineTemplate, find: FindTemplate = resolve_template) -> Template:
    return find(choice) if isinstance(choice, str) else choice.template()


def sample_messages(
    definition: CampaignDefinition, number: int, account: Account, offers: Sequence[Offer], sent_at: datetime
) -> list[dict[str, Any]]:
    """Step `number` in each variant and on each channel, as somebody would get it of whom nothing is known.

    Rows of `{step, variant` ("experiment: variant", absent without one)`, channel, text}` and what the channel has
    beside it: subject and html, parts, title and link. Links are tagged; the unsubscribe link does nothing. A step with
    an offer shows the first of `offers`, with a made-up code; `without_code` is true where the message hides it.
    """
    from winback.delivery.messages.compiler import compile_template  # noqa: PLC0415 (Liquid and MJML load slowly)

    shown: dict[str, dict[str, Any]] = {}
    for (name, variants), channel in product(_variants(definition).items(), ChannelName):
        step = definition.step_for(number, variants)
        if channel not in (step.channels or ()):
            continue
        given = _sample_offer(offers[0], account, sent_at) if step.offer and offers else None
        values = message_values(
            account,
            Person(),
            unsubscribe_url=account.public_url.rstrip("/") + SAMPLE_UNSUBSCRIBE_PATH,
            utm=utm_of(definition, channel),
            given=given,
            variants=variants,
            today=sent_at.astimezone(account.zone).date(),
        )
        message = compile_template(template_of(step), channel, fallback=account.locale).render(values)
        row = {"step": number, "channel": channel.value, **described(message)}
        if given and given.code and given.code not in str(row):
            row["without_code"] = True
        shown.setdefault(json.dumps(row), {**row, **({"variant": name} if name else {})})
    return list(shown.values())


def described(message: Message) -> dict[str, Any]:
    """A message as JSON; each kind has a `text`."""
    match message:
        case EmailMessage(subject, html, text):
            return {"subject": subject, "text": text, "html": html}
        case SmsMessage(text):
            return {"text": text, "parts": measure(text).parts}
        case PushMessage(title, body, link):
            return {"title": title, "text": body, "link": link}
        case DataMessage(fields):
            return {"text": fields.get("script") or fields.get("text") or "", "fields": dict(fields)}


def _variants(definition: CampaignDefinition) -> dict[str, dict[str, str]]:
    """What there is to compare, by its name: the campaign without its tests, then each variant of each alone."""
    named: dict[str, dict[str, str]] = {"": {}}
    for experiment in definition.experiments:
        for variant in experiment.variants:
            named[f"{experiment.name}: {variant.name}"] = {experiment.name: variant.name}
    return named


def sample_code(offer: Offer) -> str | None:
    """What stands for the code in a message that nobody gets yet: the shared one, else one as long as those that are
    generated; None without codes."""
    if offer.codes is CodeKind.NONE:
        return None
    return offer.shared_code if offer.codes is CodeKind.SHARED else f"{offer.code_prefix}SAMPLECODE"


def _sample_offer(offer: Offer, account: Account, sent_at: datetime) -> Given:
    return Given(offer, sample_code(offer), offer.valid_until_for(sent_at, account.zone))
