"""What a refresh leaves for its next steps besides rows, the same whichever engine computed it."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from winback.rates.conversion import Conversion
from winback.segmentation.data_quality import Counts, Rows, assess
from winback.segmentation.increments import Work
from winback.segmentation.summary import Summary


def summary_document(
    snapshot_id: str,
    summary: Summary,
    *,
    conversion: Conversion,
    counts: Counts,
    import_rows: Iterable[Rows],
    work: Work,
) -> dict[str, Any]:
    """summary.json of a computed snapshot. `counts` is what `measure` read from its facts."""
    converted = Rows(
        orders_in_other_currencies=conversion.converted + conversion.left_out,
        orders_without_rate=conversion.left_out,
    )
    return {
        **summary.model_dump(mode="json"),
        "snapshot_id": snapshot_id,
        "conversion": conversion.model_dump(mode="json"),
        "data_quality": [gap.model_dump(mode="json") for gap in assess(counts, [converted, *import_rows])],
        "work": asdict(work),
    }


def manifest_line(account_id: str, snapshot_id: str, chunk: int, key: str, rows: int) -> dict[str, Any]:
    """One part to score, as a line of manifest.jsonl; `key` is the part's in the lake."""
    return {"account_id": account_id, "snapshot_id": snapshot_id, "chunk": chunk, "key": key, "rows": rows}
