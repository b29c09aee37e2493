"""The Liquid that templates may use: standard tags without file access, bounded output, nothing undefined."""

import liquid

_FILE_TAGS = ("include", "render")


class MessageLiquid(liquid.Environment):
    # A message is some tens of kilobytes; Gmail clips beyond 102 kB. Bounds stop a template that loops on purpose.
    output_stream_limit = 400_000
    loop_iteration_limit = 10_000

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(autoescape=autoescape, undefined=liquid.StrictUndefined, strict_filters=True)
        for tag in _FILE_TAGS:
            self.tags.pop(tag, None)


HTML = MessageLiquid(autoescape=True)
PLAIN = MessageLiquid(autoescape=False)
