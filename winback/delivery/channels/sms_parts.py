"""How many parts a text takes, each of which is paid for and counted against the rate.

3GPP TS 23.038, sections 6.2.1 and 6.2.1.1: the default alphabet and its extension table; TS 23.040, 9.2.3.24.1: a part
of several gives 7 of its 160 characters (3 of its 70) to the header that puts them together again.
https://docs.aws.amazon.com/sms-voice/latest/userguide/sms-limitations-character.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_DEFAULT = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")  # an escape and the character: two places, in one part


class Encoding(StrEnum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


_ALONE = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
_IN_PARTS = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}


@dataclass(frozen=True)
class TextLength:
    """`places` of `encoding`: septets, or UTF-16 code units. An empty text has no part."""

    encoding: Encoding
    places: int
    parts: int


def measure(text: str) -> TextLength:
    """One character outside the default alphabet puts the whole text into UCS-2."""
    gsm = all(character in _DEFAULT or character in _EXTENSION for character in text)
    encoding = Encoding.GSM_7 if gsm else Encoding.UCS_2
    widths = [_width(character, encoding) for character in text]
    places = sum(widths)
    parts = min(places, 1) if places <= _ALONE[encoding] else _parts(widths, _IN_PARTS[encoding])
    return TextLength(encoding, places, parts)


def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM_7:
        return 2 if character in _EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1  # a surrogate pair


def _parts(widths: Iterable[int], room: int) -> int:
    """A character of two places stands whole in one part."""
    parts, left = 1, room
    for width in widths:
        if width > left:
            parts, left = parts + 1, room
        left -= width
    return parts
