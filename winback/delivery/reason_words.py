"""The gate's reasons as pages say them."""

from winback.delivery.gate import Reason

WORDS: dict[str, str] = {
    Reason.NO_PROFILE: "no profile",
    Reason.NO_ADDRESS: "no address",
    Reason.INVALID_ADDRESS: "invalid address",
    Reason.ROLE_ADDRESS: "an address of a role, such as info@, and of nobody",
    Reason.NO_CONSENT: "no consent",
    Reason.SUPPRESSED: "suppressed (bounce, complaint, unsubscribe or erasure)",
    Reason.GLOBAL_HOLDOUT: "in the account's global holdout",
    Reason.WASHOUT: "was in the global holdout until recently",
    Reason.HELD_OUT: "held out",
    Reason.CONVERTED: "had bought already",
    Reason.ENGAGED: "had opened or clicked already",
    Reason.UNSUBSCRIBED: "had unsubscribed by an earlier message of the launch, or complained of it",
    Reason.OPEN_COMPLAINT: "has an open complaint",
    Reason.OPEN_REFUND: "waits for a refund",
    Reason.ORDER_IN_TRANSIT: "waits for an order",
    Reason.FREQUENCY_CAP: "the channel's frequency cap is reached",
    Reason.OVERALL_CAP: "the frequency cap over all channels is reached",
    Reason.CONTACT_POLICY: "the segment's contact policy",
    Reason.DISCOUNT_CAP: "had an offer too recently",
    Reason.HIGHER_PRIORITY: "a campaign of higher priority comes first",
    Reason.LEFT_ALONE: "is expected to bring more without the message",
    Reason.NO_CODE: "no code of the offer is left",
    Reason.BUDGET_SPENT: "the budget is spent",
    Reason.SWITCHED_OFF: "sending is switched off",
    Reason.CANCELLED: "launch cancelled",
    Reason.STALE: "too late to be of use",
}


def reason_in_words(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))
