"""Facts of each customer at a moment, computed in SQL from its orders; what rules and models read."""

from winback.features.contract import FEATURES, SCORED, Feature
from winback.features.facts import compute_facts
from winback.features.rhythm import PRIOR, Calibration

__all__ = ["FEATURES", "PRIOR", "SCORED", "Calibration", "Feature", "compute_facts"]
