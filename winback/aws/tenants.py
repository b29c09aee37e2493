"""One SES tenant per account, so that brands share neither reputation nor suppressions.

https://docs.aws.amazon.com/ses/latest/dg/tenants.html
"""

from typing import Any

import boto3
from botocore.exceptions import ClientError

from winback.accounts import Account
from winback.aws.clients import quick

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_TenantSuppressionAttributes.html
_OWN_LIST = {"SuppressedReasons": ["BOUNCE", "COMPLAINT"], "SuppressionScope": "TENANT"}


class Tenants:
    """Tenants carry the account's id as their name."""

    def __init__(self, sesv2: Any, configuration_set: str) -> None:
        self._ses = sesv2
        self._configuration_set = configuration_set

    def ensure(self, account: Account) -> None:
        """Creates the tenant with a suppression list of its own, and lets it use the sender's domain and the
        configuration set; repeating is harmless. A tenant that does not say so shares the AWS account's list."""
        made = self._once(self._ses.create_tenant, TenantName=account.account_id, SuppressionAttributes=_OWN_LIST)
        if not made:
            self._ses.put_tenant_suppression_attributes(TenantName=account.account_id, **_OWN_LIST)
        session = boto3.session.Session()
        region, aws_account = session.region_name, quick("sts").get_caller_identity()["Account"]
        base = f"arn:{session.get_partition_for_region(region)}:ses:{region}:{aws_account}"
        domain = account.sender.email.rpartition("@")[2]
        for resource in (f"identity/{domain}", f"configuration-set/{self._configuration_set}"):
            self._once(
                self._ses.create_tenant_resource_association,
                TenantName=account.account_id,
                ResourceArn=f"{base}:{resource}",
            )

    def _once(self, call: Any, **arguments: Any) -> bool:
        """False when it is there already."""
        try:
            call(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AlreadyExistsException":
                raise
            return False
        return True
