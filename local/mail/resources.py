"""What an SES account holds beside its messages: identities, configuration sets, tenants. Answers as SES v2 does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local.mail.ses_requests import SesError, required

_SCOPES, _REASONS = ("ACCOUNT", "TENANT"), {"BOUNCE", "COMPLAINT"}


@dataclass
class Resources:
    identities: set[str]
    configuration_sets: frozenset[str]
    tenants: dict[str, dict[str, Any]] = field(default_factory=dict)  # suppression attributes by name
    associations: set[tuple[str, str]] = field(default_factory=set)

    def answer(self, method: str, path: Sequence[str], payload: dict[str, Any]) -> dict[str, Any]:
        """`path`: the parts after /v2/email/. Raises SesError."""
        match method, list(path):
            case "POST", ["identities"]:
                return self._create_identity(payload)
            case "GET", ["identities", identity]:
                return self._identity(identity)
            case "GET", ["configuration-sets", name]:
                return self._configuration_set(name)
            case "POST", ["tenants"]:
                return self._create_tenant(payload)
            case "POST", ["tenants", "get"]:
                return {"Tenant": self._tenant(required(payload, "TenantName"))}
            case "POST", ["tenants", "resources"]:
                return self._associate(payload)
            case "POST", ["tenant", "suppression"]:
                return self._suppression_attributes(payload)
        asked = f"{method} {'/'.join(path)}"
        raise SesError("UnknownOperationException", f"{asked} is not an operation of this stand-in for SES v2")

    def _create_identity(self, payload: dict[str, Any]) -> dict[str, Any]:
        identity = required(payload, "EmailIdentity")
        if identity in self.identities:
            raise SesError("AlreadyExistsException", f"Email identity {identity} already exist.")
        self.identities.add(identity)
        return {"IdentityType": _identity_type(identity), "VerifiedForSendingStatus": True}

    def _identity(self, identity: str) -> dict[str, Any]:
        """As one whose DNS records are all found."""
        if identity not in self.identities:
            raise SesError("NotFoundException", f"Email identity {identity} does not exist.")
        dkim = {"SigningEnabled": True, "Status": "SUCCESS", "SigningAttributesOrigin": "AWS_SES"}
        mail_from = {
            "MailFromDomain": f"bounce.{identity.rpartition('@')[2]}",
            "MailFromDomainStatus": "SUCCESS",
            "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
        }
        known = {"IdentityType": _identity_type(identity), "VerifiedForSendingStatus": True}
        return {**known, "DkimAttributes": dkim, "MailFromAttributes": mail_from}

    def _configuration_set(self, name: str) -> dict[str, Any]:
        if name not in self.configuration_sets:
            raise SesError("NotFoundException", f"Configuration set <{name}> does not exist.")
        return {"ConfigurationSetName": name, "SendingOptions": {"SendingEnabled": True}}

    def _create_tenant(self, payload: dict[str, Any]) -> dict[str, Any]:
        name = required(payload, "TenantName")
        if name in self.tenants:
            raise SesError("AlreadyExistsException", f"Tenant {name} already exists.")
        self.tenants[name] = _suppression(payload.get("SuppressionAttributes", {}))
        return self._tenant(name)

    def _tenant(self, name: str) -> dict[str, Any]:
        return {"TenantName": name, "SendingStatus": "ENABLED", "SuppressionAttributes": self._of(name)}

    def _suppression_attributes(self, payload: dict[str, Any]) -> dict[str, Any]:
        name = required(payload, "TenantName")
        self._of(name)
        self.tenants[name] = _suppression(payload)
        return {}

    def _associate(self, payload: dict[str, Any]) -> dict[str, Any]:
        name, resource = required(payload, "TenantName"), required(payload, "ResourceArn")
        self._of(name)
        if (name, resource) in self.associations:
            raise SesError("AlreadyExistsException", "The resource is already associated with the tenant.")
        self.associations.add((name, resource))
        return {}

    def list_of(self, tenant: str | None) -> str:
        """Whose suppression list counts: the tenant's own, or `` for the account's."""
        return tenant if tenant and self._of(tenant).get("SuppressionScope") == "TENANT" else ""

    def _of(self, name: str) -> dict[str, Any]:
        if name not in self.tenants:
            raise SesError("NotFoundException", f"Tenant {name} does not exist.")
        return self.tenants[name]


def _suppression(attributes: dict[str, Any]) -> dict[str, Any]:
    scope, reasons = attributes.get("SuppressionScope", "ACCOUNT"), attributes.get("SuppressedReasons", [])
    if scope not in _SCOPES or not set(reasons) <= _REASONS:
        raise SesError("BadRequestException", "SuppressionScope or SuppressedReasons is none that SES knows")
    return {"SuppressionScope": scope, "SuppressedReasons": list(reasons)}


def _identity_type(identity: str) -> str:
    return "EMAIL_ADDRESS" if "@" in identity else "DOMAIN"
