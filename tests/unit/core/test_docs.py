"""What the README and docs tell a reader to copy, call or open."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from winback.campaigns.messages import message_problems
from winback.campaigns.reading import read_definition
from winback.cli import app
from winback.delivery.messages import resolve_template
from winback.offers.offer import NewOffer

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NARROW = 78  # characters of a line; help is wrapped at 80
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def fenced(page: Path, language: str) -> Iterator[str]:
    for indent, kind, block in FENCED.findall(page.read_text(encoding="utf-8")):
        if kind == language:
            yield "".join(line.removeprefix(indent) for line in block.splitlines(keepends=True))


@pytest.mark.parametrize("page", ["README.md", "docs/campaigns.md"])
def test_the_campaigns_that_the_docs_show_can_be_sent_as_they_are(page: str) -> None:
    shown = list(fenced(ROOT / page, "yaml"))
    assert shown
    for text in shown:
        assert list(message_problems(read_definition(text), resolve_template)) == []


def test_the_offers_that_the_docs_show_can_be_made_as_they_are() -> None:
    stated = [json.loads(one) for one in fenced(ROOT / "docs/offers.md", "json") if one.startswith('{"name"')]
    asked = re.findall(r'/v1/offers" -d \'(.*?)\'', (ROOT / "docs/campaigns.md").read_text(encoding="utf-8"), re.DOTALL)
    for offer in [*stated, *map(json.loads, asked)]:
        NewOffer.model_validate(offer)
    assert (len(stated), len(asked)) == (1, 1)


def test_every_link_to_a_file_of_ours_leads_somewhere() -> None:
    headings = {page: {_anchor(one) for one in _headings(page)} for page in PAGES}
    dead = []
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = link.partition("#")
            if "://" in link:
                continue
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in headings[target]):
                dead.append(f"{page.relative_to(ROOT)}: {link}")
    assert dead == []


def test_every_request_that_the_guides_name_is_a_route() -> None:
    source = (ROOT / "infra/stacks/api.py").read_text(encoding="utf-8")
    routes = {request for found in re.findall(r'\("([A-Z]+)", "(/v1[^"]*)"\)', source) for request in _requests(*found)}
    unknown = set()
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"\b(GET|POST|PUT|DELETE) (/v1(?:[/:]?(?:[a-z_-]+|{[a-z_, |]+}))+)", text)
        unknown |= {(page.name, *request) for found in named for request in _requests(*found) if request not in routes}
    assert unknown == set()


def test_the_commands_that_help_texts_show_can_be_copied_from_a_narrow_terminal() -> None:
    lines = [line for help_text in _epilogs(typer.main.get_command(app)) for line in help_text.splitlines()]
    commands = [line for line in lines if "--" in line and not line[0].isupper()]
    assert commands
    assert [line for line in commands if len(line) > NARROW] == []


def _epilogs(command: Any) -> Iterator[str]:
    yield command.epilog or ""
    if isinstance(command, TyperGroup):
        for inner in command.commands.values():
            yield from _epilogs(inner)


def _requests(method: str, path: str) -> Iterator[tuple[str, str]]:
    """Those that `/{pause,resume}` stands for; the names of the others' parameters do not matter."""
    either = re.search(r"{([^}]*[,|][^}]*)}", path)
    if either is None:
        yield method, re.sub(r"{[^}]*}", "{}", path)
        return
    for one in re.split(r"[,|] *", either[1]):
        yield from _requests(method, path.replace(either[0], one.strip(), 1))


def _headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
