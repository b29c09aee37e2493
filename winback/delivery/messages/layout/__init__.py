"""The shared layout and its blocks: what an MJML part is put into, and what `{% render 'button', ... %}` stands for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from liquid import BoundTemplate, Environment
from liquid.builtin.expressions import StringLiteral
from liquid.builtin.tags.render_tag import RenderNode
from liquid.exceptions import LiquidError

from winback.delivery.messages.liquid_language import BLOCKS as LIQUID
from winback.delivery.messages.mjml import HeldTags, hold
from winback.delivery.messages.words import words, words_in

_FOLDER = files(__name__)
_WHEN_COMPILED = Environment()
_LITERAL = re.compile(r"""\"[^\"]*\"|'[^']*'""")
_LIQUID_OR_ESCAPE = re.compile(r"[{}\\]")
_RENDER = re.compile(r"\{%-?\s*render\b.*?%\}", re.DOTALL)
_LIQUID = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
_FIRST_ELEMENT = re.compile(r"\s*(?>(?:<!--.*?-->\s*|<mj-raw>.*?</mj-raw>\s*)*)<([a-z-]+)", re.DOTALL)
_OF_A_BODY = ("mj-section", "mj-wrapper", "mj-hero")


@dataclass(frozen=True)
class Block:
    """MJML for a column. `needed` and `optional` are what a template gives it, by name."""

    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


BLOCKS: Mapping[str, Block] = {
    "greeting": Block(),
    "hero": Block(("title",), ("lead", "image", "alt")),
    "button": Block(("label",), ("url",)),
    "picture": Block(("src", "alt")),
    "offer": Block((), ("label",)),
    "products": Block((), ("heading",)),
    "signature": Block((), ("words_above", "name")),
    "note": Block(("text",)),
    "divider": Block(),
}


class BrokenBlock(ValueError):
    """A `render` tag that names no block, or not what the block needs. `expected` says what would be right."""

    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(problem)
        self.expected = expected


def uses_layout(mjml: str) -> bool:
    """A part that begins with <mjml> is a document of its own: it writes its own footer."""
    return _first_element(mjml) != "mjml"


def put_into_layout(mjml: str, language: str, preheader: str | None) -> str:
    """The whole document, its blocks written out, Liquid kept.

    A part that begins with a section (mj-section, mj-wrapper, mj-hero) comes between the header and the footer; what
    begins with anything else is put into one white card there. Raises BrokenBlock, also for a language without words.
    """
    own = words_in(language)
    if own is None:
        raise BrokenBlock(f"the layout says nothing in {language!r}", f"one of {', '.join(sorted(words()))}, or <mjml>")
    content = _RENDER.sub(lambda tag: _written_out(tag.group(), own), mjml)
    if not uses_layout(mjml):
        return content
    if _first_element(mjml) not in _OF_A_BODY:
        content = _source("card.mjml").filled(content=content)
    return _source("layout.mjml").filled(
        language=language, preheader=_in_markup(preheader or ""), content=content, words=own
    )


def blocks_in(mjml: str) -> list[tuple[int, str]]:
    """(line, tag) of every `render`."""
    return [(mjml.count("\n", 0, tag.start()) + 1, tag.group()) for tag in _RENDER.finditer(mjml)]


def read_block(tag: str) -> tuple[str, dict[str, str]]:
    """(name, what it is given: the Liquid expression of each). Raises BrokenBlock."""
    known = f"one of {', '.join(BLOCKS)}"
    try:
        node = LIQUID.from_string(tag).nodes[0]
    except LiquidError as error:
        raise BrokenBlock(str(error.message), "write {% render 'button', label: \"Look\" %}") from None
    if not isinstance(node, RenderNode) or not isinstance(node.name, StringLiteral) or node.var is not None:
        raise BrokenBlock("a block is named in quotes and given its values by name", known)
    name = str(node.name.value)
    if name not in BLOCKS:
        raise BrokenBlock(f"there is no block {name!r}", known)
    block, given = BLOCKS[name], {argument.name: str(argument.value) for argument in node.args}
    for missing in (needed for needed in block.needed if needed not in given):
        raise BrokenBlock(f"the block {name} needs {missing}", f"write {{% render '{name}', {missing}: ... %}}")
    for unknown in (one for one in given if one not in (*block.needed, *block.optional)):
        raise BrokenBlock(
            f"the block {name} knows no {unknown}", ", ".join((*block.needed, *block.optional)) or "nothing"
        )
    return name, given


def _written_out(tag: str, own: Mapping[str, str]) -> str:
    """The block with what the tag gives it: words as they are, anything else as Liquid that is read when it is sent."""
    name, given = read_block(tag)
    block, values = BLOCKS[name], dict[str, Any]()
    for one in (*block.needed, *block.optional):
        expression = given.get(one)
        if expression is not None:
            values |= {one: _shown(expression), f"{one}_if": f"{{% if {expression} %}}"}
    return _source(f"blocks/{name}.mjml").filled(**values, words=own)


def _shown(expression: str) -> str:
    literal = _LITERAL.fullmatch(expression)
    if literal is None or _LIQUID_OR_ESCAPE.search(expression):
        return f"{{{{ {expression} }}}}"
    return escape(expression[1:-1])


def _in_markup(text: str) -> str:
    """Escaped where it is markup; Liquid in it stays."""
    return "".join(piece if piece.startswith("{") else escape(piece, quote=False) for piece in _LIQUID.split(text))


def _first_element(mjml: str) -> str | None:
    found = _FIRST_ELEMENT.match(mjml)
    return found.group(1) if found else None


@dataclass(frozen=True)
class _Source:
    """A file of the layout, Liquid of two times: << >> and <% %> are read when a template is compiled, {{ }} and {% %}
    when a message is rendered. What is known of a template costs nothing per message."""

    template: BoundTemplate
    later: HeldTags

    def filled(self, **values: Any) -> str:
        return self.later.restore(self.template.render(**values))


@cache
def _source(name: str) -> _Source:
    held, later = hold((_FOLDER / name).read_text("utf-8"))
    for written, read in (("<<", "{{"), (">>", "}}"), ("<%", "{%"), ("%>", "%}")):
        held = held.replace(written, read)
    return _Source(_WHEN_COMPILED.from_string(held), later)
