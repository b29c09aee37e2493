"""DynamoDB access shared by all stores: batches that finish, and accounts."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from winback.accounts import Account
from winback.aws import keys
from winback.aws.clients import QUICK
from winback.aws.documents import to_item
from winback.identifiers import AccountId

Item = dict[str, Any]

GET_BATCH = 100  # most keys of one BatchGetItem, most items of one BatchWriteItem:
PUT_BATCH = 25  # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
ACCOUNT_LIFETIME = 60.0  # seconds until a running function sees a changed account
TRANSACTION = 100  # most items of one TransactWriteItems
_NEW = "attribute_not_exists(pk)"
_ATTEMPTS = 10
_READER = TypeDeserializer()


class Throttled(RuntimeError):
    """The table kept refusing part of a batch; the caller's retry starts over."""


class UnknownAccount(LookupError):
    """No account of that id."""


class AccountChanged(RuntimeError):
    """Somebody else stored the account since it was read; nothing was changed."""


def table(name: str) -> Any:
    """The table resource; its items hold plain Python values, numbers as Decimal."""
    return boto3.resource("dynamodb", config=QUICK).Table(name)


class SharedTable:
    """A table for several threads: a resource is not for sharing, the client behind it is
    (https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients)."""

    def __init__(self, table: Any) -> None:
        self.name: str = table.name
        self.meta: Any = table.meta

    def get_item(self, **arguments: Any) -> Any:
        return self.meta.client.get_item(TableName=self.name, **arguments)

    def put_item(self, **arguments: Any) -> Any:
        return self.meta.client.put_item(TableName=self.name, **arguments)

    def update_item(self, **arguments: Any) -> Any:
        return self.meta.client.update_item(TableName=self.name, **arguments)

    def delete_item(self, **arguments: Any) -> Any:
        return self.meta.client.delete_item(TableName=self.name, **arguments)

    def query(self, **arguments: Any) -> Any:
        return self.meta.client.query(TableName=self.name, **arguments)


def batch_get(table: Any, wanted: Iterable[keys.Key], *, consistent: bool = False) -> dict[tuple[str, str], Item]:
    """All existing items of the keys, by (pk, sk). Unprocessed keys are asked for again."""
    unique = list({keys.pair(key): key for key in wanted}.values())
    found: dict[tuple[str, str], Item] = {}
    for start in range(0, len(unique), GET_BATCH):
        pending: Sequence[keys.Key] = unique[start : start + GET_BATCH]
        for attempt in range(_ATTEMPTS):
            answer = table.meta.client.batch_get_item(
                RequestItems={table.name: {"Keys": pending, "ConsistentRead": consistent}}
            )
            for item in answer["Responses"].get(table.name, []):
                found[keys.pair(item)] = item
            pending = answer.get("UnprocessedKeys", {}).get(table.name, {}).get("Keys", [])
            if not pending:
                break
            time.sleep(min(0.05 * 2**attempt, 2))
        else:
            raise Throttled(f"{table.name}: {len(pending)} keys still unread")
    return found


def batch_put(table: Any, items: Iterable[Item]) -> int:
    """Writes all items, whatever was there; returns how many. Keys must differ within one call."""
    with table.batch_writer() as writer:
        count = 0
        for item in items:
            writer.put_item(Item=item)
            count += 1
    return count


def create_all(table: Any, items: Sequence[Item]) -> list[Item]:
    """Creates each item where there is none of its key yet; returns those that found one. Keys must differ.

    Up to a hundred at a time in a transaction, at twice the write units of puts one after another and a fraction of
    their time; a batch of puts would take no condition. Where one is in the way of its transaction, each is put alone.
    """
    refused: list[Item] = []
    for start in range(0, len(items), TRANSACTION):
        together = items[start : start + TRANSACTION]
        if len(together) == 1 or not _create_together(table, together):
            refused += [item for item in together if not put_if(table, item, _NEW)]
    return refused


def _create_together(table: Any, items: Sequence[Item]) -> bool:
    """False, and nothing changed, when one of them cannot be created now."""
    puts = [{"Put": {"TableName": table.name, "Item": item, "ConditionExpression": _NEW}} for item in items]
    try:
        table.meta.client.transact_write_items(TransactItems=puts)
    except ClientError as error:
        if error.response["Error"]["Code"] != "TransactionCanceledException":
            raise
        return False
    return True


def query_all(table: Any, **arguments: Any) -> Iterable[Item]:
    """Every item of a query, page by page."""
    while True:
        page = table.query(**arguments)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def standing_in_the_way(error: ClientError) -> Item | None:
    """The item that made a conditional write fail, where `ReturnValuesOnConditionCheckFailure` asked for it.

    None when there is none. An error that is no failed condition is raised again.
    """
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
    item: Any = error.response.get("Item")
    # The resource interface leaves the item of an error in DynamoDB's own JSON.
    return {name: _READER.deserialize(value) for name, value in item.items()} if item else None


def conditionally(write: Callable[..., object], **arguments: Any) -> bool:
    """Makes one conditional write; False, and nothing changed, when its condition does not hold."""
    try:
        write(**arguments)
    except ClientError as error:
        standing_in_the_way(error)
        return False
    return True


def put_if(table: Any, item: Item, condition: str, values: Mapping[str, Any] | None = None) -> bool:
    """Puts the item; False, and nothing changed, when the condition on what is there does not hold."""
    given = {"ExpressionAttributeValues": dict(values)} if values else {}
    return conditionally(table.put_item, Item=item, ConditionExpression=condition, **given)


class Accounts:
    """Reads accounts, each once a minute per running function. `monotonic` gives seconds.

    `texts_from`: the stage's origination identity; accounts without one are read as having it, and stored without.
    """

    def __init__(
        self, campaigns_table: Any, monotonic: Callable[[], float] = time.monotonic, *, texts_from: str = ""
    ) -> None:
        self._table = campaigns_table
        self._monotonic, self._texts_from = monotonic, texts_from
        self._known: dict[AccountId, tuple[Account, float]] = {}

    def get(self, account_id: AccountId) -> Account:
        """As it was at most ACCOUNT_LIFETIME seconds ago. Raises UnknownAccount."""
        now = self._monotonic()
        account, known_until = self._known.get(account_id, (None, now))
        if account is None or now >= known_until:
            account = self._read(self._item(account_id))
            self._known[account_id] = account, now + ACCOUNT_LIFETIME
        return account

    def read(self, account_id: AccountId) -> Account:
        """As it is now. Raises UnknownAccount."""
        return self._read(self._item(account_id, consistent=True))

    def change(self, account_id: AccountId, change: Callable[[Account], Account]) -> Account:
        """Stores what `change` makes of the account as it is now, and returns it.

        Raises UnknownAccount, and AccountChanged when somebody else stored the account since it was read.
        """
        item = self._item(account_id, consistent=True)
        version = int(item.get("version", 0))
        changed = change(account_from_item(item))
        condition = "version = :read" if version else "attribute_exists(pk) AND attribute_not_exists(version)"
        body = {**_account_item(changed), "version": version + 1}
        if not put_if(self._table, body, condition, {":read": version} if version else None):
            raise AccountChanged(f"account {account_id!r} was changed by another request: read it again and repeat")
        self._known.pop(account_id, None)
        return changed

    def _read(self, item: Item) -> Account:
        account = account_from_item(item)
        channels = account.channels.texting_from(self._texts_from)
        return account if channels is account.channels else account.model_copy(update={"channels": channels})

    def _item(self, account_id: AccountId, *, consistent: bool = False) -> Item:
        item: Item | None = self._table.get_item(Key=keys.account(account_id), ConsistentRead=consistent).get("Item")
        if item is None:
            raise UnknownAccount(f"no account {account_id!r}")
        return item

    def ids(self) -> list[AccountId]:
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.ACCOUNTS_PK},
            ProjectionExpression="sk",
        )
        return [AccountId(row["sk"]) for row in rows]

    def put(self, account: Account) -> None:
        """Creates or replaces, whatever was there; an update goes through `change`."""
        self._table.put_item(Item=_account_item(account))
        self._known.pop(account.account_id, None)

    def create(self, account: Account) -> bool:
        """False, and nothing changed, when an account of that id exists."""
        return put_if(self._table, _account_item(account), "attribute_not_exists(pk)")


def _account_item(account: Account) -> Item:
    body = {name: value for name, value in to_item(account).items() if name != "account_id"}
    return {**keys.account(account.account_id), **body}


def account_from_item(item: Item) -> Account:
    body = {name: value for name, value in item.items() if name not in ("pk", "sk", "version")}
    return Account.model_validate({"account_id": item["sk"], **body})
