"""Orders in two currencies through the deployed cloud: a file of rates, and the refresh that uses it."""

from datetime import UTC, datetime

from local.cloud import Cloud
from local.demo.store import Store
from winback.instants import format_instant

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
RATES = b"""day,currency,rate,base
2026-01-05,GBP,0.8,USD
2026-01-06,GBP,0.5,USD
"""
ORDERS = b"""order_id,customer_id,ordered_at,amount,currency
1,dollars,2026-01-05T10:00:00Z,80.00,USD
2,pounds,2026-01-05T10:00:00Z,80.00,GBP
3,later,2026-01-06T10:00:00Z,80.00,GBP
4,sunday,2026-01-11T10:00:00Z,40.00,GBP
5,too-early,2026-01-04T10:00:00Z,80.00,GBP
6,too-early,2026-01-05T10:00:00Z,1.00,USD
"""


def test_orders_count_in_the_accounts_currency_by_the_rate_of_their_day(shop: Cloud) -> None:
    store = Store(shop.api)
    shop.clock.set(AS_OF)
    store.import_file("rates", RATES)
    store.import_file("orders", ORDERS)

    store.refresh(format_instant(AS_OF))

    spent = {"dollars": 8_000, "pounds": 10_000, "later": 16_000, "sunday": 8_000, "too-early": 100}
    assert {name: store.get(f"/v1/customers/{name}")["segment"]["net_minor"] for name in spent} == spent
    (pounds,) = store.get("/v1/snapshots/latest")["conversion"]["foreign"]
    assert (pounds["currency"], pounds["converted"]) == ("GBP", 3)
    assert sum(pounds["left_out"].values()) == 1
