"""The messages of a campaign: checked when it is defined, frozen when it is launched, shown in the dry run."""

from collections.abc import Iterable, Iterator
from typing import Any

from winback.accounts import Account
from winback.campaigns.definition import MAX_SIZE, CampaignDefinition
from winback.campaigns.inline_template import InlineTemplate
from winback.campaigns.steps import Step
from winback.delivery.messages import (
    MessageValues,
    Problem,
    Template,
    UnknownTemplate,
    check_template,
    resolve_template,
)
from winback.fields import field_path
from winback.identifiers import CustomerKey

SAMPLES_PER_STEP = 3
SAMPLE_UNSUBSCRIBE_PATH = "/u/sample"  # shown instead of a link that works


def template_of(step: Step) -> Template:
    """With the subject that the step gives. Raises UnknownTemplate when the step names one that is not shipped."""
    template = _template(step.template)
    return template if step.subject is None else template.with_subject(step.subject)


def message_problems(definition: CampaignDefinition) -> Iterator[tuple[str, Problem]]:
    """(path, problem) for everything that keeps a step's message from being sent.

    A launch stores what `frozen` makes of the definition, so that must keep the size limit too.
    """
    unknown = False
    for location, choice in definition.templates:
        path = field_path(location)
        try:
            template = _template(choice)
        except UnknownTemplate as error:
            problem, _, expected = str(error).partition(": expected ")
            yield path, Problem("", 0, problem, expected)
            unknown = True
            continue
        for found in check_template(template):
            yield path, found
    if not unknown and (size := frozen(definition).size) > MAX_SIZE:
        problem = f"have {size} bytes with the shipped templates that they use"
        yield "steps", Problem("", 0, problem, f"at most {MAX_SIZE} bytes")


def frozen(definition: CampaignDefinition) -> CampaignDefinition:
    """The definition with the shipped templates' content in it: what was approved is what is sent."""
    return definition.with_templates(lambda choice: InlineTemplate.of(_template(choice)))


def _template(choice: str | InlineTemplate) -> Template:
    return resolve_template(choice) if isinstance(choice, str) else choice.template()


def sample_messages(
    step: Step, number: int, account: Account, customers: Iterable[CustomerKey]
) -> list[dict[str, Any]]:
    """The step's message as those customers would read it, without their names and with a link that does nothing."""
    from winback.delivery.messages.compiler import compile_template  # noqa: PLC0415 (Liquid and MJML load slowly)

    compiled = compile_template(template_of(step))
    message = compiled.render(
        MessageValues(
            shop_name=account.name,
            postal_address=account.sender.postal_address,
            unsubscribe_url=account.public_url.rstrip("/") + SAMPLE_UNSUBSCRIBE_PATH,
        )
    )
    return [
        {
            "step": number,
            "customer_key": customer,
            "subject": message.subject,
            "html": message.html,
            "text": message.text,
        }
        for customer in customers
    ]
