"""A message as SES took it, and what its recipient can do with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import unescape

_LINK = re.compile(r"""<a\b[^>]*?\bhref\s*=\s*["'](https?://[^"']+)["']""", re.IGNORECASE)
_HEADER_URL = re.compile(r"<(https?://[^>]+)>")


@dataclass(frozen=True)
class Message:
    """One accepted message. Header names keep the sender's spelling; `tags` are the message tags."""

    message_id: str
    sent_at: datetime
    source: str
    destination: tuple[str, ...]
    subject: str
    text: str | None
    html: str | None
    headers: tuple[tuple[str, str], ...]
    tags: Mapping[str, str]
    configuration_set: str
    tenant: str | None = None

    @property
    def send_id(self) -> str:
        """The sender's own name of this send; the message id where there is none."""
        return self.tags.get("send_id", self.message_id)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def one_click_url(self) -> str | None:
        """Where RFC 8058's POST goes (here http will do, too); None without List-Unsubscribe-Post."""
        if (self.header("List-Unsubscribe-Post") or "").replace(" ", "") != "List-Unsubscribe=One-Click":
            return None
        found = _HEADER_URL.search(self.header("List-Unsubscribe") or "")
        return found.group(1) if found else None

    @property
    def links(self) -> tuple[str, ...]:
        """Links of the HTML part in their order, each once, without the one-click address."""
        found = [unescape(link) for link in _LINK.findall(self.html or "")]
        return tuple(dict.fromkeys(link for link in found if link != self.one_click_url))
