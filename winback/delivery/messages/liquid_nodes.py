"""What Liquid does for every message, without its detours: a template is read once and rendered a million times.

Only what a tag may write is told apart less often: nothing here can be disabled (`render` alone disables tags, and no
message has it), and how much was written is counted where it can grow, not at each piece of the template itself.
"""

from html import escape
from io import StringIO
from typing import Any, TextIO

import liquid
from liquid import RenderContext
from liquid.ast import BlockNode
from liquid.builtin.content import ContentNode, Literal
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, LoopExpression, Path
from liquid.builtin.expressions.logical import is_truthy
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.if_tag import IfNode, IfTag
from liquid.context import builtin
from liquid.exceptions import OutputStreamLimitError
from liquid.expression import Expression
from liquid.stringify import to_liquid_string
from liquid.token import Token
from liquid.utils import ReadOnlyChainMap

TEXT_LIMIT = 400_000
"""Characters; a message is some tens of kilobytes, and Gmail clips beyond 102 kB."""


class _Buffer(StringIO):
    """Counts characters; Liquid's own counts bytes, which takes encoding each piece once more."""

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.tell() > TEXT_LIMIT:
            raise _too_long()
        return written


_write_uncounted = StringIO.write


def _too_long() -> OutputStreamLimitError:
    return OutputStreamLimitError("output stream limit reached", token=None)


class _Words(ContentNode):
    __slots__ = ()

    def render(self, context: RenderContext, buffer: TextIO) -> int:  # noqa: ARG002
        """Not counted: they are as long as the template is, and what a loop repeats is counted at each turn."""
        return _write_uncounted(buffer, self.text) if type(buffer) is _Buffer else buffer.write(self.text)


class WordsTag(Literal):
    node_class = _Words


class _PlainPath(Path):
    """A token whose parts are all names: found straight away where dictionaries have them, as nearly every token is."""

    __slots__ = ("_first", "_further")

    def __init__(self, token: Token, names: list[Any]) -> None:
        super().__init__(token, names)
        self._first, *further = names
        self._further = tuple(further)

    def evaluate(self, context: RenderContext) -> object:
        try:
            value = context.scope[self._first]
            for name in self._further:
                if not isinstance(value, dict):
                    return super().evaluate(context)
                value = value[name]
        except (KeyError, TypeError):
            return super().evaluate(context)
        return value


def _plain(expression: Expression) -> Expression:
    if not isinstance(expression, Path) or any(isinstance(part, Path) for part in expression.path):
        return expression
    return _PlainPath(expression.token, expression.path)


class _OutputNode(OutputNode):
    """Writes as Liquid does, straight away where it is a text, as most values are."""

    __slots__ = ()

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, expression)
        if isinstance(expression, FilteredExpression):
            expression.left = _plain(expression.left)
            self.expression = expression if expression.filters else expression.left

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        if type(value) is not str:
            return buffer.write(to_liquid_string(value, context.autoescape))
        return buffer.write(escape(value) if context.autoescape else value)


class OutputTag(Output):
    node_class = _OutputNode


class _Block(BlockNode):
    __slots__ = ()

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        if self.blank:
            return super().render(context, buffer)
        written = 0
        for node in self.nodes:
            written += node.render(context, buffer)
        return written


class _Turn(_Block):
    """What a loop repeats."""

    __slots__ = ()

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        if buffer.tell() > TEXT_LIMIT:
            raise _too_long()
        return super().render(context, buffer)


def _straight(block: BlockNode, kind: type[_Block] = _Block) -> _Block:
    made = kind(block.token, block.nodes)
    made.blank = block.blank  # of a condition, that of all its branches
    return made


class _Condition(BooleanExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        value = self.expression.evaluate(context)
        return value is not None if value is None or type(value) is str else is_truthy(value)


class _IfNode(IfNode):
    __slots__ = ()

    def __init__(self, *parts: Any, **named: Any) -> None:
        super().__init__(*parts, **named)
        self.consequence = _straight(self.consequence)
        self.default = _straight(self.default) if self.default else None
        if isinstance(self.condition, BooleanExpression):
            self.condition = _Condition(self.condition.token, _plain(self.condition.expression))

    def render(self, context: RenderContext, buffer: TextIO) -> int:
        return self.render_to_output(context, buffer)


class ConditionTag(IfTag):
    node_class = _IfNode


class LoopNode(ForNode):
    __slots__ = ()

    def __init__(
        self, token: Token, expression: LoopExpression, block: BlockNode, default: BlockNode | None = None
    ) -> None:
        super().__init__(token, expression, _straight(block, _Turn), default)


class _Scope(ReadOnlyChainMap):
    def __getitem__(self, name: str) -> object:
        """As Liquid finds it, without an error for each namespace that does not have it."""
        for names in self._maps:
            if name in names:
                return names[name]
        raise KeyError(name)


class _Context(RenderContext):
    def __init__(self, *parts: Any, **named: Any) -> None:
        super().__init__(*parts, **named)
        self.scope = _Scope(self.locals, self.globals, builtin, self.counters)


class MessageTemplate(liquid.BoundTemplate):
    context_class = _Context

    def _get_buffer(self) -> StringIO:
        return _Buffer()
