"""What a table holds was checked when it was stated, by the rules of its day."""

from pydantic import ValidationInfo

STORED = {"stored": True}
"""The context in which a model is read back."""


def was_stored(info: ValidationInfo) -> bool:
    """Then a rule on how parts fit together may have come after it, and refuses nothing: a launch under way goes on."""
    return info.context is not None and bool(info.context.get("stored"))
