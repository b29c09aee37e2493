"""Objects of the lake that the changed rows of the send ledger become."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from winback.engagement.sends import SendTouches
from winback.engagement.touches import Touch, earliest
from winback.identifiers import AccountId


@dataclass(frozen=True)
class Export:
    """One account's touches. Its name and date follow from them: the same touches are the same object."""

    account_id: AccountId
    touches: tuple[Touch, ...]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [touch.row() for touch in self.touches]

    @property
    def received(self) -> str:
        """The date of the lake's partition: of the latest touch."""
        return max(touch.at for touch in self.touches).date().isoformat()

    @property
    def name(self) -> str:
        digest = hashlib.sha256(json.dumps(self.rows, sort_keys=True).encode()).hexdigest()
        return f"exp-{digest[:24]}.jsonl.gz"


def exports(sends: Iterable[SendTouches]) -> list[Export]:
    """One for each account that has touches, each touch once, its earliest instant."""
    by_account: defaultdict[AccountId, list[Touch]] = defaultdict(list)
    for send in sends:
        by_account[send.send_id.account_id] += send.touches
    return [Export(account, tuple(earliest(touches))) for account, touches in sorted(by_account.items()) if touches]
