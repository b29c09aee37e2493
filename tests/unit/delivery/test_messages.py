"""Messages: what may be saved, and what comes out for a recipient, whatever the data holds."""

import re
import traceback
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.delivery.messages import (
    MessageValues,
    OfferValues,
    Percent,
    RenderingFailed,
    Template,
    UnknownTemplate,
    check_template,
    resolve_template,
    shipped_templates,
)
from winback.delivery.messages.compiler import compile_template
from winback.delivery.messages.mjml import hold, to_html, to_text
from winback.delivery.messages.templates import InvalidTemplate

LINK = "https://mail.example.com/u/AbCd"
VALUES = MessageValues(
    shop_name="Fjord & Sons",
    postal_address="1 Harbour Street, Bergen",
    unsubscribe_url=LINK,
    shop_url="https://example.com/?a=1&b=2",
)
FOOTER = '<mj-text><a href="{{ unsubscribe_url }}">Leave</a> {{ shop.postal_address }}</mj-text>'


def mjml(content: str = "<mj-text>Hello</mj-text>", footer: str = FOOTER) -> str:
    return (
        f"<mjml>\n<mj-body>\n<mj-section><mj-column>\n{content}\n{footer}\n</mj-column></mj-section></mj-body></mjml>"
    )


def inline(**parts: Any) -> Template:
    return resolve_template({"subject": "Hello", "mjml": mjml(), **parts})


def problems(**parts: Any) -> list[str]:
    return [str(problem) for problem in check_template(inline(**parts))]


@pytest.mark.parametrize("name", shipped_templates())
def test_a_shipped_template_is_sound_and_names_the_customer_the_shop_and_the_way_out(name: str) -> None:
    template = resolve_template(name)
    assert check_template(template) == ()
    message = compile_template(template).render(
        MessageValues("Fjord", "1 Harbour Street", LINK, shop_url="https://example.com", first_name="Ada")
    )
    for part in (message.html, message.text):
        assert "Ada" in part
        assert "1 Harbour Street" in part
        assert LINK in part
        assert "https://example.com" in part
    assert "{{" not in message.html + message.text + message.subject


@pytest.mark.parametrize("name", shipped_templates())
def test_a_shipped_text_names_the_code_and_what_it_is_worth(name: str) -> None:
    offer = OfferValues("Thank you", Percent(15), "FJORD-7K2M")
    values = MessageValues("Fjord", "1 Harbour Street", LINK, offer=offer)
    assert "FJORD-7K2M (15%)" in compile_template(resolve_template(name), channel="sms").render(values).text


@pytest.mark.parametrize("name", shipped_templates())
def test_a_shipped_template_does_without_a_name_and_a_website(name: str) -> None:
    message = compile_template(resolve_template(name)).render(MessageValues("Fjord", "1 Harbour Street", LINK))
    assert "Hello there," in message.text
    assert "None" not in message.html + message.text
    assert 'href=""' not in message.html


def test_names_are_escaped_in_html_and_left_alone_in_text() -> None:
    template = inline(mjml=mjml("<mj-text>Dear {{ customer.first_name }} of {{ shop.name }}</mj-text>"))
    message = compile_template(template).render(MessageValues("Fjord & Sons", "B", LINK, first_name="<b>Ada</b>"))
    assert "Dear &lt;b&gt;Ada&lt;/b&gt; of Fjord &amp; Sons" in message.html
    assert "Dear <b>Ada</b> of Fjord & Sons" in message.text


def test_liquid_in_a_name_is_text_and_nothing_more() -> None:
    compiled = compile_template(inline(subject="Hello {{ customer.first_name }}"))
    values = MessageValues("Fjord", "B", LINK, first_name="{{ unsubscribe_url }}")
    assert compiled.render(values).subject == "Hello {{ unsubscribe_url }}"


def test_the_unsubscribe_link_is_kept_out_of_click_tracking() -> None:
    html = compile_template(inline()).render(VALUES).html
    assert f'<a ses:no-track href="{LINK}">' in html


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"subject": "Hi {{ customer.nickname }}"}, "subject, line 1: customer.nickname is not known"),
        ({"mjml": mjml("<mj-text>\n{{ prize }}</mj-text>")}, "mjml, line 5: prize is not known"),
        ({"mjml": mjml("<mj-text>{% if customer.first_name %}x</mj-text>")}, "mjml, line 4: expected tag endif"),
        ({"mjml": mjml("<mj-text>{{ shop.name | shout }}</mj-text>")}, "mjml, line 4: the filter shout is not known"),
        ({"mjml": mjml("<mj-text>{% include 'x' %}</mj-text>")}, "mjml, line 4: unexpected tag 'include'"),
        ({"mjml": mjml("<mj-txt>a</mj-txt>")}, "mjml, line 4: <mj-txt> is no MJML element"),
        ({"mjml": mjml("<mj-text>a")}, "mjml, line 6: </mj-column> closes nothing; <mj-text> of line 4 is still open"),
        ({"mjml": mjml(footer="{{ shop.postal_address }}")}, "mjml, line 6: unsubscribe_url is missing"),
        ({"mjml": mjml(footer="{{ unsubscribe_url }}")}, "mjml, line 6: shop.postal_address is missing"),
        ({"text": "Hello\n{{ unsubscribe_url }}"}, "text, line 2: shop.postal_address is missing"),
        ({"text": "{{ shop.postal_address }}"}, "text, line 1: unsubscribe_url is missing"),
        ({"subject": "a\nb"}, "subject, line 1: the subject has more than one line"),
        (
            {"mjml": "<p>Hello {{ unsubscribe_url }} {{ shop.postal_address }}</p>"},
            "mjml, line 1: <p> stands outside the elements of MJML",
        ),
    ],
)
def test_a_problem_names_the_part_the_line_and_what_is_wrong(parts: dict[str, str], expected: str) -> None:
    assert any(expected in problem for problem in problems(**parts))


@pytest.mark.parametrize(
    "source",
    [
        "{% for offer in recommendations %}{{ offer.name }}{% endfor %}",
        "{% if shop.name %}{% assign shop = recommendations.first %}{{ shop.name }}{% endif %}",
        "{% capture offer %}x{% endcapture %}",
    ],
)
def test_a_name_of_ours_is_not_an_author_s_to_give(source: str) -> None:
    """What many messages have in common is written in first: the loop would show the offer, and no product."""
    (problem,) = check_template(resolve_template({"subject": "Hi", "mjml": f"<mj-text>{source}</mj-text>"}))
    assert (problem.part, problem.line) == ("mjml", 1)
    assert "is a name of ours" in problem.problem


def test_a_template_with_problems_does_not_compile() -> None:
    with pytest.raises(InvalidTemplate, match="prize is not known"):
        compile_template(inline(subject="{{ prize }}"))


def test_a_link_that_a_condition_swallowed_stops_the_message() -> None:
    template = inline(text="{{ shop.postal_address }}{% if customer.first_name %}{{ unsubscribe_url }}{% endif %}")
    compiled = compile_template(template)
    with pytest.raises(RenderingFailed, match="without the unsubscribe link"):
        compiled.render(VALUES)


def test_a_template_that_loops_without_end_is_stopped() -> None:
    source = mjml("<mj-text>{% for i in (1..1000000) %}x{% endfor %}</mj-text>")
    with pytest.raises(RenderingFailed):
        compile_template(inline(mjml=source)).render(VALUES)


GROWING = """{% assign s="xxxxxxxxxx" %}{% for i in (1..COUNT) %}{% assign s = s | append: s %}{% endfor %}"""


@pytest.mark.parametrize(
    "source",
    [
        GROWING.replace("COUNT", "24"),
        GROWING.replace("COUNT", "13") + '{{ s | replace: "x", s | size }}',
        GROWING.replace("COUNT", "13") + '{{ s | split: "" | join: s | size }}',
        "{{ (1..999999999999) | size }}",
        '{{ "" | append: (1..999999999999) }}',
        "{% assign r = (1..999999999999) %}{% for i in r reversed %}{% break %}{% endfor %}",
        "{% tablerow i in (1..999999999999) reversed %}{% endtablerow %}",
    ],
)
def test_a_template_whose_values_grow_without_end_is_stopped_and_never_saved(source: str) -> None:
    template = inline(subject=f"{{% if customer.first_name %}}{source}{{% endif %}}Hi")
    compiled = compile_template(template)
    assert compiled.render(VALUES).subject == "Hi"
    with pytest.raises(RenderingFailed):
        compiled.render(replace(VALUES, first_name="Ann"))
    (problem,) = check_template(template)
    assert problem.part == "subject"
    assert "for the sample all-known" in problem.problem


def test_a_template_is_tried_on_a_customer_of_whom_nothing_is_known() -> None:
    source = "Hi\n{% unless customer.first_name %}{{ 1 | divided_by: 0 }}{% endunless %}"
    (problem,) = check_template(inline(text=source + "{{ unsubscribe_url }} {{ shop.postal_address }}"))
    assert (problem.part, problem.line) == ("text", 2)
    assert "for the sample nothing-known" in problem.problem


def test_a_link_that_a_condition_may_swallow_is_found_before_it_is_saved() -> None:
    text = "{{ shop.postal_address }}{% unless customer.first_name %}{{ unsubscribe_url }}{% endunless %}"
    assert any("without the unsubscribe link for the sample all-known" in found for found in problems(text=text))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ('{{ customer.first_name | date: "%Y" }}', "9999999999999"),
        ("{{ customer.first_name | floor }}", "inf"),
        ("{{ customer.first_name | times: customer.first_name }}", "1" * 5000),
    ],
)
def test_a_value_that_a_filter_cannot_take_fails_that_message_without_being_told(source: str, name: str) -> None:
    compiled = compile_template(inline(subject="Hello " + source))
    with pytest.raises(RenderingFailed) as failed:
        compiled.render(replace(VALUES, first_name=name))
    assert name not in "".join(traceback.format_exception(failed.value))


def test_filters_and_loops_of_ordinary_size_work() -> None:
    subject = (
        '{{ "a,b" | split: "," | join: "-" | replace: "-", "+" }}{% for i in (1..3) reversed %}{{ i }}{% endfor %}'
    )
    assert compile_template(inline(subject=subject)).render(VALUES).subject == "a+b321"


def test_conditions_with_signs_of_markup_survive_it() -> None:
    html = to_html(mjml('<mj-text>{% if customer.first_name.size < 3 and "a" != "b" %}x{% endif %}</mj-text>'))
    assert '{% if customer.first_name.size < 3 and "a" != "b" %}x{% endif %}' in html


@given(st.lists(st.sampled_from(["{{", "}}", "{%", "%}", "{", "}", "%", "a", "\n", "liquidq0z", "0q"]), max_size=14))
def test_liquid_stands_as_it_was_written_whatever_is_around_it(pieces: list[str]) -> None:
    source = "".join(pieces)
    held, tags = hold(source)
    assert list(tags.tags) == re.findall(r"\{\{.*?\}\}|\{%.*?%\}", source, re.DOTALL)
    assert tags.restore(held) == source


@pytest.mark.parametrize("start", ["{{ ", "{% ", "{{ {% ", "{{{%"])
def test_the_ends_of_tags_that_never_end_are_looked_for_once(start: str) -> None:
    looked_at: list[int] = []

    class Source(str):
        def find(self, *place: Any) -> int:
            looked_at.append(place[1])
            return super().find(*place)

    hold(Source(start * 1000))
    assert 1 <= len(looked_at) <= 2  # once per kind


def test_the_text_part_is_made_from_the_markup() -> None:
    text = to_text(mjml('<mj-text>One<br>two &amp; three</mj-text><mj-button href="{{ shop.url }}">Look</mj-button>'))
    assert text.startswith("One\ntwo & three\n\nLook: {{ shop.url }}\n\nLeave: {{ unsubscribe_url }}")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("we-mis-you", "expected one of .*, we-miss-you, welcome"),
        ({"subject": "a"}, "mjml is missing"),
        ({"subject": "a", "mjml": "b", "html": "c"}, "html is not known"),
    ],
)
def test_what_is_no_template_says_what_would_be_one(spec: Any, expected: str) -> None:
    with pytest.raises(UnknownTemplate, match=expected):
        resolve_template(spec)
