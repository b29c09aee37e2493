"""Templates that nobody writes are told apart before reading them takes the square of their length, or more."""

import pytest

from winback.delivery.messages import Template, check_template

_LENGTH = 100_000  # the longest part


def problems(mjml: str) -> list[str]:
    found = check_template(Template(name="Odd", subject="Hello", mjml=mjml))
    return [f"{problem.part}, line {problem.line}: {problem.problem}" for problem in found]


@pytest.mark.parametrize("start", ["{{", "{% render", "{% raw %}", "{% doc %}"])
def test_many_tags_that_never_close_are_one_problem(start: str) -> None:
    (found,) = problems("\n" + start * (_LENGTH // len(start)))
    assert found.startswith("mjml, line 2: ")
    assert found.endswith("tags are never closed")


@pytest.mark.parametrize("tag", ["{{%s}}", "{{-%s", "{%% if shop.name %%}{%% else%s%%}{%% endif %%}", "{%% #%s%%}"])
def test_a_tag_of_nothing_but_blanks_is_one_problem(tag: str) -> None:
    assert problems(f"<mj-text>Hi</mj-text>\n{tag % (' ' * 101)}")[0] == (
        "mjml, line 2: a tag has more than 100 blanks in a row"
    )


@pytest.mark.parametrize(
    ("start", "problem"),
    [("<!--", "a comment is never closed"), ("<a href=", "an element's tag is never closed")],
)
def test_markup_that_never_closes_is_one_problem(start: str, problem: str) -> None:
    assert problems("<mj-text>Hi</mj-text>\n" + start * 10_000)[-1] == f"mjml, line 2: {problem}"


@pytest.mark.parametrize(
    "start", ["<mj-raw>", "<div>", "<p>", '<div title="</div>">', "<div><!-- </div> -->", "<BR>", "<a title='\">'>"]
)
def test_elements_too_deep_in_one_another_are_one_problem_and_end_no_process(start: str) -> None:
    text = "<mj-text>Hi</mj-text>\n<mj-text>" + start * (_LENGTH // len(start) - 10) + "</mj-text>"
    assert problems(text) == ["mjml, line 2: more than 100 elements stand in one another"]


def test_elements_that_end_do_not_stand_in_one_another() -> None:
    many = "<div><br><img src='https://a' alt='>'/><hr /></div>" * 200
    assert problems(f"<mj-text>{'<div>' * 90}{many}{'</div>' * 90}</mj-text>") == []


def test_a_quote_or_a_comment_that_only_seems_to_end_is_told_by_its_line() -> None:
    (quote,) = problems("<mj-text>\n<a title='x>it</a></mj-text>")
    (comment,) = problems("<mj-text>\n<!--></mj-text>")
    assert quote == "mjml, line 2: a quote in an element's tag is never closed"
    assert comment == "mjml, line 2: a comment is never closed"


def test_a_few_tags_that_never_close_are_told_as_liquid_tells_them() -> None:
    assert problems("<mj-text>{% raw %}{{{% endraw %}</mj-text>") == []
    assert problems("<mj-text>Hi</mj-text>\n{{ shop.name")[0].startswith("mjml, line 2: expected '}}'")


def test_comments_before_the_first_element_are_passed_over_in_one_way() -> None:
    assert problems("<!---->" * 100 + "<mj-text>Hi</mj-text>") == []
    assert problems("<!---->" * 100 + "Hi") == ["mjml, line 1: words stand outside the elements of MJML"]
