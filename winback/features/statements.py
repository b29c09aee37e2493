"""The texts of the facts' statements, in DuckDB's dialect, as an account's data needs them.

Parameters are written $name. One engine's text is the other's by translation: see docs/decisions.
"""

import hashlib
from dataclasses import fields
from importlib.resources import files

from winback.features.inputs import Inputs

_OF_TREND_CATEGORY = """(coalesce(array_length(lines), 0) > 0
            AND array_length(list_filter(lines, lambda line: line.category IS DISTINCT FROM $trend_category)) = 0)"""
_LINE_COST = """CASE
            WHEN array_length(list_filter(lines, lambda line: line.cost_minor IS NULL)) = 0 AND array_length(lines) > 0
            THEN list_sum(list_transform(lines, lambda line: line.cost_minor))::BIGINT
        END"""
UNIT_MINOR = "(line.price_minor * 1000) // nullif((line.quantity * 1000)::BIGINT, 0)"
"""Price per piece of a line in whole minor units, rounded toward zero, so a negative one of less than one is zero.
Quantities have three decimals."""
_PREMIUM = f"""CASE
            WHEN array_length(lines) > 0 THEN coalesce(array_length(list_filter(
                lines, lambda line: line.quantity > 0 AND {UNIT_MINOR} >= $premium_unit_minor
            )) > 0, FALSE)
            ELSE coalesce(amount_minor >= $premium_amount_minor, FALSE)
        END"""
_PREMIUM_BY_AMOUNT = "coalesce(amount_minor >= $premium_amount_minor, FALSE)"
_MARGIN = "(sum(amount_minor - cost_minor) FILTER (WHERE cost_minor IS NOT NULL))::BIGINT"
_COSTED = "(sum(amount_minor) FILTER (WHERE cost_minor IS NOT NULL))::BIGINT"
_ORDERS_WITH_LINES = "count(*) FILTER (WHERE amount_minor >= 0 AND line_count > 0)"
_LINES = "coalesce(sum(line_count) FILTER (WHERE amount_minor >= 0), 0)::BIGINT"
_ONLY_CATEGORY = "coalesce(bool_and(of_trend_category) FILTER (WHERE amount_minor >= 0), FALSE)"
_WITH_CATEGORIES = "seasons LEFT JOIN ({}) AS categories ON seasons.customer_id = categories.customer_id"
_NO_TOUCHES = """(
        SELECT NULL::VARCHAR AS customer_id, NULL::VARCHAR AS kind, NULL::TIMESTAMP AS "at", NULL::BOOLEAN AS by_machine
        WHERE FALSE
    )"""
_NO_PROFILES = """(
        SELECT
            NULL::VARCHAR AS customer_id, NULL::VARCHAR AS email_consent, NULL::VARCHAR AS sms_consent,
            NULL::VARCHAR AS push_consent, NULL::VARCHAR AS acquisition_channel, NULL::TIMESTAMP AS created_at
        WHERE FALSE
    )"""


def histories_statement(inputs: Inputs, *, trend_category: bool) -> str:
    """Creates `histories`. Parameters: as_of, premium_amount_minor; where there are lines also premium_unit_minor and,
    when asked for, trend_category."""
    costs = ["cost_minor"] if inputs.order_cost else []
    if inputs.lines and inputs.line_cost:
        costs.append(_LINE_COST)
    return _fill(
        "histories",
        premium=_PREMIUM if inputs.lines else _PREMIUM_BY_AMOUNT,
        discounted="discount_minor > 0" if inputs.discounts else "FALSE",
        discounted_codes="list_filter(codes, lambda code: code % 2 = 1)" if inputs.discounts else "[]::INTEGER[]",
        cost_minor=f"coalesce({', '.join(costs)})" if costs else "NULL::BIGINT",
        margin_minor=_MARGIN if costs else "NULL::BIGINT",
        costed_net_minor=_COSTED if costs else "NULL::BIGINT",
        line_count="array_length(lines)" if inputs.lines else "0",
        orders_with_lines=_ORDERS_WITH_LINES if inputs.lines else "0::BIGINT",
        lines=_LINES if inputs.lines else "0::BIGINT",
        of_trend_category=_OF_TREND_CATEGORY if inputs.lines and trend_category else "FALSE",
        only_category=_ONLY_CATEGORY if inputs.lines and trend_category else "FALSE",
        category_count="coalesce(category_count, 0)" if inputs.lines else "0::BIGINT",
        seasons=_WITH_CATEGORIES.format(_read("categories").strip()) if inputs.lines else "seasons",
    )


def engagement_statement(inputs: Inputs) -> str:
    """Creates `engagement`. Parameter: as_of."""
    return _fill("engagement", touches="touches" if inputs.touches else _NO_TOUCHES)


def facts_statement(inputs: Inputs) -> str:
    """Creates `facts`. Parameters as the header of facts.sql lists them."""
    return _fill("facts", profiles="profiles" if inputs.profiles else _NO_PROFILES)


def premium_cuts_statement(inputs: Inputs) -> str:
    """Selects unit_minor and amount_minor of PremiumCuts. Parameter: as_of."""
    return _fill(
        "premium_cuts", lines="lines" if inputs.lines else "NULL::STRUCT(quantity DECIMAL(18, 3), price_minor BIGINT)[]"
    )


def histories_fingerprint() -> str:
    """Changes when histories would be made otherwise: first 16 hex digits of SHA-256 over their statements."""
    inputs = (Inputs(*[given] * len(fields(Inputs))) for given in (True, False))
    text = "".join(histories_statement(given, trend_category=True) for given in inputs)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _fill(name: str, **parts: str) -> str:
    text = _read(name)
    for key, part in parts.items():
        text = text.replace(f"{{{key}}}", part)
    return text


def _read(name: str) -> str:
    return files("winback.features").joinpath(f"{name}.sql").read_text(encoding="utf-8")
