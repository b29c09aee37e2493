"""The Liquid that templates may use: standard tags without file access, bounded in output, time and memory."""

from collections.abc import Callable, Iterator, Sized
from functools import wraps
from io import StringIO
from typing import Any, TextIO, TypeVar

import liquid
from liquid import RenderContext, escape
from liquid.builtin.content import ContentNode, Literal
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, LoopExpression, Path
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.if_tag import IfNode, IfTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.exceptions import LoopIterationLimitError, OutputStreamLimitError, ResourceLimitError
from liquid.expression import Expression
from liquid.loader import BaseLoader, TemplateSource
from liquid.stream import TokenStream
from liquid.stringify import to_liquid_string
from liquid.token import Token
from liquid.undefined import UNDEFINED

_Node = TypeVar("_Node", bound=liquid.Node)
_FILE_TAGS = ("include", "render")
_TEXT_LIMIT = 400_000  # characters; a message is some tens of kilobytes, and Gmail clips beyond 102 kB
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


class _Words(ContentNode):
    __slots__ = ()

    def render(self, context: RenderContext, buffer: TextIO) -> int:  # noqa: ARG002
        """Straight away: only tags can be disabled, which Liquid asks of every node."""
        return buffer.write(self.text)


class _Literal(Literal):
    node_class = _Words


class _PlainPath(Path):
    """A token whose parts are all names, so that none has to be worked out before it is looked up."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return context.get(self.path, token=self.token)  # type: ignore[arg-type]  # it only reads the list


def _plain(expression: Expression) -> Expression:
    if not isinstance(expression, Path) or any(isinstance(part, Path) for part in expression.path):
        return expression
    return _PlainPath(expression.token, expression.path)


class _OutputNode(OutputNode):
    """Writes as Liquid does, without its detours where it is a text, as most values are."""

    __slots__ = ()

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, expression)
        if isinstance(expression, FilteredExpression):
            expression.left = _plain(expression.left)

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if type(value) is not str:
            return buffer.write(to_liquid_string(value, context.autoescape))
        return buffer.write(escape(value) if context.autoescape else value)


class _Output(Output):
    node_class = _OutputNode


class _IfTag(IfTag):
    def parse(self, stream: TokenStream) -> liquid.Node:
        node = super().parse(stream)
        if isinstance(node, IfNode) and isinstance(node.condition, BooleanExpression):
            node.condition.expression = _plain(node.condition.expression)
        return node


class _ForTag(ForTag):
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


class _Buffer(StringIO):
    """Counts characters as they come; Liquid's own counts bytes, which takes encoding each piece once more."""

    def __init__(self) -> None:
        super().__init__()
        self._left = _TEXT_LIMIT

    def write(self, text: str) -> int:
        self._left -= len(text)
        if self._left < 0:
            raise OutputStreamLimitError("output stream limit reached", token=None)
        return super().write(text)


class _Context(RenderContext):
    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """As Liquid finds it, straight away where it is named in dictionaries, as nearly every token is."""
        try:
            value = self.scope[path[0]]  # type: ignore[index]
            for name in path[1:]:
                if not isinstance(value, dict):
                    return super().get(path, token=token, default=default)
                value = value[name]
        except (KeyError, TypeError):
            return super().get(path, token=token, default=default)
        return value


class _Template(liquid.BoundTemplate):
    context_class = _Context

    def _get_buffer(self) -> StringIO:
        return _Buffer()


class MessageLiquid(liquid.Environment):
    """Bounds stop a template that grows on purpose or by mistake: each is far beyond what a message needs."""

    template_class = _Template
    output_stream_limit = _TEXT_LIMIT
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
        self.add_tag(_Literal)
        self.add_tag(_Output)
        self.add_tag(_IfTag)
        self.add_tag(_ForTag)
        self.add_tag(_TablerowTag)
        for name, apply in self.filters.items():
            self.filters[name] = _bounded(name, apply)


def _with_bounded_loop(node: _Node) -> _Node:
    if isinstance(node, (ForNode, TablerowNode)):
        loop = node.expression
        node.expression = _BoundedLoop(
            loop.token,
            loop.identifier,
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
        if _longest_result(name, value, arguments) > _TEXT_LIMIT:
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
