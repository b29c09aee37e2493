"""What must outlive a deployment is encrypted, recoverable and hard to lose."""

from typing import Any

from tests.infra.conftest import Stage
from tests.infra.readable import text

STATEFUL = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret")


def test_tables_are_encrypted_recoverable_on_demand_and_age_out(each_stage: Stage) -> None:
    tables = each_stage.properties("AWS::DynamoDB::Table")

    assert {table["TableName"].rsplit("-", 1)[-1] for table in tables.values()} == {
        "customers",
        "campaigns",
        "performance",
    }
    for table in tables.values():
        assert table["SSESpecification"]["SSEType"] == "KMS"
        assert "KMSMasterKeyId" in table["SSESpecification"]
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]


def test_the_ledger_alone_streams_its_changes(each_stage: Stage) -> None:
    streams = {
        table["TableName"].rsplit("-", 1)[-1]: table.get("StreamSpecification", {}).get("StreamViewType")
        for table in each_stage.properties("AWS::DynamoDB::Table").values()
    }

    assert streams == {"customers": None, "campaigns": None, "performance": "NEW_IMAGE"}


def test_buckets_with_data_are_encrypted_by_the_key_and_versioned(each_stage: Stage) -> None:
    buckets = [
        b for b in each_stage.properties("AWS::S3::Bucket").values() if "access-logs" not in str(b["BucketName"])
    ]

    assert len(buckets) == 2
    for bucket in buckets:
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert rule["BucketKeyEnabled"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


def test_no_bucket_is_public(each_stage: Stage) -> None:
    for bucket in each_stage.properties("AWS::S3::Bucket").values():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4


def test_the_key_rotates(each_stage: Stage) -> None:
    assert [key["EnableKeyRotation"] for key in each_stage.properties("AWS::KMS::Key").values()] == [True]


def test_services_that_publish_for_this_account_may_use_the_key(each_stage: Stage) -> None:
    (key,) = each_stage.properties("AWS::KMS::Key").values()
    (statement,) = [s for s in key["KeyPolicy"]["Statement"] if s.get("Sid") == "ServicesThatPublish"]

    assert set(statement["Principal"]["Service"]) == {
        f"{service}.amazonaws.com" for service in ("events", "cloudwatch", "sns", "ses", "sms-voice")
    }
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_what_sns_logs_of_texts_is_under_the_key_where_texts_are_sent(each_stage: Stage) -> None:
    (key,) = each_stage.properties("AWS::KMS::Key").values()
    allowed = [found for found in key["KeyPolicy"]["Statement"] if found.get("Sid") == "LogsOfTexts"]
    groups = {
        f"arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{text(found['LogGroupName'])}": found
        for found in each_stage.properties("AWS::Logs::LogGroup").values()
        if text(found["LogGroupName"]).startswith("sns/")
    }

    assert len(groups) == (2 if each_stage.name == "prod" else 0)
    assert all("KmsKeyId" in found and "RetentionInDays" in found for found in groups.values())
    assert [
        {text(arn) for arn in found["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]}
        for found in allowed
    ] == ([set(groups)] if groups else [])


def test_prod_keeps_its_data_when_a_stack_goes(prod: Stage) -> None:
    for kind in STATEFUL:
        for name, resource in prod.resources(kind).items():
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain", name


def test_the_stateful_stack_is_protected_and_the_others_are_not(aws_stage: Stage) -> None:
    protected = {name for name, properties in aws_stage.stacks.items() if properties.get("terminationProtection")}

    assert protected == {"data"}


def test_nothing_stateful_lives_outside_the_data_stack(each_stage: Stage) -> None:
    found = {name.split("/")[0] for kind in STATEFUL for name in each_stage.resources(kind)}

    assert found == {"data"}


def test_only_tls_reaches_queues_buckets_and_topics_in_aws(aws_stage: Stage) -> None:
    def refuses_plain_text(policy: dict[str, Any]) -> bool:
        return any(
            statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for statement in policy["PolicyDocument"]["Statement"]
        )

    for kind, subject in (("AWS::S3::BucketPolicy", "AWS::S3::Bucket"), ("AWS::SQS::QueuePolicy", "AWS::SQS::Queue")):
        strict = [policy for policy in aws_stage.properties(kind).values() if refuses_plain_text(policy)]
        assert len(strict) == len(aws_stage.resources(subject))
    assert all(map(refuses_plain_text, aws_stage.properties("AWS::SNS::TopicPolicy").values()))


def test_uploads_announce_themselves_to_eventbridge(each_stage: Stage) -> None:
    (lake,) = [b for b in each_stage.properties("AWS::S3::Bucket").values() if "lake" in str(b["BucketName"])]

    assert lake["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
