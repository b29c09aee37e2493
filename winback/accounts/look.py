"""How an account's messages look and what they say of the shop, as a launch freezes it."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from winback.accounts import Account
from winback.accounts.brand import Brand


class Look(BaseModel):
    """What is not in it a message tells as it is on the day on which it leaves: the postal address and who it is from,
    which law asks for, the page behind its unsubscribe link, and how a text can be answered."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str
    website: str | None = None
    locale: str
    brand: Brand

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(name=account.name, website=account.website, locale=account.locale, brand=account.brand)

    def worn_by(self, account: Account) -> Account:
        return account.model_copy(update={name: getattr(self, name) for name in type(self).model_fields})
