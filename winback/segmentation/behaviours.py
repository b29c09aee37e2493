"""The six purchase behaviours, by the playbook's names. The first rule of behaviours.sql that matches decides."""

from enum import StrEnum


class Behaviour(StrEnum):
    SEASONAL = "Seasonal Buyer"
    ONE_OFF = "One-off Buyer"
    REPETITIVE = "Repetitive Buyer"
    LOW_FREQUENCY = "Low Frequency Buyer"
    REGULAR_FREQUENCY = "Regular Frequency Buyer"
    HIGH_FREQUENCY = "High Frequency Buyer"
