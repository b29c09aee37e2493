"""The list prices of winback/costs/prices.toml as the refresh's benchmark multiplies by them: dollars of one unit."""

from winback.costs import prices


def _one(name: str) -> float:
    return float(prices.price(name).of(1))


AS_OF, REGION = prices.read_on(), prices.region()
LAMBDA_GB_SECOND, LAMBDA_REQUEST = _one("lambda_time"), _one("lambda_request")
LAMBDA_STORAGE_GB_SECOND = _one("lambda_disk")
DYNAMODB_WRITE_UNIT, DYNAMODB_READ_UNIT = _one("dynamodb_write"), _one("dynamodb_read")
S3_PUT, S3_GET, S3_GB_MONTH = _one("s3_write"), _one("s3_read"), _one("s3_storage")
STATE_TRANSITION, EVENT = _one("state_transition"), _one("event")
SAGEMAKER_SERVERLESS_SECOND_2GB, SAGEMAKER_SERVERLESS_GB = _one("sagemaker_time"), _one("sagemaker_gb")
