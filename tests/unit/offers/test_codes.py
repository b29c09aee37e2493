import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.offers.code_list import UnreadableCodes, read_codes
from winback.offers.codes import ALPHABET, LENGTH, MOST_CODES, code_is_sound, generated_code, generated_codes

SECRET = b"\x07" * 32
NUMBERS = st.integers(0, MOST_CODES - 1)


@given(st.sets(NUMBERS, min_size=2, max_size=50), st.binary(min_size=16, max_size=32))
def test_different_numbers_have_different_codes_under_any_secret(numbers: set[int], secret: bytes) -> None:
    codes = {generated_code(secret, number) for number in numbers}
    assert len(codes) == len(numbers)
    assert all(code_is_sound(code) for code in codes)


def test_ten_thousand_codes_in_a_row_are_unique_and_do_not_look_alike() -> None:
    codes = list(generated_codes(SECRET, range(10_000), "BACK-"))
    assert len(set(codes)) == 10_000
    assert all(code.startswith("BACK-") and code_is_sound(code, "BACK-") for code in codes)
    firsts = {code[5] for code in codes[:500]}
    assert len(firsts) > 25  # neighbours share no beginning


@given(NUMBERS, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_any_single_wrong_character_is_noticed(number: int, place: int, letter: str) -> None:
    code = generated_code(SECRET, number)
    wrong = code[:place] + letter + code[place + 1 :]
    assert code_is_sound(wrong) == (wrong == code)


@given(NUMBERS, st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1))
def test_any_two_swapped_characters_are_noticed(number: int, one: int, other: int) -> None:
    code = list(generated_code(SECRET, number))
    swapped = code.copy()
    swapped[one], swapped[other] = code[other], code[one]
    assert code_is_sound("".join(swapped)) == (swapped == code)


@given(NUMBERS)
def test_a_code_holds_no_character_that_looks_like_another_and_may_be_typed_in_lower_case(number: int) -> None:
    code = generated_code(SECRET, number)
    assert not set(code) & set("01ILO")
    assert code_is_sound(f" {code.lower()} ")


def test_another_secret_gives_other_codes_and_there_is_no_code_beyond_the_last() -> None:
    assert generated_code(SECRET, 5) != generated_code(b"\x08" * 32, 5)
    with pytest.raises(ValueError, match="expected 0 to"):
        generated_code(SECRET, MOST_CODES)
    assert not code_is_sound("")
    assert not code_is_sound(generated_code(SECRET, 5), "BACK-")


def test_a_list_that_is_no_csv_says_in_which_line() -> None:
    assert read_codes("code\rABC\rDEF\r") == ["ABC", "DEF"]
    with pytest.raises(UnreadableCodes, match="line 2 is no"):
        read_codes("ABC\n" + 140_000 * "A")
