"""A topic into which a service of AWS publishes, and the queue that takes its messages as they are."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.queue import Queue
from infra.names import Names


def topic_into(
    queue: Queue,
    scope: Construct,
    which: str,
    *,
    names: Names,
    key: kms.IKey,
    publisher: str,
    source_arn: str | None = None,
) -> sns.Topic:
    """`winback-{stage}-{which}`. `publisher`, a service's principal, may publish to it for this account, and for
    nothing but `source_arn` where one is given; the key's policy admits it in the data stack. What SNS cannot deliver
    ends among the queue's own dead letters.
    """
    topic = sns.Topic(
        scope,
        f"{which.title()}Topic",
        topic_name=names.of(which),
        master_key=key,
        enforce_ssl=names.config.enforce_tls,
    )
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(publisher)],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={
                "StringEquals": {
                    "aws:SourceAccount": Aws.ACCOUNT_ID,
                    **({"aws:SourceArn": source_arn} if source_arn is not None else {}),
                }
            },
        )
    )
    topic.add_subscription(
        subscriptions.SqsSubscription(queue.queue, raw_message_delivery=True, dead_letter_queue=queue.dead)
    )
    return topic
