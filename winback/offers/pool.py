"""How a pool of codes stands."""

from dataclasses import dataclass

LOW_SHARE = 0.1
LOW_CODES = 100


@dataclass(frozen=True)
class PoolState:
    """`given`: codes that were handed out, a few of them to sends that died before they left. `left`: the others."""

    given: int
    left: int

    @property
    def size(self) -> int:
        return self.given + self.left

    @property
    def low(self) -> bool:
        """Time to add codes: a tenth of them, or a hundred, are left."""
        return self.left <= max(LOW_CODES, self.size * LOW_SHARE)
