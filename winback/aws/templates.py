"""Saved templates in the campaigns table."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from winback.aws import keys
from winback.aws.documents import from_item, to_item
from winback.aws.tables import conditionally, put_if
from winback.campaigns.saved_templates import NewTemplate, SavedTemplate
from winback.delivery.messages.templates import Template, UnknownTemplate, resolve_template
from winback.identifiers import AccountId
from winback.instants import format_instant


class NoTemplate(LookupError):
    """The account has no template of that id."""


class TemplateChanged(RuntimeError):
    """Somebody else changed the template since the version that the request names."""


class TemplateTaken(RuntimeError):
    """The request's idempotency key made another template."""


class TemplateStore:
    def __init__(self, campaigns_table: Any) -> None:
        self._table = campaigns_table

    def page(self, account_id: AccountId, limit: int, after: str | None) -> tuple[list[SavedTemplate], str | None]:
        """At most `limit` templates by id, and the id to go on after; None when there are no more."""
        start = {"ExclusiveStartKey": keys.template(account_id, after)} if after else {}
        answer = self._table.query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": keys.template(account_id, "")["pk"]},
            ConsistentRead=True,
            Limit=limit,
            **start,
        )
        found = [from_item(SavedTemplate, item) for item in answer["Items"]]
        return found, found[-1].template_id if found and "LastEvaluatedKey" in answer else None

    def get(self, account_id: AccountId, template_id: str) -> SavedTemplate:
        """Raises NoTemplate."""
        answer = self._table.get_item(Key=keys.template(account_id, template_id), ConsistentRead=True)
        if "Item" not in answer:
            raise NoTemplate(f"no template {template_id}: GET /v1/templates lists them")
        return from_item(SavedTemplate, answer["Item"])

    def finder(self, account_id: AccountId) -> Callable[[str], Template]:
        """Of names and ids alike: a saved template by its id, else a shipped one. It raises UnknownTemplate."""

        def find(name: str) -> Template:
            if not name.startswith("tpl-"):
                return resolve_template(name)
            try:
                return self.get(account_id, name).template()
            except NoTemplate as error:
                raise UnknownTemplate(f"no template {name!r}: expected one that GET /v1/templates lists") from error

        return find

    def create(self, account_id: AccountId, template_id: str, wanted: NewTemplate, now: datetime) -> SavedTemplate:
        """An id that is taken by the same template gives that one. Raises TemplateTaken."""
        moment = format_instant(now)
        made = SavedTemplate(**_parts(wanted), template_id=template_id, created_at=moment, updated_at=moment)
        if self._put(account_id, made, "attribute_not_exists(pk)", {}):
            return made
        there = self.get(account_id, template_id)
        if there.stated() != wanted:
            raise TemplateTaken("Idempotency-Key was used for another template: use a new one for each")
        return there

    def replace(
        self, account_id: AccountId, template_id: str, wanted: NewTemplate, version: int, now: datetime
    ) -> SavedTemplate:
        """Launches keep what they froze. Raises NoTemplate, and TemplateChanged when it has another version by now."""
        there = self.get(account_id, template_id)
        changed = SavedTemplate(
            **_parts(wanted),
            template_id=template_id,
            version=version + 1,
            created_at=there.created_at,
            updated_at=format_instant(now),
        )
        if not self._put(account_id, changed, "version = :read", {":read": version}):
            raise TemplateChanged(f"template {template_id} is no longer of version {version}: read it again and repeat")
        return changed

    def delete(self, account_id: AccountId, template_id: str) -> None:
        """Launches keep what they froze; a campaign that names it cannot be launched any more. Raises NoTemplate."""
        place = keys.template(account_id, template_id)
        if not conditionally(self._table.delete_item, Key=place, ConditionExpression="attribute_exists(pk)"):
            raise NoTemplate(f"no template {template_id}: GET /v1/templates lists them")

    def _put(self, account_id: AccountId, saved: SavedTemplate, condition: str, values: Mapping[str, Any]) -> bool:
        item = {**keys.template(account_id, saved.template_id), **to_item(saved)}
        return put_if(self._table, item, condition, values)


def _parts(wanted: NewTemplate) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in NewTemplate.model_fields}
