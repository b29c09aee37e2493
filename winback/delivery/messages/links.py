"""Links of a message: which are safe, and the tags by which the shop's analytics knows where a visit came from."""

import re
from functools import lru_cache
from html import escape, unescape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from winback.delivery.messages.values import Utm

SAFE_SCHEMES = ("https", "http", "mailto", "tel")
_HREF = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_HREF_IN_ANY_CASE = re.compile(_HREF.pattern, re.IGNORECASE)
_IN_TEXT = re.compile(r"https?://[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]")


class UnsafeLink(ValueError):
    """A link that is no web address, e-mail address or telephone number, such as javascript:."""


@lru_cache(maxsize=4096)
def host_of(url: str | None) -> str | None:
    return urlsplit(url).hostname if url else None


@lru_cache(maxsize=4096)
def tagged(url: str, host: str | None, utm: Utm | None) -> str:
    """The link with utm_* tags when it leads to the shop's `host` or a part of it; its query stays, tags it has too.

    Raises UnsafeLink, also for a link without a scheme, which would lead nowhere in a message.
    """
    try:
        parts = urlsplit(url.strip())
        name = parts.hostname
    except ValueError:
        raise UnsafeLink("a link that is none") from None
    if parts.scheme.lower() not in SAFE_SCHEMES:
        raise UnsafeLink("a link that is none of http, https, mailto and tel")
    if utm is None or host is None or name is None or not (name == host or name.endswith("." + host)):
        return url.strip()
    stated = {key for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
    tags = {"utm_source": utm.source, "utm_medium": utm.medium, "utm_campaign": utm.campaign}
    added = urlencode({key: value for key, value in tags.items() if key not in stated})
    query = "&".join(piece for piece in (parts.query, added) if piece)
    return urlunsplit(parts._replace(query=query))


def tag_html(html: str, host: str | None, utm: Utm | None, except_for: str) -> str:
    """Every href made safe and tagged; the unsubscribe link `except_for` stays as it is. Raises UnsafeLink."""

    def link(found: re.Match[str]) -> str:
        written = found.group(1) if found.group(1) is not None else found.group(2)
        url = unescape(written)
        return found.group() if url == except_for else f'href="{escape(tagged(url, host, utm))}"'

    return _hrefs_of(html).sub(link, html)


def _hrefs_of(html: str) -> re.Pattern[str]:
    """Finds every href. Looking for each letter in both cases takes ten times as long, a fifth of rendering a message,
    so it is done only where one is written otherwise."""
    usual = html.count("href") == html.encode(errors="surrogatepass").lower().count(b"href")
    return _HREF if usual else _HREF_IN_ANY_CASE


def tag_text(text: str, host: str | None, utm: Utm | None, except_for: str) -> str:
    """Every web address of a plain text tagged, but for the unsubscribe link `except_for`."""
    if utm is None or host is None:
        return text

    def link(found: re.Match[str]) -> str:
        url = found.group()
        return url if url == except_for else tagged(url, host, utm)

    return _IN_TEXT.sub(link, text)
