"""How a failure is logged: enough to act on, and nothing of a customer's in it."""

from botocore.exceptions import ClientError

from winback.delivery.answers import ProviderMisconfigured
from winback.delivery.feedback import MalformedEvent
from winback.delivery.release import MalformedRelease

# Errors whose text is ours and repeats nothing of the data.
_OURS = (ProviderMisconfigured, MalformedEvent, MalformedRelease)


def describe(error: BaseException) -> str:
    """`ClientError: UpdateItem AccessDeniedException`. The texts of other errors may quote what they stumbled over."""
    name = type(error).__name__
    if isinstance(error, ClientError):
        return f"{name}: {error.operation_name} {error.response['Error']['Code']}"
    if isinstance(error, BaseExceptionGroup):
        return f"{name}: {'; '.join(map(describe, error.exceptions))}"
    return f"{name}: {error}" if isinstance(error, _OURS) else name
