"""Which language a reader gets, and how figures are written in it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from winback.delivery.messages import MessageValues, OfferValues, Percent, Template, resolve_template
from winback.delivery.messages.compiler import compile_template
from winback.delivery.messages.locales import date_text, money_text, percent_text
from winback.delivery.messages.samples import SAMPLES
from winback.money import Money

HELLO = {"subject": "Hello", "alternative_subjects": ["Good day"], "mjml": "<mj-text>Hi</mj-text>", "sms": "Hi"}
TEMPLATE = resolve_template(
    {
        **HELLO,
        "locales": {
            "de": {"subject": "Hallo", "alternative_subjects": ["Guten Tag"], "mjml": "<mj-text>Na</mj-text>"},
            "de-CH": {"subject": "Grüezi", "mjml": "<mj-text>Grüezi</mj-text>"},
            "fr": {"subject": "Bonjour"},
        },
    }
)


@pytest.mark.parametrize(
    ("reader", "account", "expected"),
    [
        ("de-AT", "en", "de"),
        ("de-CH", "en", "de-CH"),
        ("de_ch", "en", "de-CH"),
        ("de-Latn-CH", "en", "de"),
        ("it", "de-CH", "de-CH"),
        ("it", "es", "en"),
        (None, "de", "de"),
        ("en-US", "de", "en"),
        ("fr", "en", "en"),  # a subject alone is no message: languages are not mixed
        ("", None, "en"),
    ],
)
def test_a_reader_gets_the_nearest_language_that_is_whole(
    reader: str | None, account: str | None, expected: str
) -> None:
    assert TEMPLATE.language_for("email", reader, account) == expected


def test_a_channel_without_words_in_the_reader_s_language_is_sent_in_the_template_s_own() -> None:
    assert TEMPLATE.language_for("sms", "de", "de") == "en"


def test_a_tested_subject_is_the_same_one_in_every_language() -> None:
    tested = TEMPLATE.with_subject("Good day")
    assert (tested.subject, tested.locales["de"].subject) == ("Good day", "Guten Tag")
    own = TEMPLATE.with_subject("Something else")
    assert (own.subject, own.locales["de"].subject) == ("Something else", "Something else")


def _offered(template: Template, locale: str, offer: OfferValues) -> str:
    values: MessageValues = replace(SAMPLES["nothing-known"], locale=locale, offer=offer)
    made = compile_template(template, "email", locale).render(values)
    return made.text.replace("\N{NO-BREAK SPACE}", " ")


def test_figures_follow_the_reader_s_region_within_the_message_s_language() -> None:
    template = resolve_template("welcome")
    offer = OfferValues("Gutschein", Money(1250, "EUR"), "A", date(2026, 3, 3))
    assert "€ 12,50" in _offered(template, "de-AT", offer)
    assert "12,50 €" in _offered(template, "de-DE", offer)
    assert "Gültig bis 3. März 2026" in _offered(template, "de-DE", offer)
    assert "€12.50" in _offered(template, "fr-FR", offer)  # the message is in English
    assert "Valid until 3 March 2026" in _offered(template, "en-GB", offer)
    assert "15 %" in _offered(template, "de", replace(offer, value=Percent(15)))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (money_text(Money(1000, "EUR"), "en"), "€10"),
        (money_text(Money(1250, "JPY"), "en"), "¥1,250"),
        (money_text(Money(1250, "KWD"), "en"), "KWD1.250"),
        (percent_text(Decimal("12.5"), "de"), "12,5 %"),
        (date_text(date(2026, 3, 3), "xx-YY"), "March 3, 2026"),
    ],
)
def test_figures_are_written_as_the_locale_does_with_the_decimals_of_the_currency(shown: str, expected: str) -> None:
    assert shown.replace("\N{NO-BREAK SPACE}", " ") == expected
