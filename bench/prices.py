"""AWS list prices that the cost benchmarks multiply by: US East (N. Virginia), on demand, in US dollars, as of 2026-11.

Without free tiers, discounts and taxes. Look them up again before you trust a sum; most regions of Europe are about a
tenth dearer. Each stands beside the page that says it.
"""

AS_OF = "2026-11"
REGION = "us-east-1"

# https://aws.amazon.com/lambda/pricing/ (arm64, first tier; storage beyond 512 MB)
LAMBDA_GB_SECOND = 0.0000133334
LAMBDA_REQUEST = 0.20 / 1e6
LAMBDA_STORAGE_GB_SECOND = 0.0000000309
# https://aws.amazon.com/dynamodb/pricing/on-demand/ (half of what it was before November 2024; KB begun of an item)
DYNAMODB_WRITE_UNIT = 0.625 / 1e6
DYNAMODB_READ_UNIT = 0.125 / 1e6
# https://aws.amazon.com/s3/pricing/ (standard)
S3_PUT = 0.005 / 1e3  # and COPY, POST, LIST; each part of a multipart upload
S3_GET = 0.0004 / 1e3
S3_GB_MONTH = 0.023
# https://aws.amazon.com/step-functions/pricing/ (standard workflows)
STATE_TRANSITION = 0.025 / 1e3
# https://aws.amazon.com/sagemaker/ai/pricing/ (serverless inference, 2 GB; bytes in and out). Its table is filled in by
# the browser, and no copy of it was found to check these two against.
SAGEMAKER_SERVERLESS_SECOND_2GB = 0.00004
SAGEMAKER_SERVERLESS_GB = 0.016
# https://aws.amazon.com/eventbridge/pricing/ (custom events)
EVENT = 1.00 / 1e6
