"""What keeps messages from leaving or arriving, said before a launch is approved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from winback.delivery.channels import ChannelName
from winback.delivery.preflight import (
    UNCHECKED,
    Check,
    EmailFacts,
    Facts,
    Identity,
    Need,
    Provider,
    PushFacts,
    Reach,
    TextFacts,
    WebhookFacts,
    checks,
    missing,
)

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
IDENTITY = Identity(verified=True, dkim=True, mail_from="bounce.mail.example.com", mail_from_found=True)
PROVIDER = Provider(True, True, True, per_second=10, per_day=50_000)
SOUND = EmailFacts("mail.example.com", "https://mail.example.com", IDENTITY, PROVIDER, True, "none", tenant=True)


def judged(facts: Facts, **need: object) -> dict[str, Check]:
    channel = {EmailFacts: ChannelName.EMAIL, TextFacts: ChannelName.SMS, PushFacts: ChannelName.PUSH}.get(
        type(facts), ChannelName.WEBHOOK
    )
    return {check.name: check for check in checks([facts], {channel: Need(**need)})}  # type: ignore[arg-type]


def test_a_sound_sender_passes_every_check() -> None:
    found = judged(SOUND, hours={AT: 36_000})
    assert {check.passed for check in found.values()} == {True}
    assert "Daily quota of SES" in found


@pytest.mark.parametrize(
    ("facts", "name", "required"),
    [
        (replace(SOUND, identity=None), "Identity mail.example.com", True),
        (replace(SOUND, identity=replace(IDENTITY, dkim=False)), "DKIM of mail.example.com", True),
        (replace(SOUND, identity=replace(IDENTITY, mail_from_found=False)), "MAIL FROM of mail.example.com", False),
        (replace(SOUND, dmarc=None), "DMARC record of mail.example.com", True),
        (replace(SOUND, public_url="http://mail.example.com"), "Unsubscribe link over HTTPS", True),
        (replace(SOUND, configuration_set=False), "Configuration set", True),
        (replace(SOUND, tenant=False), "SES tenant", True),
        (replace(SOUND, provider=replace(PROVIDER, production=False)), "Production access of SES", True),
        (replace(SOUND, provider=replace(PROVIDER, healthy=False)), "Sending of SES", True),
        (TextFacts("SNS", True, True), "Production access of SNS", True),
        (TextFacts("SNS", False, False), "What becomes of texts", False),
        (TextFacts("AWS End User Messaging", False, None, {"DE": "SENDER_ID_NOT_SUPPORTED"}), "Texts by country", True),
        (PushFacts(None), "Platform application", True),
        (PushFacts(False), "Platform application", True),
        (WebhookFacts(False), "Webhook", True),
        (WebhookFacts(True, key=False, public=True), "Signing key of the webhook", True),
        (WebhookFacts(True, key=True, public=False), "Host of the webhook", True),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(facts: Facts, name: str, required: bool) -> None:
    check = judged(facts)[name]
    assert (check.passed, check.required) == (False, required)
    assert check.problem
    assert check.remedy
    assert "{" not in check.problem + check.remedy
    assert (check in missing([check])) is required


def test_what_could_not_be_asked_is_neither_passed_nor_missing() -> None:
    facts = replace(SOUND, identity=UNCHECKED, provider=UNCHECKED, configuration_set=UNCHECKED, dmarc=UNCHECKED)
    found = judged(facts, hours={AT: 1})
    unchecked = [name for name, check in found.items() if check.passed is None]
    assert len(unchecked) == 7
    assert missing(found.values()) == ()
    assert found["DMARC record of mail.example.com"].problem == "it could not be checked"


def test_the_plan_is_held_against_rate_and_daily_quota() -> None:
    hours = {AT + timedelta(hours=hour): 20_000 for hour in (0, 1, 23, 24)}
    found = judged(SOUND, hours={**hours, AT + timedelta(hours=1): 36_001})
    assert found["Rate of SES"].problem == (
        "36,001 messages are planned for the hour from 2026-11-21 10:00 UTC, and SES takes 36,000 an hour"
    )
    # The first hour and the one a day later are not of the same 24 hours.
    assert "76,001 messages are planned within 24 hours" in str(found["Daily quota of SES"].problem)
    assert missing(found.values()) == ()


@pytest.mark.parametrize(("agreed", "passed", "required"), [(0, False, True), (49, False, False), (50, True, False)])
def test_a_channel_that_few_agreed_to_is_said(agreed: int, passed: bool, required: bool) -> None:
    (check,) = checks([], {ChannelName.CALL: Need(reach=Reach(100, agreed))})
    assert (check.passed, check.required) == (passed, required)
