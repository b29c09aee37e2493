"""Codes of offers: each is given once, whoever asks at the same moment and whoever dies.

A pool is a counter and chunks of codes. Taking n codes moves the counter by n in one conditional update, and the codes
of these numbers are then nobody else's: imported ones are read from the chunks, generated ones are computed. A sender
that dies in between leaves its numbers unused, and they stay so. A send's code rides on its ledger row, so a send that
is claimed again keeps it.

An import first claims each code for the account by a conditional put, so that no code is in two pools or twice in one,
then appends the codes and moves the counter in one transaction. Repeating an import that died goes on where it was;
repeating one that finished changes nothing.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from winback.aws import keys
from winback.aws.tables import GET_BATCH, batch_get, query_all, standing_in_the_way
from winback.identifiers import AccountId
from winback.offers.codes import MOST_CODES, generated_codes
from winback.offers.offer import CodeKind, Offer
from winback.offers.pool import PoolState

MOST_IMPORTED = 20_000
"""Codes of one import: its chunks and the counter are one transaction of at most 100 items and 4 MB:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html"""
CHUNK_CODES = 250
_ATTEMPTS = 10


class NoPool(RuntimeError):
    """The offer's codes are of another kind than what was asked."""


class PoolChanged(RuntimeError):
    """Another import kept changing the pool or claiming the same codes; repeating the request goes on."""


class TooManyCodes(ValueError):
    """An offer cannot have so many."""


@dataclass(frozen=True)
class Imported:
    """`added` codes are new to the pool; `duplicates` belong to a pool already."""

    added: int
    duplicates: int


OnLow = Callable[[AccountId, str, PoolState], None]
"""Told once as a pool runs low: of which account and offer, and how it stands."""


class CodePools:
    def __init__(self, campaigns_table: Any, on_low: OnLow | None = None) -> None:
        self._table = campaigns_table
        self._on_low = on_low

    def take(self, account_id: AccountId, offer: Offer, count: int) -> list[str]:
        """`count` codes that nobody else gets, or as many as there are. Of a shared code that one, `count` times.

        Of an offer without codes nothing: an empty list.
        """
        match offer.codes:
            case CodeKind.NONE:
                return []
            case CodeKind.SHARED:
                return [offer.shared_code or ""] * count
            case CodeKind.POOL | CodeKind.GENERATED:
                numbers, secret = self._numbers(account_id, offer.offer_id, count)
                if not numbers:
                    return []
                if offer.codes is CodeKind.GENERATED:
                    return list(generated_codes(secret, numbers, offer.code_prefix))
                return self._imported_codes(account_id, offer.offer_id, numbers)

    def state(self, account_id: AccountId, offer: Offer) -> PoolState:
        """Raises NoPool for codes that are not unique."""
        _require(offer, CodeKind.POOL, CodeKind.GENERATED)
        item = self._pool(account_id, offer.offer_id)
        return PoolState(given=int(item.get("given", 0)), left=int(item.get("left", 0)))

    def add(self, account_id: AccountId, offer: Offer, codes: Sequence[str]) -> Imported:
        """At most MOST_IMPORTED at a time. Raises NoPool, TooManyCodes, PoolChanged."""
        _require(offer, CodeKind.POOL)
        distinct = list(dict.fromkeys(codes))
        if len(distinct) > MOST_IMPORTED:
            raise TooManyCodes(f"{len(distinct)} codes at once: expected at most {MOST_IMPORTED}")
        import_id = hashlib.sha256("\n".join([offer.offer_id, *distinct]).encode()).hexdigest()[:24]
        done = keys.code_import(account_id, offer.offer_id, import_id)
        if item := self._table.get_item(Key=done, ConsistentRead=True).get("Item"):
            return Imported(int(item["added"]), int(item["duplicates"]) + len(codes) - len(distinct))
        fresh = [
            code
            for start in range(0, len(distinct), GET_BATCH)
            for code in self._claimed(account_id, offer.offer_id, import_id, distinct[start : start + GET_BATCH])
        ]
        self._append(account_id, offer.offer_id, done, fresh, len(distinct) - len(fresh))
        return Imported(len(fresh), len(codes) - len(fresh))

    def generate(self, account_id: AccountId, offer: Offer, size: int) -> PoolState:
        """Makes the codes up to number `size` takeable, those that exist among them: they go to the shop first.

        Never fewer than there are. Raises NoPool, TooManyCodes, PoolChanged.
        """
        _require(offer, CodeKind.GENERATED)
        if size > MOST_CODES:
            raise TooManyCodes(f"{size} codes: expected at most {MOST_CODES} of one offer")
        for _ in range(_ATTEMPTS):
            item = self._pool(account_id, offer.offer_id)
            known, given, left = (int(item.get(name, 0)) for name in ("size", "given", "left"))
            if known >= size:
                return PoolState(given, left)
            try:
                self._table.update_item(**self._grown(account_id, offer.offer_id, known, size - known))
            except ClientError as error:
                standing_in_the_way(error)
        raise PoolChanged(f"the codes of offer {offer.offer_id} kept changing: repeat the request")

    def exported(self, account_id: AccountId, offer: Offer, start: int, count: int) -> list[str]:
        """Generated codes from number `start` on, given or not, as the shop needs them. Raises NoPool."""
        _require(offer, CodeKind.GENERATED)
        item = self._pool(account_id, offer.offer_id)
        if not item:
            return []
        numbers = range(start, min(start + count, int(item["size"])))
        return list(generated_codes(_secret(item), numbers, offer.code_prefix))

    def _numbers(self, account_id: AccountId, offer_id: str, count: int) -> tuple[range, bytes]:
        """Numbers of codes that are the caller's alone from now on, at most `count`, and the pool's secret."""
        ask = count
        while ask > 0:
            try:
                item = self._table.update_item(
                    Key=keys.code_pool(account_id, offer_id),
                    UpdateExpression="ADD given :ask, #left :less",
                    ConditionExpression="#left >= :ask",
                    ExpressionAttributeNames={"#left": "left"},
                    ExpressionAttributeValues={":ask": ask, ":less": -ask},
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )["Attributes"]
            except ClientError as error:
                there = standing_in_the_way(error) or {}
                ask = min(ask, int(there.get("left", 0)))
            else:
                given, left = int(item["given"]), int(item["left"])
                before, now = PoolState(given - ask, left + ask), PoolState(given, left)
                if self._on_low is not None and now.low and not before.low:
                    self._on_low(account_id, offer_id, now)
                return range(given - ask, given), _secret(item)
        return range(0), b""

    def _imported_codes(self, account_id: AccountId, offer_id: str, numbers: range) -> list[str]:
        """A chunk holds at most CHUNK_CODES, so the one with the first number begins less than that before it."""
        first = keys.code_chunk(account_id, offer_id, max(0, numbers.start - CHUNK_CODES + 1))
        last = keys.code_chunk(account_id, offer_id, numbers.stop - 1)
        found: dict[int, str] = {}
        for chunk in query_all(
            self._table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={":pk": first["pk"], ":first": first["sk"], ":last": last["sk"]},
            ConsistentRead=True,
        ):
            found.update(enumerate(chunk["codes"], int(chunk["first"])))
        return [found[number] for number in numbers]

    def _claimed(self, account_id: AccountId, offer_id: str, import_id: str, codes: Sequence[str]) -> list[str]:
        """Those of the codes that are this import's; at most 100."""
        by_code = {code: keys.code(account_id, code) for code in codes}
        for _ in range(_ATTEMPTS):
            there = batch_get(self._table, by_code.values(), consistent=True)
            owners = {code: there.get(keys.pair(key), {}).get("import_id") for code, key in by_code.items()}
            free = [code for code, owner in owners.items() if owner is None]
            if not free:
                return [code for code, owner in owners.items() if owner == import_id]
            self._transact(
                [
                    self._put(
                        {**by_code[code], "import_id": import_id, "offer_id": offer_id},
                        "attribute_not_exists(pk)",
                    )
                    for code in free
                ]
            )
        raise PoolChanged("another import kept claiming the same codes: repeat the request")

    def _append(
        self, account_id: AccountId, offer_id: str, done: keys.Key, fresh: Sequence[str], duplicates: int
    ) -> None:
        record = self._put({**done, "added": len(fresh), "duplicates": duplicates}, "attribute_not_exists(pk)")
        for _ in range(_ATTEMPTS):
            size = int(self._pool(account_id, offer_id).get("size", 0))
            chunks = [
                self._put(
                    {
                        **keys.code_chunk(account_id, offer_id, size + start),
                        "first": size + start,
                        "codes": list(fresh[start : start + CHUNK_CODES]),
                    }
                )
                for start in range(0, len(fresh), CHUNK_CODES)
            ]
            grown = self._grown(account_id, offer_id, size, len(fresh))
            if self._transact([record, *chunks, {"Update": {"TableName": self._table.name, **grown}}]):
                return
            if "Item" in self._table.get_item(Key=done, ConsistentRead=True):
                return  # the same import, asked for twice at once
        raise PoolChanged(f"the codes of offer {offer_id} kept changing: repeat the request")

    def _grown(self, account_id: AccountId, offer_id: str, size: int, more: int) -> dict[str, Any]:
        """The update that makes `more` codes takeable, if the pool still has `size`."""
        return {
            "Key": keys.code_pool(account_id, offer_id),
            "UpdateExpression": (
                "SET #size = :grown, secret = if_not_exists(secret, :secret) ADD #left :more, given :none"
            ),
            "ConditionExpression": "#size = :size" if size else "attribute_not_exists(#size) OR #size = :size",
            "ExpressionAttributeNames": {"#left": "left", "#size": "size"},
            "ExpressionAttributeValues": {
                ":size": size,
                ":grown": size + more,
                ":more": more,
                ":none": 0,
                ":secret": secrets.token_hex(32),
            },
        }

    def _put(self, item: dict[str, Any], condition: str | None = None) -> dict[str, Any]:
        given = {"ConditionExpression": condition} if condition else {}
        return {"Put": {"TableName": self._table.name, "Item": item, **given}}

    def _transact(self, writes: list[dict[str, Any]]) -> bool:
        """False when a condition did not hold, or another transaction was at it."""
        try:
            self._table.meta.client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if error.response["Error"]["Code"] not in (
                "TransactionCanceledException",
                "TransactionInProgressException",
            ):
                raise
            return False
        return True

    def _pool(self, account_id: AccountId, offer_id: str) -> dict[str, Any]:
        answer = self._table.get_item(Key=keys.code_pool(account_id, offer_id), ConsistentRead=True)
        item: dict[str, Any] = answer.get("Item") or {}
        return item


def _require(offer: Offer, *kinds: CodeKind) -> None:
    if offer.codes not in kinds:
        expected = " or ".join(f"'{kind}'" for kind in kinds)
        raise NoPool(f"offer {offer.offer_id} has codes '{offer.codes}': expected {expected} for this")


def _secret(pool: dict[str, Any]) -> bytes:
    return bytes.fromhex(pool["secret"])
