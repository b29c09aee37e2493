"""What an evaluation of recommendations says, as a document and as the model's card."""

from collections.abc import Sequence
from typing import Any

from winback.instants import format_instant
from winback.recommendations.evaluation import BASELINES, Against, Cut, compare, scores, served
from winback.recommendations.learning import JUDGES, Item, Ranker, Settings

SEED = 20261122
NAMES = {
    Ranker.MODEL: "this model",
    Ranker.POPULAR: "most popular",
    Ranker.LAST: "repeat the last order",
    Ranker.OWN: "own favourites",
}


def document(cuts: Sequence[Cut], item: Item, settings: Settings) -> dict[str, Any]:
    """The fields of `winback recommendations evaluate --json`."""
    overall = scores(cuts, settings)
    against = [compare(cuts, baseline, seed=SEED) for baseline in BASELINES]
    return {
        "schema_version": 1,
        "item": item,
        "most": settings.most,
        "window_days": settings.window_days,
        "customers": len({customer for cut in cuts for customer in cut.customers}),
        "orders": sum(len(cut.customers) for cut in cuts),
        "moments": [
            {
                "as_of": format_instant(cut.as_of),
                "customers": cut.known,
                "ordered": len(cut.customers),
                "hit_rates": {score.ranker.value: round(score.hit_rate, 4) for score in scores([cut], settings)},
            }
            for cut in cuts
        ],
        "rankers": {
            score.ranker.value: {"hit_rate": round(score.hit_rate, 4), "precision": round(score.precision, 4)}
            for score in overall
        },
        "against": [_against(one) for one in against],
        "serves": served(overall).value,
    }


def _against(one: Against) -> dict[str, Any]:
    return {
        "baseline": one.baseline.value,
        "difference": round(one.difference, 4),
        "low": round(one.low, 4),
        "high": round(one.high, 4),
        "better": one.better,
        "worse": one.worse,
    }


def sentence(found: dict[str, Any]) -> str:
    """What to serve, in a line."""
    judges = [one for one in found["against"] if one["baseline"] in JUDGES]
    if found["serves"] != Ranker.MODEL:
        return f"{NAMES[Ranker(found['serves'])].capitalize()} hits more often than the model: it is served instead."
    if all(one["better"] for one in judges):
        return "The model beats most popular and repeating the last order beyond chance: it is served."
    return "The model hits most often, but its lead is too small to tell: it is served, and not shown to be better."
