"""What a refresh leaves for its next steps besides rows, the same whichever engine computed it."""

from typing import Any

from winback.rates.conversion import Conversion
from winback.segmentation.summary import Summary


def summary_document(snapshot_id: str, summary: Summary, conversion: Conversion) -> dict[str, Any]:
    """summary.json of a computed snapshot."""
    return {
        **summary.model_dump(mode="json"),
        "snapshot_id": snapshot_id,
        "conversion": conversion.model_dump(mode="json"),
    }


def manifest_line(account_id: str, snapshot_id: str, chunk: int, key: str, rows: int) -> dict[str, Any]:
    """One part to score, as a line of manifest.jsonl; `key` is the part's in the lake."""
    return {"account_id": account_id, "snapshot_id": snapshot_id, "chunk": chunk, "key": key, "rows": rows}
