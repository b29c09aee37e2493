"""A stack of one stage: its name, tags and synthesizer."""

from aws_cdk import CliCredentialsStackSynthesizer, Stack, Tags
from constructs import Construct

from infra.names import Names


class StageStack(Stack):
    def __init__(
        self, scope: Construct, which: str, names: Names, *, termination_protection: bool | None = None
    ) -> None:
        """`winback-{stage}-{which}`, in whatever account and region it is deployed to."""
        super().__init__(
            scope,
            names.of(which),
            stack_name=names.of(which),
            termination_protection=termination_protection,
            # Under IAM enforcement the emulator refuses the default synthesizer's publishing role.
            synthesizer=CliCredentialsStackSynthesizer() if names.config.cli_credentials else None,
        )
        self.names = names
        for tag, value in names.config.tags.items():
            Tags.of(self).add(tag, value)
