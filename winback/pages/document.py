"""One self-contained page: no script, no font, no picture, nothing fetched from anywhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from winback.pages.markup import Content, Html, element

Tone = Literal["plain", "good", "caution", "bad"]

# The page may style itself and nothing else: a browser refuses whatever a mistake would make it load or run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Tile:
    """One figure of the row at the top: what it is, the figure, and a few words below it."""

    label: str
    value: Content
    note: Content = None
    tone: Tone = "plain"


def page(
    title: str,
    lead: Content,
    sections: Iterable[Html],
    *,
    kicker: str = "",
    facts: Sequence[tuple[str, Content]] = (),
    footer: Content = None,
    language: str = "en",
) -> str:
    """The whole document.

    `kicker` is a short line over the title (the product, the kind of report), `lead` one or two sentences that say the
    result, `facts` label and value pairs under it (period, snapshot, account), `footer` how the page came to be.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="robots", content="noindex"),
        element("title", title),
        Html(f"<style>{_stylesheet()}</style>"),
    )
    fact_list = element("dl", *(_fact(label, value) for label, value in facts), class_="facts") if facts else None
    top = element(
        "header",
        element("p", kicker, class_="kicker") if kicker else None,
        element("h1", title),
        element("p", lead, class_="lead") if lead else None,
        fact_list,
    )
    bottom = element("footer", footer) if footer else None
    body = element("body", element("div", top, element("main", *sections), bottom, class_="sheet"))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang=language)}\n"


def section(title: str, *content: Content, lead: Content = None) -> Html:
    """A heading, one sentence that says what to see, and its content."""
    return element(
        "section",
        element("h2", title),
        element("p", lead, class_="section-lead") if lead else None,
        *content,
    )


def tiles(row: Sequence[Tile]) -> Html:
    """Figures side by side; on a phone two in a row."""
    return element("dl", *(_tile(tile) for tile in row), class_="tiles")


def paragraph(*content: Content) -> Html:
    return element("p", *content)


def bullets(items: Iterable[Content]) -> Html:
    return element("ul", *(element("li", item) for item in items))


def note(*content: Content, tone: Tone = "plain") -> Html:
    """A framed remark; `caution` and `bad` draw the eye."""
    return element("div", element("p", *content), class_=f"note {tone}")


def details(summary: str, *content: Content) -> Html:
    """Folded away on the screen, open in print."""
    return element("details", element("summary", summary), *content)


def columns(*blocks: Html) -> Html:
    """Side by side where there is room, one below the other on a phone."""
    return element("div", *(element("div", block) for block in blocks), class_="columns")


def subheading(text: str) -> Html:
    return element("h3", text)


def _fact(label: str, value: Content) -> Html:
    return element("div", element("dt", label), element("dd", value))


def _tile(tile: Tile) -> Html:
    remark = element("dd", tile.note, class_="remark") if tile.note is not None else None
    return element(
        "div", element("dt", tile.label), element("dd", tile.value, class_="value"), remark, class_=f"tile {tile.tone}"
    )


@cache
def _stylesheet() -> Html:
    return Html(files("winback.pages").joinpath("style.css").read_text(encoding="utf-8"))
