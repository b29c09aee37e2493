"""How many parts a text takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.channels.sms_parts import Encoding, TextLength, measure

EURO = "€"  # of the extension table: two places
PARTY = "\N{PARTY POPPER}"  # beyond the basic plane: two code units


@pytest.mark.parametrize(
    ("text", "encoding", "places", "parts"),
    [
        ("", Encoding.GSM_7, 0, 0),
        ("a" * 160, Encoding.GSM_7, 160, 1),
        ("a" * 161, Encoding.GSM_7, 161, 2),
        ("a" * 306, Encoding.GSM_7, 306, 2),
        ("a" * 307, Encoding.GSM_7, 307, 3),
        (EURO * 80, Encoding.GSM_7, 160, 1),
        (EURO * 81, Encoding.GSM_7, 162, 2),
        # The 153rd place cannot take half of it: it goes into the next part, whose last place then stays free as well.
        ("a" * 152 + EURO * 77, Encoding.GSM_7, 306, 3),
        ("Grüße an Åse, ¡hola! {15 %}", Encoding.GSM_7, 29, 1),
        ("ł" * 70, Encoding.UCS_2, 70, 1),
        ("ł" * 71, Encoding.UCS_2, 71, 2),
        ("ł" * 134, Encoding.UCS_2, 134, 2),
        ("ł" * 135, Encoding.UCS_2, 135, 3),
        ("a" * 69 + "\u2019", Encoding.UCS_2, 70, 1),
        (PARTY * 35, Encoding.UCS_2, 70, 1),
        (PARTY * 36, Encoding.UCS_2, 72, 2),
        (PARTY * 67, Encoding.UCS_2, 134, 3),  # 33 whole pairs a part
    ],
)
def test_known_lengths(text: str, encoding: Encoding, places: int, parts: int) -> None:
    assert measure(text) == TextLength(encoding, places, parts)


@given(st.text(st.sampled_from(["a", EURO, "ł", PARTY]), max_size=500), st.text(st.sampled_from("aé"), max_size=3))
def test_a_longer_text_never_takes_fewer_parts_and_no_part_is_overfull(text: str, more: str) -> None:
    found, longer = measure(text), measure(text + more)
    room = 153 if found.encoding is Encoding.GSM_7 else 67
    assert longer.parts >= found.parts
    assert found.parts <= 1 or (found.parts - 1) * (room - 1) < found.places <= found.parts * room
