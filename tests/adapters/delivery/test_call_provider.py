"""The call list as a provider, and all providers together."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from local.inprocess.tables import MemoryTable
from tests.adapters.delivery.outgoing import NOW, SEND_ID, outgoing
from winback.accounts import Account
from winback.aws import keys
from winback.aws.call_tasks import CallTasks
from winback.aws.channels import _BUILT, Providers
from winback.aws.channels.calls import CallProvider
from winback.delivery.answers import Accepted
from winback.delivery.calls import CallIsDone, CallOutcome, CallState
from winback.delivery.channels import ChannelName
from winback.delivery.messages.values import DataMessage


def test_a_call_is_put_on_the_list_once_for_the_accounts_own_day(account: Account) -> None:
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # the next morning in Auckland
    performance = MemoryTable("performance")
    provider = CallProvider(CallTasks(performance), lambda: late)
    message = outgoing(
        account.model_copy(update={"time_zone": "Pacific/Auckland"}), "+49301", DataMessage({"script": "x"})
    )
    named = f"2026-11-22_lau-000000000001_2_{'a' * 32}"
    for _ in range(2):
        assert provider.deliver(message) == Accepted(named)
    key = keys.call(account.account_id, "open", named)
    assert performance.get_item(Key=key)["Item"]["fields"] == {"script": "x"}


def test_two_people_who_say_how_a_call_went_at_once_leave_it_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second read it while it was open: neither word opens it again, and none leaves it on both lists."""
    tasks = CallTasks(MemoryTable("performance"))
    due_on = NOW.date()
    for second in (CallOutcome.NOT_REACHED, CallOutcome.DECLINED):
        send_id = SEND_ID if second is CallOutcome.DECLINED else replace(SEND_ID, step=3)
        call_id = tasks.add(send_id, {"script": "x"}, due_on=due_on, at=NOW)
        opened = tasks.page(send_id.account_id, CallState.OPEN, due_until=None, limit=5, cursor=None).calls[0]
        tasks.settle(send_id.account_id, call_id, CallOutcome.AGREED, comment=None, at=NOW, on=due_on)
        if second is CallOutcome.DECLINED:  # the first one died before the open call went
            tasks._table.put_item(Item=opened)
        else:
            monkeypatch.setattr(tasks, "_item", lambda *_, found=opened: found)
        with pytest.raises(CallIsDone):
            tasks.settle(send_id.account_id, call_id, second, comment=None, at=NOW, on=due_on)
        monkeypatch.undo()
        assert tasks.page(send_id.account_id, CallState.OPEN, due_until=None, limit=5, cursor=None).calls == []


def test_every_channel_has_a_provider_that_is_made_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(_BUILT) == set(ChannelName)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    class Settings:
        campaigns_table = customers_table = performance_table = "t"
        ses_configuration_set, ses_tenants = "winback-test", "false"
        sms_configuration_set = ""

    made = Providers(Settings())
    assert {type(made[channel]).__name__ for channel in made} == {
        "SesProvider",
        "SmsProvider",
        "PushProvider",
        "WebhookProvider",
        "CallProvider",
    }
    assert made[ChannelName.SMS] is made[ChannelName.SMS]
