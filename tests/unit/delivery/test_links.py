"""Tags of links: where they go on, and what they leave alone."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.messages.links import UnsafeLink, tag_html, tag_text, tagged
from winback.delivery.messages.values import Utm

UTM = Utm("winback", "email", "spring-sale")
HOST = "shop.example.com"
WORD = st.text("abcdefghij-_.~", min_size=1, max_size=6)


@given(st.lists(st.tuples(WORD, WORD), max_size=4), WORD)
def test_a_link_to_the_shop_keeps_its_path_query_and_place_and_is_tagged_once(
    query: list[tuple[str, str]], place: str
) -> None:
    url = f"https://{HOST}/p/1?" + "&".join(f"{name}={value}" for name, value in query) + f"#{place}"
    made = urlsplit(tagged(url, HOST, UTM))
    assert parse_qsl(made.query)[: len(query)] == query
    assert parse_qsl(made.query)[len(query) :] == [
        ("utm_source", "winback"),
        ("utm_medium", "email"),
        ("utm_campaign", "spring-sale"),
    ]
    assert (made.path, made.fragment) == ("/p/1", place)
    assert tagged(made.geturl(), HOST, UTM) == made.geturl()


@pytest.mark.parametrize(
    "url",
    ["https://other.example/", "https://notshop.example.com/", "mailto:a@shop.example.com", "tel:+4955123456"],
)
def test_other_links_stay_as_they_are(url: str) -> None:
    assert tagged(url, HOST, UTM) == url


def test_a_part_of_the_shop_is_the_shop_and_tags_that_are_there_stay() -> None:
    assert "utm_source=winback" in tagged(f"https://en.{HOST}/", HOST, UTM)
    assert tagged(f"https://{HOST}/?utm_source=own", HOST, UTM).count("utm_source") == 1


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/p/1", "https://[", ""])
def test_what_leads_nowhere_or_runs_is_refused(url: str) -> None:
    with pytest.raises(UnsafeLink):
        tagged(url, HOST, UTM)


@pytest.mark.parametrize("link", ['HREF="javascript:x"', "href = 'javascript:x'", 'Href\n="javascript:x"'])
def test_a_link_is_found_however_it_is_written(link: str) -> None:
    with pytest.raises(UnsafeLink):
        tag_html(f"<a {link}>x</a>", None, None, "")


def test_the_unsubscribe_link_is_never_tagged_even_on_the_shop_s_own_host() -> None:
    leave = f"https://{HOST}/u/token"
    html = tag_html(f"<a href=\"{leave}\">x</a><a href='https://{HOST}/?a=1&amp;b=2'>y</a>", HOST, UTM, leave)
    assert f'<a href="{leave}">' in html
    assert f'href="https://{HOST}/?a=1&amp;b=2&amp;utm_source=winback&amp;utm_medium=email' in html
    text = tag_text(f"Look: https://{HOST}/sale. Leave: {leave}", HOST, UTM, leave)
    assert text.endswith(f"Leave: {leave}")
    assert f"https://{HOST}/sale?utm_source=winback&utm_medium=email&utm_campaign=spring-sale. " in text
