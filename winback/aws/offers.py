"""The catalogue of offers in the campaigns table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import put_if, query_all
from winback.identifiers import AccountId
from winback.instants import format_instant
from winback.offers.offer import MAX_OFFERS, CodeKind, NewOffer, Offer


class UnknownOffer(LookupError):
    """The account has no offer of that id."""


class OfferChanged(RuntimeError):
    """Somebody else changed the offer since the version that the request names."""


class OfferTaken(RuntimeError):
    """The request's idempotency key made another offer."""


class OfferRefused(ValueError):
    """The offer does not fit the account, or the change does not fit the offer."""


class TooManyOffers(RuntimeError):
    """The account has as many offers as it may have."""


class OfferStore:
    """Offers are retired, never deleted: launches and ledger rows name them, and their codes stay given."""

    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def of_account(self, account_id: AccountId) -> dict[str, Offer]:
        """All of them by id, the latest changed first."""
        rows = query_all(
            self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.offer(account_id, "")["pk"]},
            ConsistentRead=True,
        )
        found = sorted((from_item(Offer, row) for row in rows), key=lambda each: each.updated_at, reverse=True)
        return {each.offer_id: each for each in found}

    def get(self, account_id: AccountId, offer_id: str) -> Offer:
        answer = self._table.get_item(Key=keys.offer(account_id, offer_id), ConsistentRead=True)
        if "Item" not in answer:
            raise UnknownOffer(f"no offer {offer_id}: GET /v1/offers lists them")
        return from_item(Offer, answer["Item"])

    def frozen(self, account_id: AccountId, offer_ids: Sequence[str]) -> tuple[Offer, ...]:
        """What a launch keeps of the offers that its definition names. Raises UnknownOffer, OfferRefused for a retired
        one."""
        offers = tuple(self.get(account_id, offer_id) for offer_id in offer_ids)
        for offer in offers:
            if offer.retired_at is not None:
                raise OfferRefused(f"offer {offer.offer_id} was retired at {offer.retired_at}: choose another")
        return offers

    def create(self, account_id: AccountId, offer_id: str, wanted: NewOffer, *, currency: str, now: datetime) -> Offer:
        """An id that is taken by the same offer gives that one. Raises OfferRefused, TooManyOffers, OfferTaken."""
        _check_currency(wanted, currency)
        known = self.of_account(account_id)
        if offer_id not in known and sum(offer.retired_at is None for offer in known.values()) >= MAX_OFFERS:
            raise TooManyOffers(f"there are {MAX_OFFERS} offers: retire one first")
        moment = format_instant(now)
        made = Offer(**_stated(wanted), offer_id=offer_id, created_at=moment, updated_at=moment)
        if self._put(account_id, made, "attribute_not_exists(pk)", {}):
            return made
        there = self.get(account_id, offer_id)
        if _stated(there) != _stated(wanted):
            raise OfferTaken("Idempotency-Key was used for another offer: use a new one for each")
        return there

    def replace(
        self, account_id: AccountId, offer_id: str, wanted: NewOffer, *, currency: str, version: int, now: datetime
    ) -> Offer:
        """Launches keep what they froze. Raises UnknownOffer, OfferRefused and OfferChanged."""
        _check_currency(wanted, currency)
        there = self.get(account_id, offer_id)
        if there.codes is not wanted.codes and (there.codes.unique or wanted.codes.unique):
            raise OfferRefused(
                f"codes is '{there.codes}' and would become '{wanted.codes}': expected a new offer for codes of "
                "another kind, because codes that were given must stay told apart"
            )
        if there.codes is CodeKind.GENERATED and there.code_prefix != wanted.code_prefix:
            raise OfferRefused("code_prefix would change: expected a new offer, the shop knows the codes by it")
        return self._save(account_id, Offer.model_validate({**dict(there), **_stated(wanted)}), version, now)

    def retire(self, account_id: AccountId, offer_id: str, version: int, now: datetime) -> Offer:
        """No new launch may use it; those that froze it go on. Raises UnknownOffer, OfferChanged."""
        there = self.get(account_id, offer_id)
        if there.retired_at is not None:
            return there
        return self._save(account_id, there.model_copy(update={"retired_at": format_instant(now)}), version, now)

    def _save(self, account_id: AccountId, offer: Offer, version: int, now: datetime) -> Offer:
        changed = offer.model_copy(update={"version": version + 1, "updated_at": format_instant(now)})
        if not self._put(account_id, changed, "version = :read", {":read": version}):
            raise OfferChanged(f"offer {offer.offer_id} is no longer of version {version}: read it again and repeat")
        return changed

    def _put(self, account_id: AccountId, offer: Offer, condition: str, values: Mapping[str, Any]) -> bool:
        return put_if(self._table, {**keys.offer(account_id, offer.offer_id), **to_item(offer)}, condition, values)


def _check_currency(wanted: NewOffer, currency: str) -> None:
    if wanted.currency != currency:
        raise OfferRefused(f"currency is {wanted.currency}: expected {currency}, the account's")


def _stated(offer: NewOffer) -> dict[str, Any]:
    return {name: getattr(offer, name) for name in NewOffer.model_fields}
