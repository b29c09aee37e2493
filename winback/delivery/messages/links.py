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
        return found.group() if unescape(written) == except_for else _href(written, host, utm)

    made, links = _HREF.subn(link, html)
    # Looking for each letter in both cases takes ten times as long, a fifth of rendering a message, so it is done only
    # where a link is written otherwise.
    everywhere = html.encode(errors="surrogatepass").lower().count(b"href")
    return made if everywhere in (links, html.count("href")) else _HREF_IN_ANY_CASE.sub(link, html)


@lru_cache(maxsize=4096)
def _href(written: str, host: str | None, utm: Utm | None) -> str:
    return f'href="{escape(tagged(unescape(written), host, utm))}"'


def tag_text(text: str, host: str | None, utm: Utm | None, except_for: str) -> str:
    """Every web address of a plain text tagged, but for the unsubscribe link `except_for`."""
    if utm is None or host is None:
        return text

    def link(found: re.Match[str]) -> str:
        url = found.group()
        return url if url == except_for else tagged(url, host, utm)

    return _IN_TEXT.sub(link, text)
