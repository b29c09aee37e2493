"""The classes behind the functions, wired to what lies in memory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from winback.accounts.channels import ChannelName
from winback.aws.budgets import Budgets
from winback.aws.code_pools import CodePools
from winback.aws.composing import Composer
from winback.aws.customers import ProfileStore
from winback.aws.dispatch import Dispatch
from winback.aws.dry_runs import DryRuns
from winback.aws.due import DueIndex
from winback.aws.enrolling import Enroller
from winback.aws.evaluating import Evaluator
from winback.aws.feedback import FeedbackBook
from winback.aws.feeding import Feeder
from winback.aws.following import Follower
from winback.aws.launches import LaunchStore
from winback.aws.ledger import Ledger
from winback.aws.lifts import LiftStore
from winback.aws.planned_texts import PlannedTexts
from winback.aws.planner import Planner
from winback.aws.recipients import RecipientStore
from winback.aws.reputation import Reputation
from winback.aws.rivals import Rivals
from winback.aws.sends_queue import SendsQueue
from winback.aws.suppressions import SuppressionList
from winback.aws.tables import Accounts, SharedTable
from winback.identifiers import CustomerKey

if TYPE_CHECKING:
    from local.inprocess.engine import Engine


class NoHours:
    """No send times are predicted."""

    def __call__(self, *_: Any, **__: Any) -> Mapping[CustomerKey, Sequence[float]]:
        return {}


class Workers:
    """The classes behind the functions, as one process holds them; a process that dies takes them along."""

    def __init__(self, engine: "Engine") -> None:
        campaigns, customers, performance = engine.campaigns, engine.customers, engine.performance
        clock, lake = engine.clock, engine.lake
        accounts, launches = Accounts(campaigns, engine.seconds), LaunchStore(campaigns)
        recipients, ledger, reputation = (
            RecipientStore(customers, performance),
            Ledger(performance),
            Reputation(campaigns),
        )
        self.launches, self.accounts = launches, accounts
        self.enroller = Enroller(accounts, launches, recipients, lake)
        self.planner = Planner(
            accounts,
            launches,
            recipients,
            DueIndex(campaigns),
            lake,
            Rivals(launches, lake, engine.seconds),
            NoHours(),
            Budgets(campaigns),
            PlannedTexts(Composer(lake)),
        )
        self.dry_runs = DryRuns(accounts, launches, LiftStore(campaigns), CodePools(campaigns), lake, engine, {})
        self.evaluator = Evaluator(launches, ledger, customers, lake)
        self.follower = Follower(accounts, launches, reputation, clock)
        self.feeder = Feeder(campaigns, SendsQueue("sends", engine.queue).put, engine.quota)
        self.dispatch = Dispatch(
            campaigns_table=SharedTable(campaigns),
            customers_table=SharedTable(customers),
            performance_table=SharedTable(performance),
            lake=lake,
            providers=dict.fromkeys(ChannelName, engine.provider),
            signing_key=lambda: "secret",
            clock=clock,
            wall=clock.wall,
            pause=clock.pass_by,
            threads=engine.threads,
        )
        self.suppressions = SuppressionList(customers)
        self.feedback = FeedbackBook(
            accounts, ProfileStore(customers), self.suppressions, ledger, reputation, clock.wall
        )
