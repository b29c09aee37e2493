"""The briefs that there are, by the name that commands and routes use."""

from collections.abc import Callable, Mapping

from winback.briefs.crm import crm_brief
from winback.briefs.facts import AccountFacts
from winback.briefs.ltv import ltv_plan
from winback.briefs.sections import Brief

BRIEFS: Mapping[str, Callable[[AccountFacts], Brief]] = {"crm": crm_brief, "ltv": ltv_plan}
