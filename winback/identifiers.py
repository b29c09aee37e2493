"""Identifiers: who may look like what, and how keys are derived from them.

Customer ids and addresses are the store's and may be personal; object keys, logs and message tags carry the derived
`CustomerKey` instead (docs/data-model.md).
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import NewType, Self

AccountId = NewType("AccountId", str)
CustomerId = NewType("CustomerId", str)
CustomerKey = NewType("CustomerKey", str)
AddressHash = NewType("AddressHash", str)
ImportId = NewType("ImportId", str)
CampaignId = NewType("CampaignId", str)
LaunchId = NewType("LaunchId", str)
SnapshotId = NewType("SnapshotId", str)

ACCOUNT_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{1,29}$"
CUSTOMER_ID_MAX_LENGTH = 128
KEY_LENGTH = 32


def new_id(prefix: str) -> str:
    """A fresh id such as `lau-3f2a…`: the prefix, a dash and 12 random hex digits."""
    return f"{prefix}-{secrets.token_hex(6)}"


def repeatable_id(prefix: str, *parts: str) -> str:
    """An id that looks like a fresh one and is the same for the same parts: a repeated request names the same thing."""
    return f"{prefix}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:12]}"


def salted_hash(salt: str, text: str) -> str:
    """First 32 hex digits of SHA-256 over `salt:text`; the SQL of the lake computes the same."""
    return hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()[:KEY_LENGTH]


def customer_key(salt: str, customer_id: str) -> CustomerKey:
    return CustomerKey(salted_hash(salt, customer_id))


def address_hash(salt: str, address: str) -> AddressHash:
    """Key of an address on the suppression list, the same for every way to write it.

    Case and surrounding space do not matter, and an international domain counts in its ASCII form: the provider
    reports `ann@xn--bcher-kva.de` of what the store knows as `ann@bücher.de`.
    """
    return AddressHash(salted_hash(salt, "@" + _normal_form(address)))


def _normal_form(address: str) -> str:
    """Lower case, the domain in ASCII (IDNA 2008 with the mapping of UTS 46); an unencodable one stays as it is."""
    written = address.strip()
    local, at, domain = written.rpartition("@")
    if not at or domain.isascii():
        return written.lower()
    import idna  # noqa: PLC0415 (few addresses need it, and its tables take a while to load)

    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        return written.lower()
    return f"{local}{at}{ascii_domain}".lower()


@dataclass(frozen=True)
class SendId:
    """Names one send: (account, launch, step, customer). Its text is the message tag and the key of the ledger row."""

    account_id: AccountId
    launch_id: LaunchId
    step: int
    customer_key: CustomerKey

    _PATTERN = re.compile(r"^([a-z0-9-]{2,30})_(lau-[0-9a-f]{12})_([1-9][0-9]{0,2})_([0-9a-f]{32})$")

    def __str__(self) -> str:
        return f"{self.account_id}_{self.launch_id}_{self.step}_{self.customer_key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError when `text` is not a send id of ours."""
        match = cls._PATTERN.match(text)
        if match is None:
            raise ValueError("not a send id: expected account_launch_step_customer")
        account, launch, step, key = match.groups()
        return cls(AccountId(account), LaunchId(launch), int(step), CustomerKey(key))
