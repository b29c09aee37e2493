"""The Liquid that templates may use: standard tags without file access, bounded in output, time and memory."""

from collections.abc import Callable, Iterator, Sized
from functools import wraps
from typing import Any, TypeVar

import liquid
from liquid import RenderContext
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.exceptions import LoopIterationLimitError, ResourceLimitError
from liquid.loader import BaseLoader, TemplateSource
from liquid.stream import TokenStream

from winback.delivery.messages.liquid_nodes import (
    TEXT_LIMIT,
    ConditionTag,
    LoopNode,
    MessageTemplate,
    OutputTag,
    WordsTag,
)

_Node = TypeVar("_Node", bound=liquid.Node)
_FILE_TAGS = ("include", "render")
_LOOP_LIMIT = 10_000


class _BoundedLoop(LoopExpression):
    """Refuses to go backwards through a long range: Liquid writes down its numbers before its limit counts them."""

    __slots__ = ()

    def _slice(
        self,
        it: Iterator[object],
        length: int,
        context: RenderContext,
        *,
        limit: int | None,
        offset: int | str | None,
    ) -> tuple[Iterator[object], int]:
        if self.reversed and length > _LOOP_LIMIT:
            raise LoopIterationLimitError("a loop goes backwards through too many numbers", token=None)
        return super()._slice(it, length, context, limit=limit, offset=offset)


class _ForTag(ForTag):
    node_class = LoopNode

    def parse(self, stream: TokenStream) -> liquid.Node:
        return _with_bounded_loop(super().parse(stream))


class _TablerowTag(TablerowTag):
    def parse(self, stream: TokenStream) -> TablerowNode:
        return _with_bounded_loop(super().parse(stream))


class _Empty(BaseLoader):
    """Whatever `render` names is there and says nothing."""

    def get_source(
        self,
        env: liquid.Environment,  # noqa: ARG002
        template_name: str,
        *,
        context: RenderContext | None = None,  # noqa: ARG002
        **kwargs: object,  # noqa: ARG002
    ) -> TemplateSource:
        return TemplateSource("", template_name, None)


class MessageLiquid(liquid.Environment):
    """Bounds stop a template that grows on purpose or by mistake: each is far beyond what a message needs."""

    template_class = MessageTemplate
    output_stream_limit = TEXT_LIMIT
    loop_iteration_limit = _LOOP_LIMIT
    local_namespace_limit = 200_000  # bytes of all assigned and captured values together

    def __init__(self, *, autoescape: bool, blocks: bool = False) -> None:
        super().__init__(
            loader=_Empty() if blocks else None,
            autoescape=autoescape,
            undefined=liquid.StrictUndefined,
            strict_filters=True,
        )
        for tag in _FILE_TAGS:
            if not (blocks and tag == "render"):
                self.tags.pop(tag, None)
        self.add_tag(WordsTag)
        self.add_tag(OutputTag)
        self.add_tag(ConditionTag)
        self.add_tag(_ForTag)
        self.add_tag(_TablerowTag)
        for name, apply in self.filters.items():
            self.filters[name] = _bounded(name, apply)


def _with_bounded_loop(node: _Node) -> _Node:
    if isinstance(node, (ForNode, TablerowNode)):
        loop = node.expression
        node.expression = _BoundedLoop(
            loop.token,
            str(loop.identifier),  # Liquid's own is compared in Python each time a name is looked up
            loop.iterable,
            limit=loop.limit,
            offset=loop.offset,
            reversed_=loop.reversed,
            cols=loop.cols,
        )
    return node


def _bounded(name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, refusing what would grow beyond the limits before it is made: the limits of Liquid look later."""

    @wraps(apply)  # keeps the marks by which Liquid knows what else to pass
    def checked(value: Any, *arguments: Any, **named: Any) -> Any:
        if any(isinstance(one, range) and one[_LOOP_LIMIT:] for one in (value, *arguments)):
            raise ResourceLimitError("a range has too many numbers for a filter", token=None)
        if _longest_result(name, value, arguments) > TEXT_LIMIT:
            raise ResourceLimitError("a filter makes too long a text", token=None)
        return apply(value, *arguments, **named)

    return checked


def _longest_result(name: str, value: Any, arguments: tuple[Any, ...]) -> int:
    """Characters that come out at most, of the filters whose result is longer than all that goes in; else 0."""
    if name == "replace" and arguments:
        text, with_ = str(value), str(arguments[1]) if len(arguments) > 1 else ""
        return len(text) + text.count(str(arguments[0])) * len(with_)
    if name == "join" and arguments and isinstance(value, Sized):
        return len(value) * len(str(arguments[0]))
    return 0


HTML = MessageLiquid(autoescape=True)
PLAIN = MessageLiquid(autoescape=False)
BLOCKS = MessageLiquid(autoescape=False, blocks=True)
"""Reads templates as their authors write them, where `render` stands for a block of the layout; blocks say nothing."""
