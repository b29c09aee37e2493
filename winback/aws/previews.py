"""Shows a template's message as a made-up customer or one of the account's would get it."""

from dataclasses import dataclass, replace
from typing import Any

from winback.accounts import Account
from winback.aws.clock import Clock
from winback.aws.latest import NothingPublished, PublishedSnapshots
from winback.aws.recipients import RecipientStore
from winback.aws.recommendations import RecommendationStore
from winback.campaigns.message_values import UTM_SOURCE, Person, message_values
from winback.campaigns.messages import SAMPLE_UNSUBSCRIBE_PATH, described
from winback.campaigns.saved_templates import Look
from winback.delivery.messages.checks import problems_of
from winback.delivery.messages.compiler import compile_template
from winback.delivery.messages.limits import problems_of_message, size_of
from winback.delivery.messages.samples import SAMPLES
from winback.delivery.messages.templates import Template, check_template
from winback.delivery.messages.values import EmailMessage, MessageValues, RenderingFailed, Utm

DEFAULT_SAMPLE = "all-known"


class UnknownCustomer(LookupError):
    """The account has no profile of that customer."""


@dataclass(frozen=True)
class Previews:
    recipients: RecipientStore
    snapshots: PublishedSnapshots
    recommendations: RecommendationStore
    clock: Clock

    def show(self, account: Account, template: Template, look: Look) -> dict[str, Any]:
        """`{channel, language, problems}`, and the message with its size where there is one. Raises UnknownCustomer.

        A template with problems is shown as far as it can be rendered. The unsubscribe link does nothing, an offer is
        made up, and nothing is stored or sent.
        """
        values = self._values(account, look)
        language = template.language_for(look.channel, look.locale or values.locale, account.locale)
        shown: dict[str, Any] = {"channel": look.channel.value, "language": language}
        problems = list(check_template(template, account.brand.facts))
        if problems_of(template, look.channel):
            return {**shown, "problems": _as_text(problems or problems_of(template, look.channel))}
        try:
            message = compile_template(template, look.channel, language).render(values)
        except RenderingFailed as failed:
            return {**shown, "problems": [*_as_text(problems), {"part": look.channel.value, "problem": str(failed)}]}
        if not problems:
            problems = problems_of_message(message, "", "for this customer")
        size = {"size": size_of(message)} if isinstance(message, EmailMessage) else {}
        return {**shown, **described(message), **size, "problems": _as_text(problems)}

    def _values(self, account: Account, look: Look) -> MessageValues:
        link = account.public_url.rstrip("/") + SAMPLE_UNSUBSCRIBE_PATH
        utm = Utm(UTM_SOURCE, look.channel.value, "preview")
        if look.customer_id is None:
            sample = SAMPLES[look.sample or DEFAULT_SAMPLE]
            branded = message_values(
                account, Person(), unsubscribe_url=link, utm=utm, today=self.clock.now().astimezone(account.zone).date()
            )
            return replace(
                branded,
                **{
                    name: getattr(sample, name)
                    for name in ("first_name", "last_name", "country", "last_order_on", "offer", "recommendations")
                },
                locale=look.locale or account.locale,
            )
        customer = account.customer_key(look.customer_id)
        recipient = self.recipients.load(account, [customer], look.channel, with_contacts=False)[customer]
        if not recipient.facts.has_profile:
            raise UnknownCustomer("no profile of this customer: import it first, or show a sample")
        try:
            found = self.recommendations.of_customer(self.snapshots.get(account.account_id), customer)
        except NothingPublished:
            found = None
        return message_values(
            account,
            Person(
                recipient.first_name,
                recipient.last_name,
                recipient.country,
                look.locale or recipient.locale,
                recipient.facts.last_order_at,
            ),
            unsubscribe_url=link,
            utm=utm,
            recommendations=(found or {}).get("recommendations", ()),
            today=self.clock.now().astimezone(account.zone).date(),
        )


def _as_text(problems: Any) -> list[dict[str, Any]]:
    return [
        {"part": found.part, "line": found.line, "problem": found.problem, "expected": found.expected}
        for found in problems
    ]
