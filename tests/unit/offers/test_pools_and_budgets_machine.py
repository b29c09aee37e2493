"""Whatever is imported, taken, repeated and given back in whatever order: each code once, no budget exceeded."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from local.inprocess.tables import MemoryTable
from winback.aws.budgets import Budgets
from winback.aws.code_pools import CodePools
from winback.identifiers import AccountId, LaunchId
from winback.offers.budget import Limits, Spend
from winback.offers.offer import CodeKind, Offer

ACME = AccountId("acme")
LAUNCHES = [LaunchId(f"lau-{number:012x}") for number in (1, 2)]
LIMITS = Limits(sends=20, offers_minor=500)
SPENDS = st.builds(
    lambda sends, offers: Spend(sends=sends, offers_minor=offers), st.integers(0, 3), st.integers(0, 120)
)
CODES = [f"CODE-{number}" for number in range(40)]


def offer(kind: CodeKind, number: int) -> Offer:
    stated = {"name": "Service", "kind": "service", "currency": "EUR", "created_at": "x", "updated_at": "x"}
    return Offer.model_validate({**stated, "offer_id": f"off-{number:012x}", "codes": kind})


IMPORTED, OTHER, GENERATED = offer(CodeKind.POOL, 1), offer(CodeKind.POOL, 2), offer(CodeKind.GENERATED, 3)


class PoolsAndBudgets(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        table = MemoryTable("campaigns")
        self.pools, self.budgets = CodePools(table), Budgets(table)
        self.given: list[str] = []
        self.known: set[str] = set()
        self.made = 0
        self.held: list[tuple[LaunchId, Spend]] = []

    @rule(codes=st.lists(st.sampled_from(CODES), min_size=1, max_size=10), into=st.sampled_from([IMPORTED, OTHER]))
    def add(self, codes: list[str], into: Offer) -> None:
        added = self.pools.add(ACME, into, codes)
        assert added.added + added.duplicates == len(codes)
        self.known |= set(codes)

    @rule(size=st.integers(1, 30))
    def generate(self, size: int) -> None:
        self.pools.generate(ACME, GENERATED, size)
        self.made = max(self.made, size)

    @rule(count=st.integers(0, 4), wanted=st.sampled_from([IMPORTED, OTHER, GENERATED]))
    def take_codes(self, count: int, wanted: Offer) -> None:
        left = self.pools.state(ACME, wanted).left
        codes = self.pools.take(ACME, wanted, count)
        assert len(codes) == min(count, left)
        self.given += codes

    @rule(launch=st.sampled_from(LAUNCHES), wanted=st.lists(SPENDS, max_size=6))
    def take_budget(self, launch: LaunchId, wanted: list[Spend]) -> None:
        taken = self.budgets.take(ACME, launch, wanted, LIMITS)
        self.held += [(launch, spend) for spend, fits in zip(wanted, taken, strict=True) if fits]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        launch, spend = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        assert self.budgets.give_back(ACME, launch, spend)

    @invariant()
    def each_code_is_given_once_and_none_that_there_is_not(self) -> None:
        assert len(self.given) == len(set(self.given))
        imported = [code for code in self.given if code.startswith("CODE-")]
        assert set(imported) <= self.known
        states = [self.pools.state(ACME, one) for one in (IMPORTED, OTHER)]
        assert sum(state.size for state in states) == len(self.known)
        assert len(self.given) - len(imported) + self.pools.state(ACME, GENERATED).left == self.made

    @invariant()
    def no_budget_is_exceeded_and_none_is_lost(self) -> None:
        for launch in LAUNCHES:
            held = [spend for one, spend in self.held if one == launch]
            spent = self.budgets.spent(ACME, launch)
            assert LIMITS.hold(spent)
            assert spent.sends == sum(spend.sends for spend in held)
            assert spent.offers_minor == sum(spend.offers_minor for spend in held)


TestPoolsAndBudgets = PoolsAndBudgets.TestCase
TestPoolsAndBudgets.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
