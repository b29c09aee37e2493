"""What campaigns really caused: intention to treat against the holdout, beside what last touch would claim."""
