"""A stand-in for SES v2 and AWS End User Messaging: takes messages over the real APIs; simulated recipients react."""
