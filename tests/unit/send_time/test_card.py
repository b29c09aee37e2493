"""The model card says what its figures say."""

import json
from pathlib import Path

from ml.send_time.card import render
from ml.send_time.evaluate import CARD, CARD_FIGURES, table

ROOT = Path(__file__).parents[3]
FIGURES = json.loads((ROOT / CARD_FIGURES).read_text())


def test_the_card_is_written_from_its_figures() -> None:
    assert render(FIGURES) == (ROOT / CARD).read_text()


def test_the_model_beats_the_accounts_histogram_on_real_purchase_times() -> None:
    assert FIGURES["model_minus"]["account_histogram"]["better"]
    assert FIGURES["a_day_apart"]["better"]
    assert FIGURES["scores"]["account_histogram"]["log_loss"] < FIGURES["scores"]["uniform"]["log_loss"]
    assert "Purchases are not reads" in table(FIGURES)
