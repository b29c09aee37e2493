from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from winback.aws import code_pools
from winback.aws.budgets import Budgets
from winback.aws.code_pools import CodePools, Imported, NoPool, PoolChanged
from winback.aws.handout import CodeReserve, Handout
from winback.identifiers import AccountId
from winback.offers.codes import code_is_sound
from winback.offers.offer import CodeKind, Offer

ACME = AccountId("acme")
NOW = "2026-11-21T09:30:00Z"


def offer(codes: CodeKind = CodeKind.POOL, number: int = 1, **changes: Any) -> Offer:
    return Offer.model_validate(
        {
            "offer_id": f"off-{number:012x}",
            "name": "Priority service",
            "kind": "service",
            "currency": "EUR",
            "codes": codes,
            "created_at": NOW,
            "updated_at": NOW,
            **changes,
        }
    )


@pytest.fixture
def pools(tables: Any) -> CodePools:
    return CodePools(tables.campaigns)


def test_imported_codes_are_given_in_their_order_each_once(pools: CodePools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_pools, "CHUNK_CODES", 7)
    codes = [f"CODE-{number}" for number in range(50)]
    assert pools.add(ACME, offer(), codes[:30]) == Imported(added=30, duplicates=0)
    assert pools.add(ACME, offer(), codes[20:]) == Imported(added=20, duplicates=10)
    given = [code for count in (1, 8, 0, 20, 15) for code in pools.take(ACME, offer(), count)]
    assert given == codes[:44]
    assert (pools.state(ACME, offer()).given, pools.state(ACME, offer()).left) == (44, 6)
    assert pools.take(ACME, offer(), 10) == codes[44:]
    assert pools.take(ACME, offer(), 10) == []


@pytest.mark.parametrize("kind", [CodeKind.POOL, CodeKind.GENERATED])
def test_two_launches_that_race_for_one_pool_share_it_exactly(pools: CodePools, kind: CodeKind) -> None:
    wanted = offer(kind)
    if kind is CodeKind.POOL:
        pools.add(ACME, wanted, [f"CODE-{number}" for number in range(40)])
    else:
        pools.generate(ACME, wanted, 40)

    def send(_: int) -> list[str]:
        return [code for _ in range(2) for code in pools.take(ACME, wanted, 3)]

    with ThreadPoolExecutor(8) as senders:
        taken = [code for codes in senders.map(send, range(8)) for code in codes]
    assert len(taken) == len(set(taken)) == 40
    assert pools.state(ACME, wanted).left == 0


def test_a_launch_shows_the_shared_code_that_it_froze_whatever_others_of_the_offer_froze(tables: Any) -> None:
    reserve = CodeReserve(tables.campaigns)
    before, after = (offer(CodeKind.SHARED, shared_code=code) for code in ("SPRING", "SUMMER"))
    assert reserve.take(ACME, before, 20) == "SPRING"
    reserve.keep(ACME, before, "SPRING")
    assert reserve.take(ACME, after, 20) == "SUMMER"


def test_a_sender_takes_no_more_codes_than_its_rows_still_want(tables: Any, pools: CodePools) -> None:
    """What lies in one sender is missing in another: its customers would be skipped for want of a code."""
    pools.add(ACME, offer(), [f"CODE-{number}" for number in range(5)])
    definition = SimpleNamespace(budget=None, offers=None)
    launch: Any = SimpleNamespace(account_id=ACME, offers=(offer(),), definition=definition)
    one, other = CodeReserve(tables.campaigns), CodeReserve(tables.campaigns)
    budgets, offer_id = Budgets(tables.campaigns), offer().offer_id
    first = Handout(launch, budgets, one, {offer_id: 2})
    unused = first.take_code(offer_id)
    assert unused is not None
    given = [first.take_code(offer_id)]
    first.keep_code(offer_id, unused)  # its customer gets no message
    second = Handout(launch, budgets, one, {offer_id: 3})
    given += [second.take_code(offer_id) for _ in range(3)]
    given.append(Handout(launch, budgets, other, {offer_id: 1}).take_code(offer_id))
    assert sorted(map(str, given)) == [f"CODE-{number}" for number in range(5)]


def test_a_repeated_import_changes_nothing_and_a_code_is_in_one_pool_of_the_account(pools: CodePools) -> None:
    assert pools.add(ACME, offer(), ["ONE", "TWO", "ONE"]) == Imported(added=2, duplicates=1)
    assert pools.add(ACME, offer(), ["ONE", "TWO", "ONE"]) == Imported(added=2, duplicates=1)
    assert pools.state(ACME, offer()).left == 2
    assert pools.add(ACME, offer(number=2), ["TWO", "THREE"]) == Imported(added=1, duplicates=1)
    assert pools.add(AccountId("brand-b"), offer(), ["ONE"]) == Imported(added=1, duplicates=0)


@pytest.mark.parametrize("dies_at", [1, 2, 3])
@pytest.mark.parametrize("after_the_write", [False, True])
def test_an_import_that_died_at_any_write_is_finished_by_its_repetition(
    pools: CodePools, monkeypatch: pytest.MonkeyPatch, dies_at: int, *, after_the_write: bool
) -> None:
    monkeypatch.setattr(code_pools, "GET_BATCH", 4)
    codes = [f"CODE-{number}" for number in range(7)]
    transact, calls = pools._transact, 0

    class KilledError(Exception):
        pass

    def dying(writes: list[dict[str, Any]]) -> bool:
        nonlocal calls
        calls += 1
        if calls != dies_at:
            return transact(writes)
        if after_the_write:
            transact(writes)
        raise KilledError

    with monkeypatch.context() as killed:
        killed.setattr(pools, "_transact", dying)
        with pytest.raises(KilledError):
            pools.add(ACME, offer(), codes)
    assert pools.add(ACME, offer(), codes) == Imported(added=7, duplicates=0)
    assert pools.take(ACME, offer(), 10) == codes


def test_imports_that_race_for_the_same_codes_give_each_to_one_pool(pools: CodePools) -> None:
    codes = [f"CODE-{number}" for number in range(40)]

    def add(number: int) -> None:
        for _ in range(5):
            try:
                pools.add(ACME, offer(number=number % 2 + 1), codes[number * 10 :])
            except PoolChanged:
                continue
            return

    with ThreadPoolExecutor(4) as importers:
        list(importers.map(add, range(4)))
    taken = [code for number in (1, 2) for code in pools.take(ACME, offer(number=number), 200)]
    assert sorted(taken) == sorted(codes)


def test_generated_codes_are_given_only_once_they_were_made_for_the_shop(pools: CodePools) -> None:
    wanted = offer(CodeKind.GENERATED, code_prefix="BACK-")
    assert pools.take(ACME, wanted, 3) == []
    assert pools.exported(ACME, wanted, 0, 10) == []
    pools.generate(ACME, wanted, 20)
    pools.generate(ACME, wanted, 10)
    exported = pools.exported(ACME, wanted, 0, 100)
    assert len(exported) == 20
    assert pools.take(ACME, wanted, 25) == exported
    assert all(code_is_sound(code, "BACK-") for code in exported)
    pools.generate(ACME, wanted, 30)
    assert pools.take(ACME, wanted, 25) == pools.exported(ACME, wanted, 20, 100)
    other = offer(CodeKind.GENERATED, number=2, code_prefix="BACK-")
    pools.generate(ACME, other, 20)
    assert not set(pools.take(ACME, other, 20)) & set(exported)


def test_a_pool_tells_once_when_it_runs_low(tables: Any) -> None:
    told: list[tuple[str, int]] = []
    pools = CodePools(tables.campaigns, lambda _, offer_id, state: told.append((offer_id, state.left)))
    wanted = offer(CodeKind.GENERATED)
    assert not pools.generate(ACME, wanted, 2_000).low
    for count, expected in ((1_799, []), (1, [(wanted.offer_id, 200)]), (1, [(wanted.offer_id, 200)])):
        pools.take(ACME, wanted, count)
        assert told == expected
    assert pools.state(ACME, wanted).low


def test_a_shared_code_is_everybodys_and_has_no_pool(pools: CodePools) -> None:
    shared = offer(CodeKind.SHARED, shared_code="WELCOME")
    assert pools.take(ACME, shared, 2) == ["WELCOME", "WELCOME"]
    assert pools.take(ACME, offer(CodeKind.NONE), 2) == []
    with pytest.raises(NoPool, match="expected 'pool' for this"):
        pools.add(ACME, shared, ["ONE"])


def test_an_error_of_the_table_is_not_taken_for_an_empty_pool(pools: CodePools, tables: Any) -> None:
    tables.campaigns.delete()
    with pytest.raises(ClientError):
        pools.take(ACME, offer(), 1)
