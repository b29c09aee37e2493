"""Whatever stores, shops and customers call things: a message keeps its form, and its links stay safe."""

from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.messages import MessageValues, OfferValues, RenderingFailed, Utm, resolve_template
from winback.delivery.messages.compiler import compile_template
from winback.delivery.messages.links import SAFE_SCHEMES
from winback.delivery.messages.liquid_language import HTML
from winback.delivery.messages.samples import SAMPLES, product

LINK = "https://mail.example.com/u/AbCd"
PIECES = [*"<>\"'&{}%/=\\\n\r\t\0\x85\u2028 a", "javascript:", "{{", "}}", "{%", "<script>", "</td>", "-->", "onload="]
HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)
EMAIL = compile_template(resolve_template("vip-active"))
SMS = compile_template(resolve_template("vip-active"), "sms")
NOTE = resolve_template({"push_title": "{{ customer.first_name }}!", "push_body": "{{ offer.name }}"})
PUSH = compile_template(NOTE, "push")
KNOWN = replace(SAMPLES["all-known"], utm=Utm("winback", "email", "spring"))


class _Form(HTMLParser):
    """The elements of a page with the names of their attributes, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, ...]] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def named(text: str) -> MessageValues:
    return replace(
        KNOWN,
        shop_name=text,
        postal_address=text,
        first_name=text,
        offer=OfferValues(text, text, text, None),
        recommendations=(product(text, kind="together", with_item=text, url="https://shop.example.com/p/1"),),
    )


@given(HOSTILE)
def test_no_name_changes_the_form_of_a_page(text: str) -> None:
    assert _Form(EMAIL.render(named(text)).html).elements == _Form(EMAIL.render(named("Ann")).html).elements


@given(HOSTILE, st.booleans(), st.booleans())
def test_what_is_filled_in_once_reads_as_if_it_were_rendered_each_time(text: str, offered: bool, coded: bool) -> None:
    values = replace(named(text), offer=OfferValues(text, None, text if coded else None) if offered else None, utm=None)
    made = EMAIL.render(values)
    page = HTML.from_string(EMAIL._html).render(values.as_liquid("en"))
    assert unescape(made.html) == unescape(page)


@given(HOSTILE)
def test_no_name_adds_a_line_to_a_subject_a_text_message_or_a_notification(text: str) -> None:
    values = named("x" + text)
    lines = [EMAIL.render(values).subject, SMS.render(values).text, PUSH.render(values).title, PUSH.render(values).body]
    for line in lines:
        assert len(line.splitlines()) == 1
        assert not any(ord(letter) < 32 for letter in line)


@given(
    st.sampled_from(["javascript:alert(1)", "JaVaScRiPt:x", " data:text/html,x", "//evil.example", "x", ""]) | HOSTILE
)
def test_a_link_that_is_none_stops_the_message_or_leads_to_the_web(url: str) -> None:
    try:
        html = EMAIL.render(replace(KNOWN, recommendations=(product("Cups", url=url),))).html
    except RenderingFailed:
        return
    for link in _Form(html).links:
        assert link.partition(":")[0].lower() in SAFE_SCHEMES


def test_a_script_as_a_shop_s_address_stops_the_message_without_telling_it() -> None:
    with pytest.raises(RenderingFailed) as failed:
        EMAIL.render(replace(KNOWN, shop_url="javascript:alert(1)"))
    assert "alert" not in str(failed.value)
