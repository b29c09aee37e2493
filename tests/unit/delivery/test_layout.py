"""The layout that messages are put into, its blocks, and what keeps a template from being saved."""

from dataclasses import replace
from typing import Any

import pytest

from winback.delivery.messages import EmailMessage, check_template, resolve_template
from winback.delivery.messages.compiler import compile_template
from winback.delivery.messages.limits import MAX_HTML_BYTES
from winback.delivery.messages.samples import SAMPLES, product
from winback.delivery.messages.words import words

KNOWN, UNKNOWN = SAMPLES["all-known"], SAMPLES["nothing-known"]


def email(mjml: str, sample: Any = KNOWN, **parts: Any) -> EmailMessage:
    template = resolve_template({"subject": "Hello", "mjml": mjml, **parts})
    assert check_template(template) == ()
    made = compile_template(template, "email", template.language).render(sample)
    assert isinstance(made, EmailMessage)
    return made


def problems(**parts: Any) -> list[str]:
    mjml = {"subject": "Hello", "mjml": "<mj-text>Hi</mj-text>"} if not {"sms", "push_title"} & set(parts) else {}
    return [str(problem) for problem in check_template(resolve_template({**mjml, **parts}))]


def test_words_alone_are_put_into_the_layout_with_the_legal_lines() -> None:
    made = email("<mj-text>Hi</mj-text>", preheader="For {{ customer.first_name }} & all")
    assert "For Ada &amp; all</div>" in made.html
    assert made.text.startswith("Fjord & Sons\n\nHi\n\nYou receive this because you agreed to messages")
    assert "For Ada" not in made.text
    assert f'ses:no-track href="{KNOWN.unsubscribe_url}"' in made.html
    assert "1 Harbour Street" in made.html


def test_sections_stand_beside_each_other_between_header_and_footer() -> None:
    section = '<mj-section background-color="#ffffff"><mj-column><mj-text>One</mj-text></mj-column></mj-section>\n'
    made = email(section + section)
    assert made.text.count("One") == 2
    assert made.html.count("One") == 2


def test_a_logo_takes_the_place_of_the_shop_s_name() -> None:
    shown = email("<mj-text>Hi</mj-text>", replace(KNOWN, logo_url="https://shop.example.com/logo.png"))
    assert '<img alt="Fjord &amp; Sons"' in shown.html
    assert shown.text.startswith("Hi\n")


def test_a_button_leads_to_the_shop_or_where_it_is_told_and_is_gone_without_an_address() -> None:
    source = "{% render 'button', label: \"Look, don't wait\" %}"
    assert "Look, don't wait: https://shop.example.com" in email(source).text
    assert "Look" not in email(source, UNKNOWN).text
    there = "{% render 'button', label: customer.first_name, url: 'https://other.example/a' %}"
    assert "Ada: https://other.example/a" in email(there).text


def test_an_offer_and_products_are_shown_when_there_are_some() -> None:
    source = "{% render 'offer' %}{% render 'products', heading: \"Have you seen\" %}"
    shown = email(source).text
    assert "15%\nA thank-you for coming back\nYour code: FJORD-7K2M-9QXD\nValid until 31 December 2026" in shown
    assert "Have you seen\n\nCoffee beans\nYou have chosen it before" in shown
    assert "Paper filters: https://shop.example.com/p/filters\nGoes well with Coffee beans" in shown
    assert "Your code" not in email(source, UNKNOWN).text
    assert "Have you seen" not in email(source, UNKNOWN).text


def test_a_block_within_another_tag_is_no_block_and_never_saved() -> None:
    assert problems(mjml="<mj-text>{% if \"{% render 'offer' %}\" %}x{% endif %}</mj-text>")


def test_a_picture_of_a_product_has_empty_words_beside_its_name() -> None:
    pictured = replace(KNOWN, recommendations=(product("Cups", image_url="https://shop.example.com/i.png"),))
    assert 'src="https://shop.example.com/i.png" alt=""' in email("{% render 'products' %}", pictured).html


def test_every_language_of_the_layout_has_all_the_words() -> None:
    assert {frozenset(own) for own in words().values()} == {frozenset(words()["en"])}
    for language in words():
        assert "Fjord & Sons" in email("{% render 'greeting' %}{% render 'signature' %}", language=language).text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hi", "mjml, line 1: words stand outside the elements of MJML; put them into <mj-text>"),
        ("<mj-text>\n<p onclick='x'>Hi</p></mj-text>", "mjml, line 2: onclick is not run by mail programs"),
        ("<mj-text><script>x</script></mj-text>", "mjml, line 1: <script> is not shown by mail programs"),
        ('\n<mj-image src="https://a.example/b.png" />', "mjml, line 2: <mj-image> has no alt; say what it shows"),
        ('<mj-text><img src="https://a.example/b.png"></mj-text>', "mjml, line 1: <img> has no alt"),
        ('<mj-button href="javascript:x">a</mj-button>', "line 1: href is an unsafe or incomplete address; start it"),
        ('<mj-button href="shop/sale">a</mj-button>', "mjml, line 1: href is an unsafe or incomplete address"),
        ('<mj-image alt="" src="data:x" />', "mjml, line 1: src is an unsafe or incomplete address"),
        ("\n{% render 'button' %}", "mjml, line 2: the block button needs label"),
        (
            "{% render 'butten', label: 'x' %}",
            "mjml, line 1: there is no block 'butten'; one of greeting, hero, button",
        ),
        ("{% render 'note', text: 'x', size: 3 %}", "mjml, line 1: the block note knows no size"),
        ("{% render 'note', text: prize %}", "mjml, line 1: prize is not known"),
        ("<mj-text>{{ opt_out }}</mj-text>", "mjml, line 1: opt_out is not known"),
        ("<mj-text>{{ offer.price }}</mj-text>", "mjml, line 1: offer.price is not known"),
        (
            "<mj-text>{% for one in recommendations %}\n{{ one.nme }}{% endfor %}</mj-text>",
            "mjml, line 2: one.nme is undefined for the sample all-known",
        ),
        (f"<mj-text>{'x' * MAX_HTML_BYTES}</mj-text>", "bytes of HTML for the sample nothing-known; at most 104,448 b"),
        (
            "<mj-column><mj-text>Hi</mj-text></mj-column>",
            "mjml, line 1: <mj-column> stands by itself; put it into <mj-s",
        ),
        ("<mj-text>Hi</mj-text>\n<mj-section></mj-section>", "mjml, line 2: <mj-section> stands by itself"),
        ("<mj-section>\n<mj-text>Hi</mj-text></mj-section>", "mjml, line 2: <mj-text> stands in <mj-section>; put it"),
    ],
)
def test_what_cannot_be_sent_is_told_with_its_line(source: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(mjml=source))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"sms": "Come back. {{ opt_out }}"}, "sms, line 1: shop.name is missing; say who sends it"),
        ({"sms": "{{ shop.name }}: come back"}, "sms, line 1: opt_out is missing; say how to leave"),
        ({"sms": "{{ shop.name }} {{ opt_out }}" + "ab " * 150}, "sms, line 1: has 4 parts for the sample"),
        ({"sms": "{{ shop.name }} {{ opt_out }}", "language": "pl"}, "no words of opting out in 'pl'"),
        ({"push_title": "x" * 66, "push_body": "a"}, "push_title, line 1: has 66 characters for the sample"),
        ({"push_title": "x", "push_body": "y" * 241}, "push_body, line 1: has 241 characters for the sample"),
        ({"language": "pl"}, "mjml, line 1: the layout says nothing in 'pl'; use one of de, en, es, fr, it, nl"),
        ({"locales": {"de": {"sms": "Hallo"}}}, "locales.de.sms, line 1: opt_out is missing"),
        ({"alternative_subjects": ["{{ prize }}"]}, "alternative_subjects[0], line 1: prize is not known"),
    ],
)
def test_every_part_in_every_language_is_checked(parts: dict[str, Any], expected: str) -> None:
    assert any(expected in problem for problem in problems(**parts))


def test_the_facts_that_a_template_names_are_those_of_the_account() -> None:
    template = resolve_template({"subject": "Hi", "mjml": "<mj-text>\n{{ store.phone }}</mj-text>"})
    assert check_template(template, ["phone"]) == ()
    (problem,) = check_template(template, [])
    assert str(problem).startswith("mjml, line 2: store.phone is not known")


def test_a_text_message_says_how_to_leave_and_keeps_to_the_short_alphabet() -> None:
    source = {
        "sms": "{{ shop.name }}: \u201cyou\u2019re\u201d welcome \u2013 {{ offer.value }} {{ opt_out }}",
        "language": "fr",
    }
    sms = compile_template(resolve_template(source), "sms")
    assert sms.render(KNOWN).text == (
        'Fjord & Sons: "you\'re" welcome - 15 % Répondez STOP pour ne plus recevoir de SMS'
    )
    one_way = sms.render(replace(KNOWN, two_way=False)).text
    assert one_way.endswith(f"Désabonnement : {KNOWN.unsubscribe_url}")


def test_a_call_and_a_webhook_get_the_facts_beside_the_words() -> None:
    template = resolve_template({"call": "Ask {{ customer.first_name }}.", "sms": "x"})
    fields = compile_template(template, "call").render(KNOWN).fields
    assert fields["script"] == "Ask Ada."
    assert fields["offer_code"] == "FJORD-7K2M-9QXD"
    assert fields["recommendations"] == "Coffee beans, Paper filters, Stoneware cups"
    shown = compile_template(resolve_template("welcome"), "webhook", "de").render(UNKNOWN).fields
    assert shown["language"] == "de"
    assert {"subject", "text", "push_title"} <= set(shown)
