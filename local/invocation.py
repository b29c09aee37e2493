"""What Lambda tells a function of its invocation, as far as our functions ask."""

from dataclasses import dataclass


@dataclass
class Invocation:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    memory_limit_in_mb: int = 256
    seconds_left: float = 60.0
    function_name: str = "f"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:f"
    aws_request_id: str = "r"

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * self.seconds_left)
