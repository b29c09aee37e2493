"""Profiles in the customers table: only what a statement changes is written."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from winback.accounts import Account
from winback.accounts.channels import ChannelName
from winback.aws import keys
from winback.aws.tables import GET_BATCH, Item, batch_get, create_all, put_if, standing_in_the_way
from winback.customers import ConsentState, Customer, profile_of
from winback.identifiers import AccountId, CustomerKey
from winback.instants import format_instant

THREADS = 8
ATTEMPTS = 10


class Contended(RuntimeError):
    """Others kept changing the same profiles; the caller's retry starts over."""


class ProfileStore:
    def __init__(self, customers_table: Any) -> None:
        self._table = customers_table

    def upsert(
        self,
        account: Account,
        customers: Sequence[Customer],
        *,
        received_at: datetime,
        statement: str,
    ) -> list[Customer]:
        """The customers whose profile the statement changed; each is stated at most once.

        `statement` names the import or batch: what it wrote itself counts as changed. So a retry after a crash in the
        middle gives the same answer, and writes the same profiles.
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
            return known.get(keys.pair(place), {})

        return [each for each in customers if before(each).get("fingerprint") != each.fingerprint()]

    def deny(
        self,
        account_id: AccountId,
        denials: Mapping[tuple[CustomerKey, ChannelName], datetime],
        source: str = "event",
        *,
        unknown_too: bool = False,
    ) -> int:
        """Denies consent from these times on, where nothing later was said; returns how many profiles changed.

        A customer without a profile is never written to. With `unknown_too` the denial is kept for when there is one:
        what was told of customers before they were told themselves holds too.
        """
        if not denials:
            return 0

        def one(denial: tuple[tuple[CustomerKey, ChannelName], datetime]) -> bool:
            (customer, channel), at = denial
            consent = {"state": ConsentState.DENIED.value, "at": format_instant(at), "source": source}
            return self._deny(keys.profile(account_id, customer), channel, consent, unknown_too=unknown_too)

        with ThreadPoolExecutor(min(THREADS, len(denials))) as pool:
            return sum(pool.map(one, denials.items()))

    def _deny(self, place: keys.Key, channel: ChannelName, consent: Item, *, unknown_too: bool) -> bool:
        for _ in range(ATTEMPTS):
            try:
                self._table.update_item(
                    Key=place,
                    # A higher revision stops a statement that is being merged into what was read before.
                    UpdateExpression="SET consent.#channel = :consent ADD revision :one",
                    ConditionExpression=(
                        "attribute_exists(consent) AND (attribute_not_exists(consent.#channel)"
                        " OR consent.#channel.#at < :at OR attribute_exists(consent.#channel.undated)"
                        " OR (consent.#channel.#at = :at AND consent.#channel.#state <> :denied))"
                    ),
                    ExpressionAttributeNames={"#channel": channel.value, "#at": "at", "#state": "state"},
                    ExpressionAttributeValues={
                        ":consent": consent,
                        ":at": consent["at"],
                        ":denied": ConsentState.DENIED.value,
                        ":one": 1,
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if standing_in_the_way(error) is not None or not unknown_too:
                    return False
            else:
                return True
            if put_if(self._table, {**place, "consent": {channel.value: consent}}, "attribute_not_exists(pk)"):
                return True
        raise Contended("a profile kept coming and going while a denial was written")

    def _upsert_batch(
        self,
        account: Account,
        customers: Sequence[Customer],
        received_at: datetime,
        statement: str,
    ) -> list[Customer]:
        """What somebody else created or changed after it was read (an unsubscribe, another import) is read and merged
        again."""
        places = {each.customer_id: keys.profile(account.account_id, _key(account, each)) for each in customers}
        pending, changed = list(customers), set[str]()
        for _ in range(ATTEMPTS):
            known = batch_get(self._table, [places[each.customer_id] for each in pending], consistent=True)
            new: list[Item] = []
            overtaken = set[tuple[str, str]]()
            for customer in pending:
                place = places[customer.customer_id]
                before = known.get(keys.pair(place))
                same = before is not None and before.get("fingerprint") == customer.fingerprint()
                if not same or (before or {}).get("stated_by") == statement:
                    changed.add(customer.customer_id)
                if same:
                    continue
                item = {**place, "stated_by": statement, **profile_of(customer, before, received_at=received_at)}
                if before is None:
                    new.append(item)
                elif not self._replace(before, item):
                    overtaken.add(keys.pair(place))
            overtaken |= {keys.pair(item) for item in create_all(self._table, new)}
            if not overtaken:
                return [each for each in customers if each.customer_id in changed]
            pending = [each for each in pending if keys.pair(places[each.customer_id]) in overtaken]
        raise Contended(f"{len(pending)} profiles kept changing while they were written")

    def _replace(self, before: Item, item: Item) -> bool:
        """Puts `item` in the place of what was read; False when that is no longer there."""
        revision = before.get("revision")
        condition = "attribute_not_exists(revision)" if revision is None else "revision = :read"
        values = {} if revision is None else {":read": revision}
        revised = {**item, "revision": (revision or 0) + 1}
        return put_if(self._table, revised, f"attribute_exists(pk) AND {condition}", values)


def _key(account: Account, customer: Customer) -> CustomerKey:
    return account.customer_key(customer.customer_id)
