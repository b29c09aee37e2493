"""MJML with Liquid in it: to HTML with the Liquid kept, to a text part, and what is wrong with it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import count

import mrml

from winback.delivery.messages.links import SAFE_SCHEMES
from winback.delivery.messages.templates import Problem

# https://documentation.mjml.io/#components
_ELEMENT = re.compile(
    "mjml|mj-(accordion(-(element|text|title))?|all|attributes|body|breakpoint|button|carousel(-image)?|class|column"
    "|divider|font|group|head|hero|html-attributes?|image|navbar(-link)?|preview|raw|section|selector"
    "|social(-element)?|spacer|style|table|text|title|wrapper)"
)
_PICTURES = ("mj-image", "mj-carousel-image", "img")
_UNSAFE_ELEMENTS = ("script", "iframe", "object", "embed", "form", "input", "video", "audio", "base", "meta")
_OF_PICTURES = ("https", "http")
# Which elements hold which; the renderer would let others pass and draw them askew.
_PLACES = {
    "mj-section": ("mj-body", "mj-wrapper"),
    "mj-wrapper": ("mj-body",),
    "mj-hero": ("mj-body", "mj-wrapper"),
    "mj-group": ("mj-section",),
    "mj-column": ("mj-section", "mj-group"),
} | dict.fromkeys(
    (
        *("mj-accordion", "mj-button", "mj-carousel", "mj-divider", "mj-image", "mj-navbar"),
        *("mj-social", "mj-spacer", "mj-table", "mj-text"),
    ),
    ("mj-column", "mj-hero"),
)
_LIQUID_ENDS = {"{{": "}}", "{%": "%}"}
_MARK = re.compile("liquidq[0-9]+z")
_LIQUID_START = re.compile(r"\{[{%]")
_ENDED = ((re.compile("<!--"), "-->", "a comment"), (re.compile("<[A-Za-z/!?]"), ">", "an element's tag"))
MOST_DEEP = 100
"""Elements in one another; e-mails have some twenty. The renderer calls itself for each, and some thousands of them end
its process; and each element is asked of all that it stands in."""
_TAG_START = re.compile("<!--|<(/?)(?=[A-Za-z])")
_TAG_REST = re.compile(r"""([^\s/>"']+)(?:[^>"']|"[^"]*"|'[^']*')*+>""")
_WITHOUT_CONTENT = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)  # https://html.spec.whatwg.org/multipage/syntax.html#void-elements
_EMPTY_CONDITION = re.compile(r"\{%-?\s*if\b[^%]*%\}\s*\{%-?\s*endif\s*-?%\}")
_BLANK_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)+")


class BrokenMarkup(ValueError):
    """The MJML cannot be turned into HTML."""


def to_html(source: str) -> str:
    """HTML in which every Liquid tag stands as the author wrote it, untouched by the markup's own escaping."""
    held, tags = hold(source)
    try:
        html: str = mrml.to_html(held).content
    except OSError as error:
        raise BrokenMarkup(f"the MJML does not parse: {error}") from error
    return tags.restore(html)


def to_text(source: str) -> str:
    """A text part: paragraphs of the body, links written out, Liquid kept."""
    held, tags = hold(source)
    reader = _Reader(tags)
    reader.feed(held)
    reader.close()
    lines = "".join(reader.text).splitlines()
    text = "\n".join(" ".join(line.split()) for line in lines)
    return _without_empty_conditions(tags.restore(_BLANK_LINES.sub("\n\n", text).strip() + "\n"))


def _without_empty_conditions(text: str) -> str:
    """Pictures say nothing in a text part, and leave the conditions around them behind."""
    while (shorter := _EMPTY_CONDITION.sub("", text)) != text:
        text = shorter
    return text


def problems_of_markup(source: str) -> list[Problem]:
    """Unknown, unclosed and wrongly nested elements, pictures without words and unsafe links, by line."""
    held, tags = hold(source)
    for start, end, what in _ENDED:  # HTMLParser looks for the end from each start, which takes the square of them
        if (endless := start.search(held, held.rfind(end) + 1)) is not None:
            return [_problem_at(endless, f"{what} is never closed", f"write {end}")]
    if deep := _problem_of_depth(held):
        return [deep]
    reader = _Reader(tags)
    reader.feed(held)
    reader.close()
    reader.expect_all_closed()
    return reader.problems


def _problem_of_depth(held: str) -> Problem | None:
    """Found as the renderer reads, in one pass: no closing tag in a comment or in quotes makes it less."""
    at = depth = 0
    while (start := _TAG_START.search(held, at)) is not None:
        if start.group() == "<!--":
            at = held.find("-->", start.end()) + 3
            if at < start.end():
                return _problem_at(start, "a comment is never closed", "write -->")
            continue
        rest = _TAG_REST.match(held, start.end())
        if rest is None:
            return _problem_at(start, "a quote in an element's tag is never closed", "write both quotes")
        at = rest.end()
        if start.group(1):
            depth = max(depth - 1, 0)
        elif rest.group(1) not in _WITHOUT_CONTENT and not held.endswith("/>", start.end(), at):
            depth += 1
        if depth > MOST_DEEP:
            return _problem_at(start, f"more than {MOST_DEEP} elements stand in one another", "leave some out")
    return None


def _problem_at(found: re.Match[str], problem: str, expected: str) -> Problem:
    return Problem("mjml", found.string.count("\n", 0, found.start()) + 1, problem, expected)


class _Reader(HTMLParser):
    """Reads MJML as the tag soup it may be: `<br>` and `&nbsp;` are welcome in a text."""

    def __init__(self, tags: "HeldTags") -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.problems: list[Problem] = []
        self._outermost: str | None = None
        self._tags = tags
        self._open: list[tuple[str, int]] = []
        self._link: str | None = None
        self._said = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if _is_mjml(tag):
            if not _ELEMENT.fullmatch(tag):
                self._problem(f"<{tag}> is no MJML element", "use the elements of documentation.mjml.io")
            self._check_place(tag)
            self._open.append((tag, self.getpos()[0]))
        elif not self._open:
            self._problem(f"<{tag}> stands outside the elements of MJML", "put it into <mj-text>")
        self._check(tag, dict(attributes))
        if tag in ("mj-text", "mj-button", "p", "h1", "h2", "h3", "li", "tr", "mj-divider"):
            self.text.append("\n\n" if tag != "li" else "\n- ")
        elif tag == "br":
            self.text.append("\n")
        if tag in ("a", "mj-button"):
            self._link, self._said = dict(attributes).get("href"), ""

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("a", "mj-button") and self._link and self._link not in self._said:
            self.text.append(f": {self._link}")
            self._link = None
        if tag in ("mj-text", "mj-button", "p", "h1", "h2", "h3"):
            self.text.append("\n\n")
        if not _is_mjml(tag):
            return
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
            return
        where = f"<{self._open[-1][0]}> of line {self._open[-1][1]} is still open" if self._open else "nothing is open"
        self._problem(f"</{tag}> closes nothing", where)

    def _check_place(self, tag: str) -> None:
        """A part without <mjml> goes into the layout's body when it begins with what belongs there, else a column."""
        inside = [name for name, _ in self._open]
        places = _PLACES.get(tag)
        if places is None or "mj-head" in inside:
            return
        if not inside and self._outermost is None:
            self._outermost = "mj-body" if "mj-body" in places else "mj-column"
        parent = inside[-1] if inside else self._outermost
        if parent not in places:
            where = f"in <{parent}>" if inside else "by itself"
            self._problem(f"<{tag}> stands {where}", f"put it into {' or '.join(f'<{one}>' for one in places)}")

    def _check(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag in _UNSAFE_ELEMENTS:
            self._problem(f"<{tag}> is not shown by mail programs", "leave it out")
        if tag in _PICTURES and attributes.get("alt") is None:
            self._problem(f"<{tag}> has no alt", 'say what it shows, or alt="" when it only adorns')
        for name, value in attributes.items():
            if name.startswith("on"):
                self._problem(f"{name} is not run by mail programs", "leave it out")
            elif name in ("href", "src", "background-url", "action") and value and not self._is_safe(name, value):
                self._problem(f"{name} is an unsafe or incomplete address", f"start it with {_expected_start(name)}")

    def _is_safe(self, name: str, value: str) -> bool:
        written = self._tags.restore(value).strip()
        if written.startswith("{{"):
            return True  # judged when it is known
        scheme, colon, _ = written.partition(":")
        return bool(colon) and scheme.casefold() in (SAFE_SCHEMES if name == "href" else _OF_PICTURES)

    def handle_data(self, data: str) -> None:
        inside = [tag for tag, _ in self._open]
        if not inside and data.strip() and not self._tags.only_in(data):
            self._problem("words stand outside the elements of MJML", "put them into <mj-text>")
        if "mj-head" not in inside and inside and inside[-1] in ("mj-text", "mj-button", "mj-raw", "mj-table"):
            said = re.sub(r"\s+", " ", data)
            self.text.append(said)
            self._said += said

    def expect_all_closed(self) -> None:
        if not self.problems and self._open:
            tag, line = self._open[-1]
            self.problems.append(Problem("mjml", line, f"<{tag}> is never closed", f"write </{tag}>"))

    def _problem(self, problem: str, expected: str) -> None:
        self.problems.append(Problem("mjml", self.getpos()[0], problem, expected))


def _expected_start(name: str) -> str:
    return ", ".join(f"{scheme}:" for scheme in (SAFE_SCHEMES if name == "href" else _OF_PICTURES)) + " or {{"


def _is_mjml(tag: str) -> bool:
    return tag == "mjml" or tag.startswith("mj-")


@dataclass(frozen=True)
class HeldTags:
    mark: str
    tags: tuple[str, ...]

    def only_in(self, text: str) -> bool:
        """Whether nothing but space stands beside the tags."""
        return not re.sub(f"{self.mark}[0-9]+q", "", text).strip()

    def restore(self, text: str) -> str:
        return re.sub(f"{self.mark}([0-9]+)q", lambda match: self.tags[int(match.group(1))], text)


def hold(source: str) -> tuple[str, HeldTags]:
    """Puts a short stand-in for each Liquid tag: plain letters, which every step of MJML leaves alone."""
    taken = set(_MARK.findall(source))
    mark = next(mark for number in count() if (mark := f"liquidq{number}z") not in taken)
    tags: list[str] = []
    held: list[str] = []
    for between, tag in _pieces(source):
        held.append(between)
        if tag:
            held.append(f"{mark}{len(tags)}q")
            tags.append(tag)
    return "".join(held), HeldTags(mark, tuple(tags))


def _pieces(source: str) -> Iterator[tuple[str, str]]:
    """(what stands before a Liquid tag, the tag) of each tag, then (the rest, "")."""
    place = 0
    for start, end in _spans(source):
        if end is not None:
            yield source[place:start], source[start:end]
            place = end
    yield source[place:], ""


def endless_tags(source: str) -> list[int]:
    """Where Liquid tags start that never end."""
    return [start for start, end in _spans(source) if end is None]


def _spans(source: str) -> Iterator[tuple[int, int | None]]:
    """(start, end) of each Liquid tag, in one pass; the end is None where none follows. That is found out once per
    kind: a search for the end from each start would take the square of their number."""
    at = 0
    endless: set[str] = set()
    while (start := _LIQUID_START.search(source, at)) is not None:
        opening = start.group()
        found = -1 if opening in endless else source.find(_LIQUID_ENDS[opening], start.end())
        if found < 0:
            endless.add(opening)
            at = start.start() + 1
            yield start.start(), None
        else:
            at = found + 2
            yield start.start(), at
