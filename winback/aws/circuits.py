"""The circuits of providers in the campaigns table: one item each, by the name that winback.delivery.circuit gives it,
changed by version."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.tables import Item, standing_in_the_way
from winback.delivery.circuit import Circuit, CircuitState
from winback.instants import format_instant, parse_instant

_ATTEMPTS = 5


@dataclass(frozen=True)
class StoredCircuit:
    circuit: Circuit = field(default_factory=Circuit)
    version: int = 0


class Circuits:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def read(self, name: str) -> StoredCircuit:
        return stored_circuit(self._table.get_item(Key=keys.circuit(name), ConsistentRead=True).get("Item"))

    def save(self, name: str, circuit: Circuit, *, replacing: int) -> bool:
        """False when somebody else saved it since it was read."""
        return self._put(name, circuit, replacing) is None

    def change(self, name: str, change: Callable[[Circuit], Circuit], known: StoredCircuit) -> StoredCircuit:
        """What `change` makes of the circuit; nothing is written where it stays as it is.

        Where others kept winning, their answers of the provider are as new as ours: it is left to them.
        """
        for _ in range(_ATTEMPTS):
            changed = change(known.circuit)
            if changed == known.circuit:
                return known
            there = self._put(name, changed, known.version)
            if there is None:
                return StoredCircuit(changed, known.version + 1)
            known = there
        return known

    def _put(self, name: str, circuit: Circuit, replacing: int) -> StoredCircuit | None:
        """None when it was written, else what is there."""
        body = {
            "state": circuit.state.value,
            "failures": circuit.failures,
            "openings": circuit.openings,
            "until": format_instant(circuit.until) if circuit.until else None,
            "opened_at": format_instant(circuit.opened_at) if circuit.opened_at else None,
            "error": circuit.error,
        }
        try:
            self._table.put_item(
                Item={
                    **keys.circuit(name),
                    **{name: value for name, value in body.items() if value is not None},
                    "version": replacing + 1,
                },
                ConditionExpression="version = :read" if replacing else "attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **({"ExpressionAttributeValues": {":read": replacing}} if replacing else {}),
            )
        except ClientError as error:
            return stored_circuit(standing_in_the_way(error))
        return None


def stored_circuit(item: Item | None) -> StoredCircuit:
    if item is None:
        return StoredCircuit()
    return StoredCircuit(
        Circuit(
            CircuitState(item["state"]),
            failures=int(item["failures"]),
            openings=int(item["openings"]),
            until=parse_instant(item["until"]) if "until" in item else None,
            opened_at=parse_instant(item["opened_at"]) if "opened_at" in item else None,
            error=item.get("error"),
        ),
        int(item["version"]),
    )
