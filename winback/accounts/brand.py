"""How an account's messages look and what they may say of the shop."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

LEAST_CONTRAST = 4.5
"""Of text with its background, WCAG 2.2, 1.4.3: https://www.w3.org/TR/WCAG22/#contrast-minimum."""
MAX_FACTS = 30


def contrast_with_white(color: str) -> float:
    """1 (white) to 21 (black) of a colour as #rrggbb: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    red, green, blue = (_linear(int(color[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _readable(color: str) -> str:
    if (ratio := contrast_with_white(color)) < LEAST_CONTRAST:
        raise ValueError(
            f"has a contrast of {ratio:.1f} with white, as links and buttons use it: "
            f"expected a darker colour, {LEAST_CONTRAST} at least"
        )
    return color.lower()


def _with_sku(pattern: str) -> str:
    if pattern.count("{sku}") != 1 or pattern.count("{") != 1 or pattern.count("}") != 1:
        raise ValueError("does not say where the product's sku goes: expected {sku} once, and no other braces")
    return pattern


Color = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$"), AfterValidator(_readable)]
ProductAddress = Annotated[
    str, StringConstraints(pattern=r"^https://[^\s\"'<>]+$", max_length=500), AfterValidator(_with_sku)
]
FactName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Fact = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Brand(BaseModel):
    """`facts` are what templates name as `store.<name>`: a telephone number, opening hours, how returns work."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    color: Color = Field(default="#1f6f54", description="of links and buttons; its contrast with white is checked")
    logo_url: str | None = Field(default=None, pattern=r"^https://[^\s\"'<>]+$", max_length=500)
    product_url: ProductAddress | None = Field(default=None, description="a product's page, such as .../p/{sku}")
    product_image_url: ProductAddress | None = Field(default=None, description="a product's picture, by its {sku}")
    facts: dict[FactName, Fact] = Field(default_factory=dict, max_length=MAX_FACTS)
