"""The words that free text is read by, and what each says a figure beside it is."""

import re
from dataclasses import dataclass

from winback.briefs.numbers import Unit

MAIL = re.compile(r"[^\s@<>\"(),;:]+@[^\s@<>\"(),;:]+")
TELEPHONE = re.compile(r"(?<![\w.,])\+?\d[\d ()/-]{7,}\d(?![\w%])")
BULLET = re.compile(r"^\s*(?:[-*•·+>#]+|\d{1,2}[.)])\s+")
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9£€$])|;|\s[\u2013\u2014]\s")
PART = re.compile(r",(?!\d)|\s(?:and|but|plus|while|with)\s|[()]|\s-\s|/(?=\s)")
LABEL = re.compile(r"^\s*([^:\d%£€$]{2,60}?)\s*(?::|=|\s-\s)\s*(?=\S)")
FIELD_WORDS = re.compile(
    r"(?i)\b(channels?|tools?|goals?|aims?|objectives?|constraints?|limits?|rules?|budget|aov|order value|margins?|"
    r"returns?|refunds?|opt[- ]?ins?|consent|rate|cycle|frequency|business|churn|basket|discounts?)\b"
)
GOAL = re.compile(
    r"(?i)^\s*(?:(?:our |the |main )*(?:goals?|aims?|objectives?|targets?)\b|"
    r"(?:we )?(?:want|need|would like|'d like|plan|hope) to\b|"
    r"(?:increase|reduce|grow|cut|reactivate|win back|bring back|promote|improve|raise|lift)\b)"
)
GOAL_LABEL = re.compile(r"(?i)^\s*(?:our |the |main )*(?:goals?|aims?|objectives?)\s*(?:is|are|:)?\s*(?:to\s)?")
RULE = re.compile(
    r"(?i)\b(at most|max(?:imum)?|no more than|not more than|never|must not|cannot|can't|don't want|do not want|"
    r"no discounts?|no sales?|no coupons?|only once|limit(?:ed)? to|cap(?:ped)? at|up to|constraints?)\b"
)
DISCOUNT = re.compile(r"(?i)\b(discounts?|off|coupons?|vouchers?|sale)\b")
NO_DISCOUNT = re.compile(r"(?i)\b(no|never|without|zero)\s+(?:\w+\s+)?(discounts?|coupons?|vouchers?|sales?)\b")
CONTACTS = re.compile(
    r"(?i)\b(\d{1,3}|one|two|three|four|once|twice)\s*(?:e-?mails?|messages?|contacts?|sends?|touches|newsletters?|mailings?|"
    r"texts?|sms|times?)?\s*(?:a|per|each|every|/)\s*(day|week|fortnight|month|quarter)\b"
)
SPELLED = {"one": 1, "two": 2, "three": 3, "four": 4, "once": 1, "twice": 2}
PERIOD = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "quarter": 91}
OFTEN = re.compile(
    r"(?i)(\d+(?:[.,]\d+)?)\s*(?:x|times|orders?|purchases?)\s*(?:(?:a|per|each|every|/)\s*)(?:customer\s*)?"
    r"(year|yr|annum|month|quarter)\b"
)
A_YEAR = {"year": 1, "yr": 1, "annum": 1, "month": 12, "quarter": 4}
BUSINESS = re.compile(
    r"(?i)\b(dtc|d2c|direct[- ]to[- ]consumer|marketplace|subscription|brand|shop|store|retailer|boutique|e-?commerce|"
    r"label|webshop|we sell|we are|we're)\b"
)
SEASON = re.compile(
    r"(?i)\b(christmas|black friday|cyber monday|seasonal|season|peaks?|holidays?|summer|winter|spring|autumn|easter|"
    r"valentine'?s?|mother'?s day|singles'? day|ramadan|lunar new year)\b"
)
UNKNOWN = re.compile(r"(?i)\b(unknown|don'?t know|do not know|no idea|not sure|not tracked|no data|unclear)\b|\?\s*$")
MOVED = re.compile(r"(?i)\b(from|fell|rose|dropped|went|used to|was|were|last year)\b")
PEOPLE = re.compile(
    r"(?i)\b(customers?|buyers?|people|members?|contacts?|shoppers?|users?|subscribers?|clients?|accounts?)\b"
)
USED = re.compile(
    r"(?i)\b(channels?|tools?|use|using|have|run|running|send|sending|available|connected|set up|through|via|on)\b"
)
NOT = re.compile(r"(?i)\b(no|not|without|don'?t|do not|never|lack|neither|nor)\b")
ONLY_CHANNELS = re.compile(r"(?i)^[\w\s&-]{2,40}$")


@dataclass(frozen=True)
class Known:
    """A figure of `unit` beside one of these words is the field."""

    field: str
    label: str
    words: re.Pattern[str]
    units: tuple[Unit, ...]
    of_segment: str | None = None
    """The field of a segment that it is within a segment's line; None: it is not told of segments."""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)\b(?:{pattern})\b")


FIELDS: tuple[Known, ...] = (
    Known(
        "average_order_value",
        "average order",
        _words(
            r"aov|average (?:order|basket|purchase|ticket)(?: value| size)?|avg\.? (?:order|basket)(?: value)?|"
            r"basket(?: size| value)?|order value"
        ),
        ("money", "plain"),
        "average_order_value",
    ),
    Known("gross_margin_percent", "gross margin", _words(r"(?:gross )?margins?"), ("percent",)),
    Known(
        "repeat_rate_percent",
        "repeat rate",
        _words(
            r"repeat(?: purchase| customer)?(?: rate)?|buy again|second (?:order|purchase)|come back|came back|reorder|"
            r"bought twice|repurchase rate"
        ),
        ("percent",),
    ),
    Known(
        "return_rate_percent",
        "returned goods",
        _words(r"return rate|returns|returned|refund rate|refunds?|refunded"),
        ("percent",),
        "return_rate_percent",
    ),
    Known(
        "churn_percent",
        "churn",
        _words(r"churn(?: rate)?|attrition|never come back|(?:don'?t|do not) come back|not come back"),
        ("percent",),
        "churn_percent",
    ),
    Known(
        "purchase_cycle_days",
        "purchase cycle",
        _words(r"every|cycle|reorder|re-?purchase|rebuy|between (?:two )?(?:orders|purchases)|gap|interval|lasts?"),
        ("days",),
    ),
    Known(
        "lapsed_after_days",
        "lapsed after",
        _words(
            r"no (?:purchase|order)s?|not (?:bought|ordered|purchased)|haven'?t (?:bought|ordered|purchased)|silent|"
            r"silence|inactive|without (?:an? )?(?:order|purchase)|lapsed?|dormant|churned|lost|none (?:for|in)|"
            r"nothing (?:for|in)|gone quiet"
        ),
        ("days",),
        "silent_days",
    ),
)
OPT_IN = _words(r"opt(?:ed)?[- ]?ins?|consents?|consented|subscribed|reachable|permission|agreed|allow")
