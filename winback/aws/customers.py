"""Profiles in the customers table: only what a statement changes is written."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from winback.accounts import Account
from winback.aws import keys
from winback.aws.tables import GET_BATCH, Item, batch_get, batch_put
from winback.customers import Customer, profile_of
from winback.identifiers import CustomerKey

THREADS = 8


class ProfileStore:
    def __init__(self, customers_table: Any) -> None:
        self._table = customers_table

    def upsert(
        self, account: Account, customers: Sequence[Customer], *, received_at: datetime, statement: str
    ) -> list[Customer]:
        """The customers whose profile the statement changed; each is stated at most once.

        `statement` names the import or batch: what it wrote itself counts as changed.

        So a retry after a crash in the middle gives the same answer, and writes the same profiles.
        """
        batches = [customers[start : start + GET_BATCH] for start in range(0, len(customers), GET_BATCH)]

        def one(batch: Sequence[Customer]) -> list[Customer]:
            return self._upsert_batch(account, batch, received_at, statement)

        if len(batches) < 2:
            return [customer for batch in batches for customer in one(batch)]
        with ThreadPoolExecutor(THREADS) as pool:
            return [customer for changed in pool.map(one, batches) for customer in changed]

    def changed_by(self, account: Account, customers: Sequence[Customer]) -> list[Customer]:
        """Those whose last statement was another one, or who are new."""
        places = {each.customer_id: keys.profile(account.account_id, _key(account, each)) for each in customers}
        known = batch_get(self._table, places.values(), consistent=True)

        def before(customer: Customer) -> Item:
            place = places[customer.customer_id]
            return known.get((place["pk"], place["sk"]), {})

        return [each for each in customers if before(each).get("fingerprint") != each.fingerprint()]

    def _upsert_batch(
        self, account: Account, customers: Iterable[Customer], received_at: datetime, statement: str
    ) -> list[Customer]:
        places = [(each, keys.profile(account.account_id, _key(account, each))) for each in customers]
        known = batch_get(self._table, [place for _, place in places], consistent=True)
        items: list[Item] = []
        changed: list[Customer] = []
        for customer, place in places:
            before = known.get((place["pk"], place["sk"]))
            same = before is not None and before.get("fingerprint") == customer.fingerprint()
            if not same or (before or {}).get("stated_by") == statement:
                changed.append(customer)
            if not same:
                items.append({**place, **profile_of(customer, before, received_at=received_at), "stated_by": statement})
        batch_put(self._table, items)
        return changed


def _key(account: Account, customer: Customer) -> CustomerKey:
    return account.customer_key(customer.customer_id)
