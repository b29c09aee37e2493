"""The unsubscribe token: ours alone, short enough for a header, and of no use to anyone else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.unsubscribe_page import asking_page, done_page
from winback.delivery.unsubscribing import InvalidToken, read_token, unsubscribe_token, unsubscribe_url
from winback.identifiers import ACCOUNT_ID_PATTERN, SendId

SECRET = "a-random-secret"
SEND_IDS = st.builds(
    lambda account, launch, step, key: SendId.parse(f"{account}_lau-{launch}_{step}_{key}"),
    st.from_regex(re.compile(ACCOUNT_ID_PATTERN.rstrip("$") + r"\Z"), fullmatch=True),
    st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
    st.integers(1, 999),
    st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
)


@given(SEND_IDS)
def test_a_token_names_its_send(send_id: SendId) -> None:
    assert read_token(SECRET, unsubscribe_token(SECRET, send_id)) == send_id


@given(SEND_IDS)
def test_the_link_stays_short(send_id: SendId) -> None:
    link = unsubscribe_url("https://a-rather-long-name.execute-api.eu-central-1.amazonaws.com/prod/", SECRET, send_id)
    assert len(link) < 250
    assert "//u/" not in link


@given(SEND_IDS, st.integers(0, 10_000), st.sampled_from("AQx_-9"))
def test_a_token_changed_anywhere_is_refused(send_id: SendId, place: int, letter: str) -> None:
    token = unsubscribe_token(SECRET, send_id)
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    try:
        assert read_token(SECRET, changed) == send_id  # the last letter has bits that say nothing
        assert changed == token or place == len(token) - 1
    except InvalidToken:
        assert changed != token


@given(SEND_IDS)
def test_another_key_opens_nothing(send_id: SendId) -> None:
    with pytest.raises(InvalidToken, match="signature"):
        read_token("another-secret", unsubscribe_token(SECRET, send_id))


@given(st.text(max_size=300))
def test_nonsense_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        read_token(SECRET, token)


def test_a_page_shows_a_shop_name_as_text() -> None:
    for page in (asking_page("<script>x</script>"), done_page("<script>x</script>")):
        assert "<script>" not in page


def test_only_the_asking_page_has_a_form_and_it_posts() -> None:
    assert '<form method="post">' in asking_page("Fjord")
    assert "<form" not in done_page("Fjord")
