"""A stand-in for SES v2: takes messages over the real API, and simulated recipients react to them."""
