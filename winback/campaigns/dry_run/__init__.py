"""The dry run: the launch's own path with a null sender, added up for a person to read before approving it.

Nothing is estimated that the plan says: recipients, exclusions, hours, variants and holdouts are counted from the very
rows that `launch_plan` writes. What nobody can know yet (who opens, who buys, what it brings) is a range, measured by
the account's own finished launches or marked as assumed. The same rows give the same bytes.
"""

from winback.campaigns.dry_run.outlook import ASSUMED_RETURN_RATES, Standing, standing_of
from winback.campaigns.dry_run.pacing import Rate
from winback.campaigns.dry_run.result import Surroundings, dry_run, fingerprint
from winback.campaigns.dry_run.tallies import AudienceTally, StepTally

__all__ = [
    "ASSUMED_RETURN_RATES",
    "AudienceTally",
    "Rate",
    "Standing",
    "StepTally",
    "Surroundings",
    "dry_run",
    "fingerprint",
    "standing_of",
]
