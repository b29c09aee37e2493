"""The models behind the endpoints: what trains and serves them in SageMaker's container, and what judges them here."""

from pathlib import Path

SHARED_CODE = tuple(Path(__file__).with_name(name) for name in ("archive.py", "contract.py", "metrics.py"))
"""What the scripts of a served kind of model import as their neighbours: a training job's folder holds these too."""
