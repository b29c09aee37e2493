"""Keys of the three tables, as docs/data-model.md lists them. Every item has `pk` and `sk`, both text."""

import hashlib

from winback.identifiers import AccountId, AddressHash, CustomerKey, LaunchId, SendId, SnapshotId

Key = dict[str, str]

ACCOUNTS_PK = "accounts"
DUE_SHARDS = 8


def key(pk: str, sk: str) -> Key:
    return {"pk": pk, "sk": sk}


def pair(place: Key) -> tuple[str, str]:
    """What winback.aws.tables.batch_get finds an item by."""
    return place["pk"], place["sk"]


def profile(account_id: AccountId, customer: CustomerKey) -> Key:
    return key(f"{account_id}#{customer}", "profile")


def segment(account_id: AccountId, customer: CustomerKey) -> Key:
    return key(f"{account_id}#{customer}", "segment")


def activity(account_id: AccountId, customer: CustomerKey) -> Key:
    return key(f"{account_id}#{customer}", "activity")


def suppression(account_id: AccountId, address: AddressHash, channel: str) -> Key:
    return key(f"{account_id}#address#{address}", f"suppression#{channel}")


def order_marker(account_id: AccountId, order_id: str) -> Key:
    return key(f"{account_id}#order#{hashlib.sha256(order_id.encode()).hexdigest()[:32]}", "order")


def event_marker(account_id: AccountId, touch_id: str) -> Key:
    return key(f"{account_id}#event#{touch_id}", "event")


def account(account_id: AccountId) -> Key:
    return key(ACCOUNTS_PK, account_id)


def api_key(secret: str) -> Key:
    return key(f"apikey#{hashlib.sha256(secret.encode()).hexdigest()}", "apikey")


def import_job(account_id: AccountId, import_id: str) -> Key:
    return key(f"{account_id}#import", import_id)


def snapshot(account_id: AccountId, snapshot_id: str = "latest") -> Key:
    return key(f"{account_id}#snapshot", snapshot_id)


def movement(account_id: AccountId, as_of: str, snapshot_id: SnapshotId) -> Key:
    return key(f"{account_id}#movement", f"{as_of}#{snapshot_id}")


def archetypes(account_id: AccountId, run_id: str) -> Key:
    return key(f"{account_id}#archetypes", run_id)


def models_pk(kind: str) -> str:
    """Of no account: a model learns from all of them. No subject of an account's items is called like a kind."""
    return f"models#{kind}"


def model_run(kind: str, run_id: str) -> Key:
    return key(models_pk(kind), f"run#{run_id}")


def model_promotion(kind: str) -> Key:
    return key(models_pk(kind), "promotion")


def trigger(account_id: AccountId, snapshot_id: SnapshotId, campaign_id: str) -> Key:
    return key(f"{account_id}#trigger", f"{snapshot_id}#{campaign_id}")


def campaign(account_id: AccountId, campaign_id: str) -> Key:
    return key(f"{account_id}#campaign", campaign_id)


def campaign_version(account_id: AccountId, campaign_id: str, version: int) -> Key:
    return key(f"{account_id}#campaign-version", f"{campaign_id}#{version:06}")


def playbook(account_id: AccountId) -> Key:
    return key(f"{account_id}#playbook", "rows")


def launch(account_id: AccountId, launch_id: LaunchId) -> Key:
    return key(f"{account_id}#launch", launch_id)


def slice_(account_id: AccountId, slice_id: str) -> Key:
    return key(f"{account_id}#slice", slice_id)


def template(account_id: AccountId, template_id: str) -> Key:
    return key(f"{account_id}#template", template_id)


def lift(account_id: AccountId, launch_id: LaunchId) -> Key:
    return key(f"{account_id}#lift", launch_id)


def offer(account_id: AccountId, offer_id: str) -> Key:
    return key(f"{account_id}#offer", offer_id)


def code_pool(account_id: AccountId, offer_id: str) -> Key:
    return key(f"{account_id}#codes#{offer_id}", "pool")


def code_chunk(account_id: AccountId, offer_id: str, first: int) -> Key:
    """Codes from number `first` on."""
    return key(code_pool(account_id, offer_id)["pk"], f"chunk#{first:09d}")


def code_import(account_id: AccountId, offer_id: str, import_id: str) -> Key:
    return key(code_pool(account_id, offer_id)["pk"], f"import#{import_id}")


def code(account_id: AccountId, code: str) -> Key:
    """Of whichever pool: in a shop a code means one thing."""
    return key(f"{account_id}#code#{hashlib.sha256(code.encode()).hexdigest()[:32]}", "code")


def budget(account_id: AccountId, launch_id: LaunchId) -> Key:
    return key(f"{account_id}#budget#{launch_id}", "budget")


def due_shard(launch_id: LaunchId, chunk: int) -> int:
    return int(hashlib.sha256(f"{launch_id}#{chunk}".encode()).hexdigest()[:8], 16) % DUE_SHARDS


def quota(channel: str, minute: str) -> Key:
    return key(f"quota#{channel}", minute)


def circuit(name: str) -> Key:
    return key(f"circuit#{name}", "circuit")


def switch(account_id: AccountId | None) -> Key:
    """Of one account, or of all: no account's id holds a '#'."""
    return key("sending#all" if account_id is None else f"{account_id}#sending", "switch")


def released(account_id: AccountId, day: str) -> Key:
    return key(f"{account_id}#sending", f"released#{day}")


def reputation(account_id: AccountId, channel: str, day: str) -> Key:
    return key(f"{account_id}#reputation", f"{channel}#{day}")


def launch_counts(account_id: AccountId, launch_id: LaunchId) -> Key:
    return key(f"{account_id}#reputation", f"launch#{launch_id}")


def send(send_id: SendId) -> Key:
    return key(f"{send_id.account_id}#{send_id.customer_key}", f"send#{send_id.launch_id}#{send_id.step}")


def contacts(account_id: AccountId, customer: CustomerKey) -> Key:
    return key(f"{account_id}#{customer}", "contacts")


def text(message_id: str) -> Key:
    return key(f"text#{message_id}", "send")


def calls_pk(account_id: AccountId, state: str) -> str:
    return f"{account_id}#calls#{state}"


def call(account_id: AccountId, state: str, call_id: str) -> Key:
    return key(calls_pk(account_id, state), call_id)
