"""What a template may name, and what comes out of it."""

from dataclasses import dataclass

# Every variable that a template may use, as it is written in Liquid.
VARIABLES = frozenset(
    {
        "customer.first_name",
        "customer.last_name",
        "customer.country",
        "shop.name",
        "shop.url",
        "shop.postal_address",
        "unsubscribe_url",
    }
)


@dataclass(frozen=True)
class MessageValues:
    """One recipient's values. What is None renders as nothing, so templates write `| default: "there"`."""

    shop_name: str
    postal_address: str
    unsubscribe_url: str
    shop_url: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None

    def as_liquid(self) -> dict[str, object]:
        return {
            "customer": {"first_name": self.first_name, "last_name": self.last_name, "country": self.country},
            "shop": {"name": self.shop_name, "url": self.shop_url, "postal_address": self.postal_address},
            "unsubscribe_url": self.unsubscribe_url,
        }


@dataclass(frozen=True)
class Message:
    """Ready for the provider. The subject is one line."""

    subject: str
    html: str
    text: str


class RenderingFailed(RuntimeError):
    """The template gave no sendable message for some values."""
