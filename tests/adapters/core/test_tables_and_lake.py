from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.tables import new_table
from winback.accounts import Account
from winback.aws import keys, lake
from winback.aws.tables import AccountChanged, Accounts, UnknownAccount, batch_get, batch_put

ACCOUNT = Account.model_validate(
    {
        "account_id": "acme",
        "name": "Acme",
        "currency": "EUR",
        "key_salt": "0" * 32,
        "sender": {"name": "Acme", "email": "hello@example.com", "postal_address": "1 High Street"},
        "public_url": "https://example.com",
        "trend_category": "posters",
    }
)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield new_table("things")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[lake.Lake]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="lake")
        yield lake.Lake("lake")


def test_an_account_texts_from_the_stages_number_unless_it_has_its_own_and_is_stored_without(table: Any) -> None:
    accounts = Accounts(table, texts_from="pool-1")
    accounts.put(ACCOUNT)
    assert accounts.get(ACCOUNT.account_id).channels.sms.origination_identity == "pool-1"
    assert accounts.read(ACCOUNT.account_id).channels.sms.answerable
    accounts.change(ACCOUNT.account_id, lambda account: account.model_copy(update={"name": "Other"}))
    assert Accounts(table).read(ACCOUNT.account_id).channels.sms.origination_identity is None
    own = ACCOUNT.channels.texting_from("+12065550100")
    assert own.texting_from("pool-1") == own


def test_batches_larger_than_one_call_are_written_and_read_whole(table: object) -> None:
    wanted = [keys.key(f"p{number}", "x") for number in range(230)]
    assert batch_put(table, ({**one, "n": 1} for one in wanted)) == 230
    assert len(batch_get(table, [*wanted, *wanted, keys.key("absent", "x")])) == 230


def test_an_account_reads_as_it_was_written(table: object) -> None:
    accounts = Accounts(table)
    accounts.put(ACCOUNT)
    assert accounts.get(ACCOUNT.account_id) == ACCOUNT
    assert accounts.ids() == ["acme"]


def test_a_changed_account_is_seen_within_a_minute(table: object) -> None:
    seconds = [0.0]
    accounts, elsewhere = Accounts(table, lambda: seconds[0]), Accounts(table)
    elsewhere.put(ACCOUNT)
    assert accounts.get(ACCOUNT.account_id).name == "Acme"
    elsewhere.change(ACCOUNT.account_id, _renamed("Another"))
    names = []
    for seconds[0] in (59.9, 60.0, 61.0):
        names.append(accounts.get(ACCOUNT.account_id).name)
    assert names == ["Acme", "Another", "Another"]
    assert accounts.read(ACCOUNT.account_id).name == "Another"


@pytest.mark.parametrize("earlier_changes", [0, 1])
def test_of_two_changes_at_the_same_moment_one_is_refused(table: object, earlier_changes: int) -> None:
    accounts, elsewhere = Accounts(table), Accounts(table)
    accounts.put(ACCOUNT)
    for _ in range(earlier_changes):
        accounts.change(ACCOUNT.account_id, _renamed("Earlier"))

    def overtaken(account: Account) -> Account:
        elsewhere.change(ACCOUNT.account_id, _renamed("First"))
        return _renamed("Second")(account)

    with pytest.raises(AccountChanged, match="acme"):
        accounts.change(ACCOUNT.account_id, overtaken)
    assert accounts.get(ACCOUNT.account_id).name == "First"


def _renamed(name: str) -> Callable[[Account], Account]:
    return lambda account: account.model_copy(update={"name": name})


def test_an_unknown_account_is_named(table: object) -> None:
    with pytest.raises(UnknownAccount, match="nobody"):
        Accounts(table).get("nobody")  # type: ignore[arg-type]


def test_rows_survive_the_lake_and_give_the_same_bytes_twice(bucket: lake.Lake) -> None:
    rows = [{"b": 1, "a": "ä"}, {"a": None}]
    bucket.write_rows("x/one.jsonl.gz", rows)
    bucket.write_rows("x/two.jsonl.gz", rows)
    assert bucket.read_rows("x/one.jsonl.gz") == rows
    client = boto3.client("s3")
    one, two = (client.get_object(Bucket="lake", Key=f"x/{name}.jsonl.gz")["Body"].read() for name in ("one", "two"))
    assert one == two
    assert list(bucket.list("x/")) == ["x/one.jsonl.gz", "x/two.jsonl.gz"]


def test_a_write_once_object_keeps_its_first_content(bucket: lake.Lake) -> None:
    bucket.write_rows("plan.jsonl.gz", [{"try": 1}], once=True)
    with pytest.raises(lake.AlreadyWritten):
        bucket.write_rows("plan.jsonl.gz", [{"try": 2}], once=True)
    assert bucket.read_rows("plan.jsonl.gz") == [{"try": 1}]


def test_an_object_that_is_not_there_is_found_missing(bucket: lake.Lake) -> None:
    bucket.write_json("refresh/a/coverage.json", {"a": 1})
    assert bucket.find_json("refresh/a/coverage.json") == {"a": 1}
    assert bucket.find_json("refresh/b/coverage.json") is None


def test_a_missing_object_may_be_denied_to_whoever_lists_one_prefix_only(
    bucket: lake.Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    bucket.write_json("refresh/a/coverage.json", {"a": 1})
    monkeypatch.setattr(bucket._s3, "get_object", deny)
    assert bucket.find_json("refresh/b/coverage.json") is None
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.find_json("refresh/a/coverage.json")
