"""The messages of a campaign: checked when it is defined, frozen when it is launched, shown in the dry run."""

from collections.abc import Iterable, Iterator
from typing import Any

from winback.accounts import Account
from winback.campaigns.definition import MAX_SIZE, CampaignDefinition, Step
from winback.campaigns.inline_template import InlineTemplate
from winback.delivery.messages import (
    MessageValues,
    Problem,
    Template,
    UnknownTemplate,
    check_template,
    resolve_template,
)
from winback.identifiers import CustomerKey

SAMPLES_PER_STEP = 3
SAMPLE_UNSUBSCRIBE_PATH = "/u/sample"  # shown instead of a link that works


def template_of(step: Step) -> Template:
    """Raises UnknownTemplate when the step names one that is not shipped."""
    if isinstance(step.template, str):
        return resolve_template(step.template)
    return resolve_template(step.template.model_dump(exclude_none=True))


def message_problems(definition: CampaignDefinition) -> Iterator[tuple[str, Problem]]:
    """(path, problem) for everything that keeps a step's message from being sent.

    A launch stores what `frozen` makes of the definition, so that must keep the size limit too.
    """
    unknown = False
    for place, step in enumerate(definition.steps):
        path = f"steps[{place}].template"
        try:
            template = template_of(step)
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
    steps = []
    for step in definition.steps:
        template = template_of(step)
        steps.append(step.model_copy(update={"template": InlineTemplate.of(template)}))
    return definition.model_copy(update={"steps": tuple(steps)})


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
