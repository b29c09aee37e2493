"""The token of an unsubscribe link: names one send, signed with HMAC-SHA256.

Layout, base64url without padding: version (1 byte), launch (6), step (2), customer key (16), signature (32), then
the account id in ASCII. All but the signature is signed. It holds nothing personal and does not expire: the law gives
the recipient the right to leave by an old message as well.
"""

import base64
import binascii
import hashlib
import hmac

from winback.identifiers import AccountId, CustomerKey, LaunchId, SendId

_VERSION = 1
_LAUNCH_PREFIX = "lau-"
_HEAD = 1 + 6 + 2 + 16
_SIGNATURE = hashlib.sha256().digest_size
_TOKEN_MAX = 200


class InvalidToken(ValueError):
    """Not a token of ours: malformed, of another version, or signed with another key."""


def unsubscribe_token(secret: str, send_id: SendId) -> str:
    head = (
        bytes([_VERSION])
        + bytes.fromhex(send_id.launch_id.removeprefix(_LAUNCH_PREFIX))
        + send_id.step.to_bytes(2, "big")
        + bytes.fromhex(send_id.customer_key)
    )
    account = send_id.account_id.encode("ascii")
    return base64.urlsafe_b64encode(head + _sign(secret, head + account) + account).rstrip(b"=").decode()


def read_token(secret: str, token: str) -> SendId:
    """Raises InvalidToken."""
    try:
        body = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidToken("not base64url") from None
    head, signature, account = body[:_HEAD], body[_HEAD : _HEAD + _SIGNATURE], body[_HEAD + _SIGNATURE :]
    if len(token) > _TOKEN_MAX or len(body) <= _HEAD + _SIGNATURE or head[0] != _VERSION:
        raise InvalidToken("not a token of this version")
    if not hmac.compare_digest(signature, _sign(secret, head + account)):
        raise InvalidToken("the signature does not fit")
    return SendId(
        AccountId(account.decode("ascii")),
        LaunchId(_LAUNCH_PREFIX + head[1:7].hex()),
        int.from_bytes(head[7:9], "big"),
        CustomerKey(head[9:].hex()),
    )


def unsubscribe_url(public_url: str, secret: str, send_id: SendId) -> str:
    return f"{public_url.rstrip('/')}/u/{unsubscribe_token(secret, send_id)}"


def _sign(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), b"winback unsubscribe\x00" + body, hashlib.sha256).digest()
