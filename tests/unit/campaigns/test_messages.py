from collections.abc import Callable

from winback.accounts import Account, Sender
from winback.campaigns.definition import CampaignDefinition
from winback.campaigns.messages import frozen, message_problems, sample_messages, template_of
from winback.delivery.messages import Template, resolve_template
from winback.identifiers import AccountId
from winback.instants import parse_instant
from winback.offers.offer import Offer

Build = Callable[..., CampaignDefinition]
SENT_AT = parse_instant("2026-03-26T09:00:00Z")
ACCOUNT = Account(
    account_id=AccountId("acme"),
    name="Acme",
    currency="USD",
    key_salt="0" * 32,
    sender=Sender(name="Acme", email="shop@example.com", postal_address="1 Main Street, Springfield"),
    public_url="https://acme.example",
)


def test_the_shipped_templates_can_be_sent(definition: Build) -> None:
    assert list(message_problems(definition())) == []


def test_a_template_nobody_ships_is_named_by_its_step(definition: Build) -> None:
    steps = [{"template": "we-miss-you", "after_days": 0}, {"template": "hello", "after_days": 1}]
    ((path, problem),) = message_problems(definition(steps=steps))
    assert path == "steps[1].template"
    assert problem.problem == "no template 'hello'"
    assert "still-thinking" in problem.expected


def test_a_subject_of_a_step_or_variant_is_checked_as_a_template_s_is(definition: Build) -> None:
    variants = [{"name": "plain"}, {"name": "named", "subject": "Hello {{ customer.name }}"}]
    campaign = definition(
        steps=[{"template": "we-miss-you", "after_days": 0, "subject": "Hello {% if"}],
        experiments=[{"name": "subject", "variants": variants}],
    )
    found = {path: problem.problem for path, problem in message_problems(campaign)}
    assert set(found) == {"steps[0].subject", "experiments[0].variants[1].subject"}
    assert found["experiments[0].variants[1].subject"] == "customer.name is not known"


def test_a_message_of_ones_own_without_an_unsubscribe_link_cannot_be_sent(definition: Build) -> None:
    mjml = "<mjml><mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>"
    found = list(message_problems(definition(steps=[{"template": {"subject": "Hi", "mjml": mjml}, "after_days": 0}])))
    assert {path for path, _ in found} == {"steps[0].template"}
    assert any("unsubscribe_url" in problem.problem for _, problem in found)


def test_a_frozen_definition_carries_its_messages_with_it(definition: Build) -> None:
    campaign = definition()
    kept = frozen(campaign)
    assert [template_of(step) for step in kept.steps] == [template_of(step) for step in campaign.steps]
    assert not any(isinstance(step.template, str) for step in kept.steps)
    assert CampaignDefinition.model_validate_json(kept.model_dump_json()) == kept
    assert frozen(kept) == kept


def test_a_sample_shows_the_message_without_a_name_and_with_a_link_that_does_nothing(definition: Build) -> None:
    (sample,) = sample_messages(definition(), 1, ACCOUNT, (), SENT_AT)
    assert "https://acme.example/u/sample" in sample["html"]
    assert "https://acme.example/u/sample" in sample["text"]
    assert "Hello there," in sample["text"]


def test_samples_show_each_variant_and_channel_and_the_same_message_once(definition: Build) -> None:
    tested = {
        "channels": ["email", "sms", "push", "webhook", "call"],
        "experiments": [
            {
                "name": "subject",
                "step": "step-1",
                "variants": [{"name": "as-it-is"}, {"name": "short", "subject": "Hello again"}],
            }
        ],
    }
    samples = sample_messages(definition(**tested), 1, ACCOUNT, (), SENT_AT)
    assert [(sample.get("variant"), sample["channel"]) for sample in samples] == [
        (None, "email"),
        (None, "sms"),
        (None, "push"),
        (None, "webhook"),
        (None, "call"),
        ("subject: short", "email"),
        ("subject: short", "webhook"),  # its data names the variant
    ]
    assert samples[-2]["subject"] == "Hello again"


def test_a_sample_that_hides_the_code_of_its_offer_says_so(definition: Build) -> None:
    stated = {"kind": "gift", "cost": {"fixed_minor": 350}, "codes": "generated", "name": "A gift", "currency": "USD"}
    at = {"created_at": "2026-03-01T00:00:00Z", "updated_at": "2026-03-01T00:00:00Z"}
    offer = Offer.model_validate({**stated, **at, "offer_id": "off-000000000001"})
    offered = definition(
        channels=["email", "sms", "push", "webhook", "call"],
        steps=[{"template": "we-miss-you", "after_days": 0, "offer": True}],
        offers={"offers": [offer.offer_id], "budget_minor": 35_000},
    )
    hiding = {row["channel"] for row in sample_messages(offered, 1, ACCOUNT, [offer], SENT_AT) if "without_code" in row}
    assert hiding == {"push"}


def test_a_template_that_says_nothing_on_a_channel_of_its_step_is_refused(definition: Build) -> None:
    own = {"sms": "{{ shop.name }}: come back. {{ opt_out }}"}
    ((path, problem),) = message_problems(definition(steps=[{"template": own, "after_days": 0}]))
    assert (path, problem.problem) == ("steps[0].template", "says nothing by email")
    assert problem.expected == "a template with subject and mjml, or other channels"


def test_a_saved_template_is_frozen_with_its_words(definition: Build) -> None:
    def find(name: str) -> Template:
        return resolve_template({"name": name, "sms": "{{ shop.name }}: hello. {{ opt_out }}"})

    campaign = definition(channels=["sms"], steps=[{"template": "tpl-000000000001", "after_days": 0}])
    assert list(message_problems(campaign, find)) == []
    assert template_of(frozen(campaign, find).touches[0].step).sms == "{{ shop.name }}: hello. {{ opt_out }}"


def test_messages_that_fit_only_without_the_shipped_ones_are_refused(definition: Build) -> None:
    own = {"subject": "Hi", "mjml": "x" * 99_000}
    templates = [own, own, "we-miss-you"]
    steps = [{"template": template, "after_days": day} for day, template in enumerate(templates)]
    found = dict(message_problems(definition(steps=steps)))["steps"]
    assert found.expected == "at most 200000 bytes"
