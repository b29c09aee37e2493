import pytest

from winback.aws.snapshots import SnapshotStore, UnknownSnapshot
from winback.identifiers import AccountId


@pytest.mark.parametrize("text", ["latest", "publishing", "", "snp-" + "0" * 1021, "snp-" + "é" * 600])
def test_a_text_that_is_no_snapshots_key_is_unknown_without_asking_the_table(text: str) -> None:
    """A sort key of more than 1,024 bytes is an error of DynamoDB's, which no caller could read."""
    with pytest.raises(UnknownSnapshot):
        SnapshotStore(campaigns_table=None).published(AccountId("acme"), text)
