import json
from pathlib import Path

from ml.offer.card import render
from ml.offer.trials import CARD, FIGURES

ROOT = Path(__file__).parents[3]


def test_the_card_says_what_its_figures_say() -> None:
    assert (ROOT / CARD).read_text() == render(json.loads((ROOT / FIGURES).read_text()))
