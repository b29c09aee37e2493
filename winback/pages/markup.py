"""HTML that is escaped unless it says otherwise: `Html` is markup, every other value is text."""

from collections.abc import Iterable
from html import escape


class Html(str):
    """Markup that is already safe to put into a page."""

    __slots__ = ()


Content = Html | str | int | float | None

_VOID = frozenset({"br", "col", "hr", "line", "link", "meta", "path", "polyline", "rect"})


def html(content: Content) -> Html:
    """Markup stays as it is; text and numbers are escaped; None is nothing."""
    if isinstance(content, Html):
        return content
    return Html("" if content is None else escape(str(content), quote=True))


def join(parts: Iterable[Content]) -> Html:
    return Html("".join(html(part) for part in parts))


def element(tag: str, *content: Content, **attributes: str | int | float | bool | None) -> Html:
    """`element("td", 3, class_="right", aria_label="x")`: None and False leave an attribute out; `_` reads as `-`.

    The result is well-formed as XML too, which lets a test parse it strictly.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(name if value is True else str(value), quote=True)}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID and not content:
        return Html(f"<{tag}{written} />")
    return Html(f"<{tag}{written}>{join(content)}</{tag}>")
