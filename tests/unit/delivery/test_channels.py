"""Whose address a channel writes to, and how much another channel takes."""

import re
from pathlib import Path

import pytest

from winback.accounts.channels import SmsSettings
from winback.delivery.channels import CHANNELS, ChannelName

ROOT = Path(__file__).parents[3]
PROFILE = {"customer_id": "c-7", "email": "ann@example.com", "phone": "+4915123456789", "push_token": "token-12345"}


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        (ChannelName.EMAIL, "ann@example.com"),
        (ChannelName.SMS, "+4915123456789"),
        (ChannelName.CALL, "+4915123456789"),
        (ChannelName.PUSH, "token-12345"),
        (ChannelName.WEBHOOK, "c-7"),
    ],
)
def test_every_channel_finds_its_address_in_the_profile(channel: ChannelName, address: str) -> None:
    assert CHANNELS[channel].name is channel
    assert CHANNELS[channel].address(PROFILE) == address
    assert CHANNELS[channel].address({}) is None
    assert CHANNELS[channel].deliverable(address, None) == address


@pytest.mark.parametrize(
    ("number", "country", "texted", "dialled"),
    [
        ("0151 23456789", "DE", "+4915123456789", "+4915123456789"),  # as written at home
        ("0151 23456789", None, None, None),
        ("+49 30 901820", "US", None, "+4930901820"),  # a landline: no texts; its own country code counts
        ("+1 202 456 1111", None, "+12024561111", "+12024561111"),  # in America nobody can tell
        ("+49151", "DE", None, None),
        ("call me", "DE", None, None),
    ],
)
def test_numbers_are_dialled_as_e164_and_only_mobiles_are_texted(
    number: str, country: str | None, texted: str | None, dialled: str | None
) -> None:
    assert CHANNELS[ChannelName.SMS].deliverable(number, country) == texted
    assert CHANNELS[ChannelName.CALL].deliverable(number, country) == dialled


def test_another_channel_is_one_file_in_each_place_and_a_line_in_each_table() -> None:
    """What the webhook has of its own, beside what an account says of it."""
    naming = {
        str(path.relative_to(ROOT))
        for package in ("delivery", "aws")
        for path in (ROOT / "winback" / package).rglob("*.py")
        if re.search(r"\bwebhook\b|Webhook", path.read_text()) and path.parts[-2] == "channels"
    }
    assert naming == {
        "winback/delivery/channels/webhook.py",
        "winback/aws/channels/webhook.py",
        "winback/delivery/channels/__init__.py",
        "winback/aws/channels/__init__.py",
    }
    for table in ("delivery", "aws"):
        lines = (ROOT / "winback" / table / "channels" / "__init__.py").read_text().splitlines()
        assert sum("ChannelName.WEBHOOK" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("identity", "answerable"),
    [
        (None, False),
        ("Fjord", False),
        ("+4915799999999", True),
        ("pool-0123", True),
        ("arn:aws:sms-voice:eu-central-1:123456789012:phone-number/phone-1", True),
        ("arn:aws:sms-voice:eu-central-1:123456789012:sender-id/Fjord/DE", False),
    ],
)
def test_a_text_can_be_answered_where_it_comes_from_a_number(identity: str | None, answerable: bool) -> None:
    assert SmsSettings(origination_identity=identity).answerable is answerable


@pytest.mark.parametrize("sender_id", ["", "12345", "-Fjord", "Fjord Records", "ABCDEFGHIJKL"])
def test_a_sender_id_that_no_country_takes_is_refused(sender_id: str) -> None:
    with pytest.raises(ValueError, match="sender_ids"):
        SmsSettings(sender_ids={"DE": sender_id})
