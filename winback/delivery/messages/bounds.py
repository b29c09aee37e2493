"""What no author writes, and what reading would take the square of its length: told before anything reads it.

Liquid's lexer looks for the end of a tag from each start that has none. Here each part is gone through once. A few tags
that are never closed are for Liquid to tell. Of a tag that has nothing behind its blanks it tries each blank with each.
"""

import re
from collections.abc import Iterator

from winback.delivery.messages.mjml import endless_tags
from winback.delivery.messages.templates import Problem

MOST_UNCLOSED = 20
MOST_BLANKS = 100  # in a row, where a tag starts or behind its name
_BLANKS = re.compile(r"\{[{%]-?(\s*+)(?:#|\w*+)(\s*+)")
_WHOLE = {
    name: (re.compile(rf"\{{%-?\s*{name}\s*-?%\}}"), re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}"))
    for name in ("raw", "doc")
}


def problems_of_bounds(part: str, source: str) -> Iterator[Problem]:
    """At most one: without it the part can be read in a time that grows with its length."""
    unclosed = [*endless_tags(source), *_unclosed_wholes(source)]
    if len(unclosed) > MOST_UNCLOSED:
        line = source.count("\n", 0, min(unclosed)) + 1
        yield Problem(part, line, f"{len(unclosed)} tags are never closed", "write complete Liquid tags")
        return
    for start in _BLANKS.finditer(source):
        if max(map(len, start.groups())) > MOST_BLANKS:
            line = source.count("\n", 0, start.start()) + 1
            yield Problem(part, line, f"a tag has more than {MOST_BLANKS} blanks in a row", "leave them out")
            return


def _unclosed_wholes(source: str) -> Iterator[int]:
    """Where blocks start whose content Liquid takes as it is, of which no end follows."""
    for start, end in _WHOLE.values():
        last = max((match.start() for match in end.finditer(source)), default=-1)
        yield from (match.start() for match in start.finditer(source, max(last, 0)))
