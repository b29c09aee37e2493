"""What a message costs, rounded up to a hundredth of a cent."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.delivery.simulation import BRAND, planned_send
from winback.accounts.channels import ChannelSettings, SmsSettings
from winback.delivery.channels import Outgoing
from winback.delivery.message_cost import cost_in_hundredths
from winback.delivery.messages.values import DataMessage, EmailMessage, PushMessage, SmsMessage
from winback.identifiers import CustomerKey

SMS = SmsSettings(prices={"NO": Decimal("0.0612")}, max_price_cents=20)
ACCOUNT = BRAND.model_copy(update={"channels": ChannelSettings(sms=SMS)})


@pytest.mark.parametrize(
    ("to", "message", "hundredths"),
    [
        ("a@example.com", EmailMessage("s", "h", "t"), 1),
        ("token", PushMessage("t", "b", None), 1),
        ("+4740612345", SmsMessage("Hello"), 612),
        ("+4740612345", SmsMessage("a" * 161), 1224),
        ("+4915112345678", SmsMessage("Hello"), 2000),
        ("1", DataMessage({}), 0),
    ],
)
def test_a_text_costs_its_parts_and_at_most_the_account_s_limit(to: str, message: Any, hundredths: int) -> None:
    send_id = planned_send(0, CustomerKey("0" * 32)).send_id
    assert cost_in_hundredths(Outgoing(send_id, ACCOUNT, to, message, "https://u")) == hundredths
