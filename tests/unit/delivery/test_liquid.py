"""What is made quicker than Liquid makes it reads as Liquid reads it, and stops where a message must stop."""

import liquid
import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid.exceptions import LiquidError, OutputStreamLimitError

from winback.delivery.messages.liquid_language import HTML, PLAIN

SOURCE = """{{ shop.name }}{% if shop.url %}<a href="{{ shop.url }}">{{ shop.url | upcase }}</a>{% else %}-{% endif %}
{% if shop.none %} {% endif %}{% if shop.note == "x" %}1{% elsif shop.note %}2 {{ shop.note }}{% else %}3{% endif %}
{% for one in rows limit: 2 %}{% if one.name %}{{ forloop.index }} {{ one.name }}
{% unless forloop.last %},{% endunless %}{% endif %}
{% for letter in one.letters %}{{ letter }}{% break %}{% endfor %}{% else %}nothing{% endfor %}
{% assign own = rows.size %}{{ own }}
{% capture more %}{{ shop.note }}!{% endcapture %}{{ more }}{% if rows.size > 0 %}{{ rows.first }}{% endif %}
{% case shop.note %}{% when "x" %}x{% else %}{{ shop["name"] }}{% endcase %}{{ shop.none }}{{ false }}{{ 1.5 }}"""
TEXTS = st.none() | st.text("x<&'\"> ", max_size=3)
VALUES = st.fixed_dictionaries(
    {
        "shop": st.fixed_dictionaries({"name": TEXTS, "url": TEXTS, "note": TEXTS | st.booleans(), "none": st.none()}),
        "rows": st.lists(st.fixed_dictionaries({"name": TEXTS, "letters": st.lists(TEXTS, max_size=2)}), max_size=3),
    }
)


@given(VALUES)
def test_a_template_reads_as_liquid_reads_it(values: dict[str, object]) -> None:
    for ours, escaped in ((HTML, True), (PLAIN, False)):
        theirs = liquid.Environment(autoescape=escaped, undefined=liquid.StrictUndefined)
        assert read(ours, values) == read(theirs, values)


def read(environment: liquid.Environment, values: dict[str, object]) -> str:
    """The text, a quote escaped in one way of two, or what is wrong with it."""
    try:
        text = environment.from_string(SOURCE).render(values)
    except LiquidError as error:
        return repr(error)
    return text.replace("&#34;", "&quot;").replace("&#39;", "&#x27;")


@pytest.mark.parametrize("turn", ["WORDS", "WORDS{% continue %}", "{% if shop %}WORDS{% endif %}", "{{ shop }}"])
@pytest.mark.parametrize("around", ["%s", "{%% capture all %%}%s{%% endcapture %%}"])
def test_a_loop_is_stopped_once_it_has_written_more_than_a_message_holds(turn: str, around: str) -> None:
    loop = f"{{% for number in (1..10000) %}}{turn.replace('WORDS', 'x' * 100)}{{% endfor %}}"
    with pytest.raises(OutputStreamLimitError):
        PLAIN.from_string(around % loop).render(shop="x" * 100)
