"""What decides whether a message of the queue may be sent now: launch, switches and circuit, in one read."""

from dataclasses import dataclass
from typing import Any

from winback.aws import keys
from winback.aws.circuits import StoredCircuit, stored_circuit
from winback.aws.documents import from_item
from winback.aws.launches import UnknownLaunch
from winback.aws.switches import state_of
from winback.aws.tables import batch_get
from winback.campaigns.launch import Launch
from winback.delivery.circuit import circuit_of
from winback.identifiers import AccountId, LaunchId


@dataclass(frozen=True)
class Ground:
    """`stopped`: somebody or something stopped the account's sending, or everybody's."""

    launch: Launch
    stopped: bool
    circuit: StoredCircuit


def read_ground(campaigns_table: Any, account_id: AccountId, launch_id: LaunchId, channel: str) -> Ground:
    """As it is now. Raises UnknownLaunch."""
    wanted = (
        keys.launch(account_id, launch_id),
        keys.switch(None),
        keys.switch(account_id),
        keys.circuit(circuit_of(channel, account_id)),
    )
    found = batch_get(campaigns_table, wanted, consistent=True)
    launch, everything, own, circuit = (found.get(keys.pair(key)) for key in wanted)
    if launch is None:
        raise UnknownLaunch(f"no launch {launch_id}")
    return Ground(
        from_item(Launch, launch),
        stopped=state_of(everything).switch.stopped or state_of(own).switch.stopped,
        circuit=stored_circuit(circuit),
    )
