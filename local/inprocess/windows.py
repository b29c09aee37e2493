"""Sends that a process was in the middle of when it died: claimed, and nothing recorded of the provider's answer."""

from dataclasses import dataclass, field
from typing import Any

from local.inprocess.tables import Write
from winback.delivery.ledger import State
from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId


@dataclass
class Windows:
    """Watches the ledger. `interrupted` are those whose process died, or failed, within the window."""

    open: set[SendId] = field(default_factory=set)
    interrupted: set[SendId] = field(default_factory=set)

    def see(self, table: str, write: Write) -> None:
        pk, sk = write.pair
        if table != "performance" or not sk.startswith("send#"):
            return
        before, after = _state(write.before.item), _state(write.after)
        if before == after:
            return  # a feedback event
        send_id = send_id_of(pk, sk)
        if after == State.CLAIMED:
            self.open.add(send_id)
        else:
            self.open.discard(send_id)

    def interrupt(self) -> None:
        self.interrupted |= self.open
        self.open.clear()


def send_id_of(pk: str, sk: str) -> SendId:
    """Of a ledger row's key (winback.aws.keys.send)."""
    account, customer = pk.split("#")
    _, launch, step = sk.split("#")
    return SendId(AccountId(account), LaunchId(launch), int(step), CustomerKey(customer))


def _state(item: dict[str, Any] | None) -> str | None:
    return item.get("state") if item else None
