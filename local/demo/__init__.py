"""The demo: a whole win-back campaign on real purchases, in a local cloud of its own."""

from local.demo.run import run

__all__ = ["run"]
