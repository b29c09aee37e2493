"""What became of a launch's offers: how many were given, how many codes orders name, and what that cost."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb

from winback.analytics.database import naive_utc, one_value, run
from winback.analytics.report_parts import OfferGiven, OffersGiven, Redemptions
from winback.campaigns.launch import Launch
from winback.experiments.statistics import Proportion, wilson_interval
from winback.offers.offer import CodeKind, Offer

_DAY = timedelta(days=1)


def offers_given(
    db: duckdb.DuckDBPyConnection, launch: Launch, *, currency: str, zone: ZoneInfo, until: datetime
) -> OffersGiven | None:
    """None without offers. `zone`: the account's, whose days a code's days are; `until`: orders are seen before it.

    A redemption is an order of whom the code was given to, within the code's days. It tells nothing of cause.
    """
    policy = launch.definition.offers
    if policy is None:
        return None
    stated = _orders_state_codes(db, launch.starts_at, until)
    found = _redemptions(db, launch, currency, zone, until) if stated else {}
    given = tuple(_given(db, launch, found))
    counted = [each.redemptions for each in given if each.redemptions is not None]
    costs = [None if each.redemptions is None else each.redemptions.cost_minor for each in given if each.customers]
    known = [cost for cost in costs if cost is not None]
    return OffersGiven(
        budget_minor=policy.budget_minor,
        worst_minor=sum(each.worst_minor for each in given),
        offers=given,
        orders_state_codes=stated,
        redeemed=sum(each.redeemed for each in counted) if counted else None,
        cost_minor=sum(known) if counted and len(known) == len(costs) else None,
    )


def _orders_state_codes(db: duckdb.DuckDBPyConnection, since: datetime, until: datetime) -> bool:
    query = (
        "SELECT count(*) FROM (SELECT 1 FROM orders "
        "WHERE ordered_at >= ? AND ordered_at < ? AND discount_codes IS NOT NULL LIMIT 1)"
    )
    return one_value(db, query, [naive_utc(since), naive_utc(until)]) > 0


def _given(db: duckdb.DuckDBPyConnection, launch: Launch, redemptions: dict[str, Redemptions]) -> Iterator[OfferGiven]:
    rows = {
        offer_id: (sends, customers, worst)
        for offer_id, sends, customers, worst in db.execute(
            "WITH given AS (SELECT offer_id, customer_key, count(*) AS sends FROM fates "
            "WHERE attempted AND offer_id IS NOT NULL GROUP BY ALL) "
            "SELECT given.offer_id, sum(sends)::BIGINT, count(*), coalesce(sum(spend_minor), 0)::BIGINT "
            "FROM given LEFT JOIN offers USING (customer_key, offer_id) GROUP BY given.offer_id"
        ).fetchall()
    }
    for offer in launch.offers:
        sends, customers, worst = rows.get(offer.offer_id, (0, 0, 0))
        yield OfferGiven(
            offer_id=offer.offer_id,
            name=offer.name,
            sends=sends,
            customers=customers,
            worst_minor=worst,
            has_codes=offer.codes is not CodeKind.NONE,
            redemptions=redemptions.get(offer.offer_id),
        )


def _redemptions(
    db: duckdb.DuckDBPyConnection, launch: Launch, currency: str, zone: ZoneInfo, until: datetime
) -> dict[str, Redemptions]:
    """Of the offers with codes, by id."""
    coded = {offer.offer_id: offer for offer in launch.offers if offer.codes is not CodeKind.NONE}
    if not coded:
        return {}
    db.execute(
        "CREATE OR REPLACE TABLE coded_offers "
        "(offer_id VARCHAR, single_use BOOLEAN, valid_until DATE, valid_days INTEGER)"
    )
    for offer in coded.values():
        terms = [offer.offer_id, offer.codes.unique, offer.valid_until, offer.valid_days]
        db.execute("INSERT INTO coded_offers VALUES (?, ?, ?, ?)", terms)
    days = list(_days(zone, launch.starts_at, until))
    db.execute(
        "CREATE OR REPLACE TABLE shop_days AS SELECT unnest($days) AS day, unnest($moments) AS starts_at",
        {"days": days, "moments": [naive_utc(datetime.combine(day, time(), zone)) for day in days]},
    )
    window = {"assigned_at": naive_utc(launch.starts_at), "observed_until": naive_utc(until), "currency": currency}
    run(db, "redemptions", window)
    cursor = db.execute("SELECT * FROM redemptions")
    _, *names = [column[0] for column in cursor.description or ()]
    return {
        offer_id: _of_offer(coded[offer_id], dict(zip(names, counts, strict=True)))
        for offer_id, *counts in cursor.fetchall()
    }


def _days(zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[date]:
    """From before the launch, whose clock may be some hours behind a sender's, until all of what is seen is over."""
    day, last = since.astimezone(zone).date() - _DAY, until.astimezone(zone).date() + 2 * _DAY
    while day <= last:
        yield day
        day += _DAY


def _of_offer(offer: Offer, counts: dict[str, int]) -> Redemptions:
    seen = Proportion(counts["redeemed_of_delivered"], counts["delivered"])
    low, high = wilson_interval(seen)
    orders, unknown = counts["orders"], counts["discount_unknown"]
    discount = counts["discount_minor"] if offer.kind.is_discount else 0
    return Redemptions(
        **counts,
        rate=seen.rate,
        rate_low=low if seen.trials else None,
        rate_high=high if seen.trials else None,
        cost_minor=None if offer.kind.is_discount and unknown else discount + orders * offer.cost.fixed_minor,
    )
