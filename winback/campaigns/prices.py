"""List prices that cost estimates use, and what one e-mail needs of each service.

US East (N. Virginia), on demand, without free tiers or discounts. `READ_ON` dates the table; a report that shows a cost
shows that date with it.
"""

from dataclasses import dataclass
from decimal import Decimal

READ_ON = "2026-11-21"
REGION = "us-east-1"
CURRENCY = "USD"


@dataclass(frozen=True)
class Price:
    """What `per` units cost, in CURRENCY."""

    amount: Decimal
    per: int
    unit: str
    source: str

    def of(self, units: Decimal | int) -> Decimal:
        return self.amount * units / self.per


SES_EMAIL = Price(Decimal("0.10"), 1_000, "e-mail sent", "https://aws.amazon.com/ses/pricing/")
SNS_PUSH = Price(Decimal("0.50"), 1_000_000, "mobile push message", "https://aws.amazon.com/sns/pricing/")
DYNAMODB_WRITE = Price(
    Decimal("0.625"), 1_000_000, "write request unit", "https://aws.amazon.com/dynamodb/pricing/on-demand/"
)
DYNAMODB_READ = Price(
    Decimal("0.125"), 1_000_000, "read request unit", "https://aws.amazon.com/dynamodb/pricing/on-demand/"
)
SQS_REQUEST = Price(Decimal("0.40"), 1_000_000, "request", "https://aws.amazon.com/sqs/pricing/")
LAMBDA_REQUEST = Price(Decimal("0.20"), 1_000_000, "request", "https://aws.amazon.com/lambda/pricing/")
LAMBDA_TIME = Price(Decimal("13.3334"), 1_000_000, "GB-second, arm64", "https://aws.amazon.com/lambda/pricing/")
S3_WRITE = Price(Decimal("0.005"), 1_000, "PUT request", "https://aws.amazon.com/s3/pricing/")
S3_READ = Price(Decimal("0.0004"), 1_000, "GET request", "https://aws.amazon.com/s3/pricing/")
WORKFLOW_STEP = Price(Decimal("0.025"), 1_000, "state transition", "https://aws.amazon.com/step-functions/pricing/")

# Units for one e-mail on its whole way, by counting the calls of docs/architecture.md "Dispatch":
# enrol and plan read four items (eventually consistent: half a unit each), the sender reads four consistently;
# contact slot, claim, `accepted` and three events are written; a message of 25 rows is sent, received and deleted, each
# event is sent once and received and deleted in tens; sender and feedback share their time over their batches.
PER_EMAIL: tuple[tuple[Price, Decimal], ...] = (
    (DYNAMODB_READ, Decimal(7)),
    (DYNAMODB_WRITE, Decimal(6)),
    (SQS_REQUEST, Decimal("3.7")),
    (LAMBDA_REQUEST, Decimal("0.4")),
    (LAMBDA_TIME, Decimal("0.03")),
)
# Units for one chunk of at most 500 customers in one planned step, its enrolment shared in.
PER_CHUNK: tuple[tuple[Price, Decimal], ...] = (
    (S3_WRITE, Decimal(2)),
    (S3_READ, Decimal(3)),
    (WORKFLOW_STEP, Decimal(4)),
    (LAMBDA_REQUEST, Decimal(2)),
    (LAMBDA_TIME, Decimal(1)),
)


def ses_cost(emails: int) -> Decimal:
    """What SES charges for that many e-mails, attachments and data apart, in CURRENCY."""
    return SES_EMAIL.of(emails)


def aws_estimate(emails: int, planned_chunks: int) -> Decimal:
    """What everything else is expected to cost, in CURRENCY: counted calls times list prices."""
    per_email = sum((price.of(units) for price, units in PER_EMAIL), Decimal(0))
    per_chunk = sum((price.of(units) for price, units in PER_CHUNK), Decimal(0))
    return per_email * emails + per_chunk * planned_chunks
