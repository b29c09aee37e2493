"""Sizes of tested variants, and the smallest difference between each and the control that they would mostly find."""

from collections.abc import Sequence
from typing import Any

from winback.campaigns.dry_run.outlook import detectable_effect
from winback.campaigns.dry_run.tallies import AudienceTally, StepTally
from winback.campaigns.launch import Launch
from winback.experiments.assignment import Arm


def experiments(
    launch: Launch, audience: AudienceTally, steps: Sequence[StepTally], rate: float, assumption: str
) -> list[dict[str, Any]]:
    """Of purchases, at the rate expected without a message: what variants change of opens takes fewer customers."""
    return [
        {
            "experiment": experiment.name,
            "step": experiment.step,
            "variants": [
                {
                    "variant": variant.name,
                    "share": round(variant.share / sum(experiment.shares.values()), 6),
                    "customers": audience.variants[experiment.name, variant.name][Arm.TREATMENT],
                    "messages": sum(step.variants[experiment.name, variant.name] for step in steps),
                    **(
                        {
                            "detectable_effect": detectable_effect(
                                audience.variants[experiment.name, variant.name][Arm.TREATMENT],
                                audience.variants[experiment.name, experiment.variants[0].name][Arm.TREATMENT],
                                rate,
                                assumption,
                            )
                        }
                        if place
                        else {"control": True}
                    ),
                }
                for place, variant in enumerate(experiment.variants)
            ],
        }
        for experiment in launch.definition.experiments
    ]
