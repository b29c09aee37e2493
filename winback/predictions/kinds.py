"""The kinds of model that are trained, promoted and served, each behind an endpoint of its own."""

from enum import StrEnum


class Kind(StrEnum):
    """Also the folder of `ml/`, and the first part of its keys in the models bucket."""

    CHURN = "churn"
    OFFER = "offer"
    SEND_TIME = "send_time"
