"""What became of the planned sends of a launch, by the ledger, held against what the provider really took."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from local.inprocess.engine import Engine
from winback.aws import keys
from winback.aws.launch_files import LaunchFiles
from winback.campaigns.launch import Launch
from winback.campaigns.planning import ALLOW
from winback.delivery.ledger import Outcome, outcome
from winback.identifiers import LaunchId, SendId

HANDED_OVER = frozenset(
    {Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.BOUNCED_HARD, Outcome.BOUNCED_SOFT, Outcome.COMPLAINED}
)


@dataclass(frozen=True)
class Tally:
    """`lost`: allowed when planned, and at the end neither handed over, skipped, failed nor unknown, though nobody
    cancelled the launch. `untrue`: the ledger says that it was handed over and the provider never took it, or the
    other way round. `codes_twice`: codes that stand on more than one send. `unknown` is to equal `windows`: the sends
    that a fault met between claim and record and that the provider never took.
    """

    planned: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    cancelled: int = 0
    codes_twice: int = 0
    lost: int = 0
    doubled: int = 0
    untrue: int = 0
    unknown: frozenset[SendId] = frozenset()
    windows: frozenset[SendId] = frozenset()

    @property
    def handed_over(self) -> int:
        return sum(self.outcomes[one] for one in HANDED_OVER)

    @property
    def sound(self) -> bool:
        return (
            not (self.lost or self.doubled or self.untrue or self.codes_twice)
            and self.unknown == self.windows
            and self.balances
        )

    @property
    def balances(self) -> bool:
        ended = self.handed_over + sum(self.outcomes[one] for one in (Outcome.SKIPPED, Outcome.FAILED, Outcome.UNKNOWN))
        return self.planned == ended + self.cancelled + self.lost


def tally(engine: Engine, *launch_ids: LaunchId) -> Tally:
    """Of all the engine's launches, or of those named."""
    outcomes: Counter[Outcome] = Counter()
    planned = cancelled = lost = untrue = 0
    unknown, codes = set(), Counter[str]()
    taken = engine.provider.taken
    wanted = launch_ids or tuple(engine.following)
    for launch_id in wanted:
        launch = engine.launch(launch_id)
        for send_id in allowed_sends(engine, launch):
            planned += 1
            key = keys.send(send_id)
            row = engine.performance.look(key["pk"], key["sk"])
            became = outcome(row)
            if row is not None and became is not Outcome.SKIPPED and "code" in row:
                codes[row["code"]] += 1
            if became is Outcome.DUE:
                cancelled, lost = cancelled + launch.state.over, lost + (not launch.state.over)
            else:
                outcomes[became] += 1
            if became is Outcome.UNKNOWN:
                unknown.add(send_id)
            untrue += (became in HANDED_OVER) != (send_id in taken)
    sent = {send_id: count for send_id, count in taken.items() if send_id.launch_id in wanted}
    met = engine.windows.interrupted | engine.provider.unanswered
    return Tally(
        planned,
        outcomes,
        cancelled,
        codes_twice=sum(count > 1 for count in codes.values()),
        lost=lost,
        doubled=sum(count > 1 for count in sent.values()),
        untrue=untrue,
        unknown=frozenset(unknown),
        windows=frozenset(one for one in met if one not in taken and one.launch_id in wanted),
    )


def allowed_sends(engine: Engine, launch: Launch) -> Iterator[SendId]:
    """Those that the live plans allowed."""
    files = LaunchFiles(engine.unmet_lake, launch)
    for step in launch.steps:
        for key in sorted(files.planned_chunks(step.step)):
            for row in engine.unmet_lake.read_rows(key):
                if row["verdict"] == ALLOW:
                    yield SendId.parse(row["send_id"])
