"""Channels and the tools that people name: which channel a tool serves, and what Winback itself does with it."""

import re
from dataclasses import dataclass
from typing import Literal

Handling = Literal["sends", "exports"]


@dataclass(frozen=True)
class Kind:
    name: str
    label: str
    words: str
    """A pattern of what people call it."""
    good_for: str
    weak_at: str


KINDS: tuple[Kind, ...] = (
    Kind("email", "E-mail", r"e-?mails?|newsletters?", "stories, several products, reasons to come back", "urgency"),
    Kind(
        "sms",
        "SMS",
        r"sms|text messag(e|es|ing)|texts",
        "one short fact with a date",
        "anything with pictures; it feels close",
    ),
    Kind(
        "push",
        "App push",
        r"push|app push|push notifications?|mobile app|our app|the app",
        "who has the app and opens it",
        "the lost: they removed it",
    ),
    Kind(
        "wechat",
        "WeChat",
        r"wechat|we ?com|weixin",
        "service and one-to-one selling in China",
        "people who never added you",
    ),
    Kind("whatsapp", "WhatsApp", r"whats ?app", "answers and service, one to one", "bulk: it is blocked quickly"),
    Kind(
        "line",
        "LINE",
        r"line (oa|official|app|account)",
        "service in Japan, Taiwan and Thailand",
        "people who never added you",
    ),
    Kind(
        "mail",
        "Direct mail",
        r"direct mail|post ?cards?|letters?|catalog(ue)?s?",
        "few and valuable customers without consent to e-mail",
        "cost per piece; slow",
    ),
    Kind(
        "phone",
        "Phone",
        r"phone|calls?|call cent(er|re)|telesales",
        "a handful of the best, by somebody who knows them",
        "anything above a few dozen",
    ),
    Kind(
        "store", "In store", r"in[- ]?store|shop floor|boutiques?|tills?", "who lives near and knows the staff", "reach"
    ),
    Kind(
        "ads",
        "Audience ads",
        r"(meta|facebook|google|tiktok|instagram|retargeting|display) ?(ads?|audiences?)?",
        "people who gave no consent to messages, hashed and matched",
        "proof: hold customers out there too",
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}
ALWAYS_SHOWN = ("email", "sms", "push", "wechat")
SENT_BY_WINBACK = ("email",)
"""What this release hands to a provider itself."""
GATED_BY_WINBACK = ("sms", "push")
"""Consent and contact limits are kept for them; until a sender is connected, the list goes to another tool."""

TOOLS: dict[str, tuple[str, ...]] = {
    "Klaviyo": ("email", "sms"),
    "Mailchimp": ("email",),
    "Braze": ("email", "sms", "push"),
    "Iterable": ("email", "sms", "push"),
    "Omnisend": ("email", "sms"),
    "Brevo": ("email", "sms"),
    "HubSpot": ("email",),
    "Salesforce Marketing Cloud": ("email", "sms", "push"),
    "Emarsys": ("email", "sms", "push"),
    "Customer.io": ("email", "sms", "push"),
    "SMSBump": ("sms",),
    "Attentive": ("sms",),
    "Postscript": ("sms",),
    "Twilio": ("sms",),
    "OneSignal": ("push",),
    "Airship": ("push",),
    "WeChat Work": ("wechat",),
    "Youzan": ("wechat",),
}
_TOOL = {name: re.compile(rf"(?i)\b{re.escape(name)}\b") for name in TOOLS}
_KIND = {kind.name: re.compile(rf"(?i)\b({kind.words})\b") for kind in KINDS}


def tools_in(text: str) -> list[str]:
    """The tools that a text names, by their own spelling."""
    return [name for name, pattern in _TOOL.items() if pattern.search(text)]


def channels_in(text: str) -> list[str]:
    """The channels that a text names, by their own words or by a tool's."""
    named = {channel for tool in tools_in(text) for channel in TOOLS[tool]}
    without_tools = text
    for tool in tools_in(text):
        without_tools = _TOOL[tool].sub(" ", without_tools)
    named |= {name for name, pattern in _KIND.items() if pattern.search(without_tools)}
    return [kind.name for kind in KINDS if kind.name in named]
