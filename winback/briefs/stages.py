"""Where in their life with a shop the customers of a segment are: what ideas, triggers and owners go by.

The 13 segments of the rule track have a stage each; a segment that somebody names in notes gets one by its words.
"""

import re
from enum import StrEnum

from winback.segmentation.names import Segment


class Stage(StrEnum):
    NEW = "new"
    ONCE = "once"
    ACTIVE = "active"
    BEST = "best"
    SLIPPING_BEST = "slipping best"
    SLIPPING = "slipping"
    LOST_BEST = "lost best"
    LOST = "lost"
    GONE = "gone"
    APART = "apart"
    DISCOUNT = "discount"
    RETURNING_GOODS = "returning goods"
    OTHER = "other"


STAGE_OF = {
    Segment.CHAMPIONS: Stage.BEST,
    Segment.LOYAL: Stage.ACTIVE,
    Segment.BIG_SPENDERS: Stage.BEST,
    Segment.NEW_STARTERS: Stage.NEW,
    Segment.PROMISING: Stage.NEW,
    Segment.RISING: Stage.ACTIVE,
    Segment.SLIPPING_VIPS: Stage.SLIPPING_BEST,
    Segment.SLIPPING_REGULARS: Stage.SLIPPING,
    Segment.LOST_VIPS: Stage.LOST_BEST,
    Segment.LOST_REGULARS: Stage.LOST,
    Segment.ONE_AND_DONE: Stage.ONCE,
    Segment.LONG_GONE: Stage.GONE,
    Segment.TREND_AUDIENCE: Stage.APART,
}

WORKED_FIRST = (
    Stage.SLIPPING_BEST,
    Stage.SLIPPING,
    Stage.LOST_BEST,
    Stage.ONCE,
    Stage.LOST,
    Stage.DISCOUNT,
    Stage.RETURNING_GOODS,
    Stage.OTHER,
    Stage.GONE,
    Stage.NEW,
    Stage.ACTIVE,
    Stage.BEST,
    Stage.APART,
)
"""The order of work where no figures give one: drifting and valuable before lost, lost before those who buy anyway."""

LAPSED = frozenset({Stage.SLIPPING_BEST, Stage.SLIPPING, Stage.LOST_BEST, Stage.LOST, Stage.GONE, Stage.ONCE})
"""Silent for longer than is usual."""
LEFT_ALONE = frozenset({Stage.BEST, Stage.ACTIVE, Stage.NEW, Stage.APART})
"""No win-back by default: they buy anyway, or another conversation is theirs."""

_BEST = r"vips?|best|top|elite|gold|platinum|champions?|high[- ]?value|big spenders?|whales?"
_SLIPPING = r"at[- ]?risk|slipping|slowing|fading|cooling|drifting|declining|lapsing"
_LOST = r"lapsed|lost|churned|inactive|cancelled|canceled|win-?back"
_GONE = r"dormant|hibernating|long gone|sleeping|dead"
_WORDS: tuple[tuple[str, Stage], ...] = (
    (
        r"one[- ]?time(rs?)?|one[- ]?off|one[- ]and[- ]done|single[- ](purchase|order)|bought once|first[- ]?time",
        Stage.ONCE,
    ),
    (r"discount|price[- ]sensitive|bargain|deal|coupon|promo", Stage.DISCOUNT),
    (r"return[- ]?(risk|heavy|prone)|returners|serial return|high returns", Stage.RETURNING_GOODS),
    (_GONE, Stage.GONE),
    (_SLIPPING, Stage.SLIPPING),
    (_LOST, Stage.LOST),
    (r"new|recent|onboarding|welcome|starters?|joiners?", Stage.NEW),
    (_BEST, Stage.BEST),
    (r"active|loyal|regulars?|repeat|returning|subscribers?|members?|engaged", Stage.ACTIVE),
)
SEGMENT_WORDS = re.compile(rf"(?i)\b({'|'.join(words for words, _ in _WORDS)})\b")
"""What names a segment in free text."""
_MATCHES = tuple((re.compile(rf"(?i)\b({words})\b"), stage) for words, stage in _WORDS)
_IS_BEST = re.compile(rf"(?i)\b({_BEST})\b")
_OF_THE_BEST = {Stage.SLIPPING: Stage.SLIPPING_BEST, Stage.LOST: Stage.LOST_BEST, Stage.GONE: Stage.LOST_BEST}


def stage_of(name: str) -> Stage:
    """By the words of a segment's name: `lapsed VIPs` are the lost best; OTHER when none of them tells."""
    stage = next((stage for words, stage in _MATCHES if words.search(name)), Stage.OTHER)
    return _OF_THE_BEST.get(stage, stage) if _IS_BEST.search(name) else stage
