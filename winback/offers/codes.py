"""Generated codes: short texts that nobody guesses, that no two customers share, and that show a slip of the pen.

A code is nine characters that stand for its number and one that checks them, such as `K7RMXQ2PDA`. The alphabet has 31
characters, without 0, 1, I, L and O, which look like others.

Number to code. The number is enciphered by a Feistel network over 31^4 x 31^5 with keyed BLAKE2 as its round function
(Black and Rogaway 2002, *Ciphers with Arbitrary Finite Domains*, "generalized Feistel"): a permutation, so different
numbers give different codes, and without the secret the next code cannot be told from the ones before. Of a million
codes given, one guess in some 26 million finds one.

Check character. The sum of the characters' values, each times its place from 1, is 0 modulo 31. As 31 is a prime above
every place, any one wrong character, and any two that are swapped, are noticed.
"""

import hashlib
from collections.abc import Iterator

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 10
"""Of a code without its prefix."""
MOST_CODES = 10_000_000
"""Of one offer: beyond, guesses would find one too easily."""
_BASE = len(ALPHABET)
_LEFT, _RIGHT = _BASE**4, _BASE**5
_ROUNDS = 8
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


def generated_code(secret: bytes, number: int, prefix: str = "") -> str:
    """The code of that number (from 0). Raises ValueError beyond MOST_CODES."""
    if not 0 <= number < MOST_CODES:
        raise ValueError(f"there is no code number {number}: expected 0 to {MOST_CODES - 1}")
    left, right = divmod(number, _RIGHT)
    for turn in range(_ROUNDS):
        if turn % 2:
            right = (right + _mixed(secret, turn, left)) % _RIGHT
        else:
            left = (left + _mixed(secret, turn, right)) % _LEFT
    place = left * _RIGHT + right
    body = ""
    for _ in range(LENGTH - 1):
        place, value = divmod(place, _BASE)
        body += ALPHABET[value]
    return prefix + body + _check(body)


def generated_codes(secret: bytes, numbers: range, prefix: str = "") -> Iterator[str]:
    return (generated_code(secret, number, prefix) for number in numbers)


def code_is_sound(code: str, prefix: str = "") -> bool:
    """Whether a typed code can be one of ours at all: its length, alphabet and check character."""
    own = code.strip().upper()
    if not own.startswith(prefix):
        return False
    own = own.removeprefix(prefix)
    return len(own) == LENGTH and set(own) <= _VALUES.keys() and _check(own[:-1]) == own[-1]


def _check(body: str) -> str:
    """The character that makes the weighted sum 0; its own weight is its place, LENGTH."""
    total = sum(place * _VALUES[letter] for place, letter in enumerate(body, 1))
    return ALPHABET[-total * pow(LENGTH, -1, _BASE) % _BASE]


def _mixed(secret: bytes, turn: int, half: int) -> int:
    message = turn.to_bytes(1) + half.to_bytes(8)
    return int.from_bytes(hashlib.blake2b(message, key=secret, digest_size=8).digest())
