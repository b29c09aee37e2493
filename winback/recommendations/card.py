"""The model card of recommendations, from what `winback recommendations evaluate` found."""

from typing import Any

from winback.recommendations.learning import FEWEST_JUDGED, Ranker
from winback.recommendations.verdicts import NAMES, sentence

_HEAD = """# Model card: recommendations

<!-- Written by `winback recommendations evaluate --card`; do not edit. -->

**What it says.** For each customer the at most {most} {items} that the next order may have, with why: bought before
and when it is due again, bought together with what the customer buys, or popular in the customer's segment.

**What it is.** Counts and shrinkage in SQL (`winback/recommendations/*.sql`), learned from the account's own order
lines at every refresh; there is no endpoint and no model file.

- Bought before: the share of the customer's later order days that had the item again, days weighing exp(-age / 180
  days), shrunk by 8 order days to the item's own repeat rate over all its buyers. A durable thing has a small rate, so
  having bought it once counts for little.
- Due: the customer's mean log gap in the item, shrunk by 2 gaps to the item's; the spread is the pooled one inside
  customers. How much likelier or less likely than that an item is by how long ago it was bought, in quarters of the
  usual time, is learned from the four weeks before, and shrunk to "hardly yet" below half of it. What is not due is
  left out where the account's customers hardly buy so early.
- Not bought before: on what share of order days customers first buy it, times how much likelier the segment is to have
  it, times the mean lift of the customer's three likeliest items. Lift is shrunk by 10 expected baskets, and needs 5
  baskets with both; at most 100,000 baskets are looked at, and none of more than 40 items.
- Statistics are learned from at most 20,000 customers, chosen by hash, and about 2,000,000 of their lines.

## Would it have been right?

On Complete Journey, a grocer's baskets of 2017: `python -m local.complete_journey lines.parquet`, then
`winback recommendations evaluate --orders lines.parquet --card docs/models/recommendations.md` with the `--map` that it
prints.

At each moment items are recommended from what came before it, and are right when the customer's first order day of the
next {window_days} days has one of them ({orders:,} orders of {customers:,} customers).
"""

_LIMITS = """
## Limits

- One grocer, one year: weekly shopping favours what was bought before. In a shop where most things are bought once,
  co-purchase and popularity carry more, and nothing here says how well.
- Right means bought anyway. Whether showing an item changes what is bought is for an experiment with a holdout
  (`winback experiment analyze`).
- A customer's own favourites are hard to beat at this; the lead over them is shown beside the two baselines that
  decide what is served, and may be too small to tell.
- Settings were chosen as of 2017-06-01 and 2017-07-01 on the same households; later moments judge them, but they are
  the same people, so a customer is drawn with all of its orders in the bootstrap.
- Stock, prices, seasons and returns of single items are not known.
- Each refresh asks the same of the account's own last four weeks: where a baseline hit more often, it serves the
  baseline, and recommendations.json says so. With fewer than {fewest} orders to judge by the model is served unjudged.
"""


def render(found: dict[str, Any]) -> str:
    """Markdown of the document of `winback.recommendations.verdicts`."""
    dates = [moment["as_of"][:10] for moment in found["moments"]]
    items = {"category": "categories", "sku": "products"}[found["item"]]
    lines = [_HEAD.format(**{**found, "items": items}), _row("recommends", *dates, "all", "precision")]
    lines.append(_row(*["---"] * (len(dates) + 3)))
    for ranker in Ranker:
        rates = [f"{moment['hit_rates'][ranker]:.1%}" for moment in found["moments"]]
        overall = found["rankers"][ranker]
        lines.append(_row(NAMES[ranker], *rates, f"{overall['hit_rate']:.1%}", f"{overall['precision']:.1%}"))
    lines += [
        "",
        f"Hit rate at {found['most']}; precision is the share of recommended items that the order had. Model minus",
        "baseline, in points of hit rate, with the 95 % interval of a paired bootstrap over customers (2,000 draws):",
        "",
        _row("baseline", "difference", "95 % interval", "better"),
        _row(*["---"] * 4),
    ]
    for one in found["against"]:
        better = "yes" if one["better"] else "no, worse" if one["worse"] else "too small to tell"
        interval = f"{one['low'] * 100:+.1f} to {one['high'] * 100:+.1f}"
        lines.append(_row(NAMES[Ranker(one["baseline"])], f"{one['difference'] * 100:+.1f}", interval, better))
    return "\n".join([*lines, "", sentence(found), _LIMITS.format(fewest=FEWEST_JUDGED)])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
