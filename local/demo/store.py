"""The demo as a store sees it: what it asks of the API, and how it waits for the answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

_POLL_SECONDS = 0.25


class Refused(RuntimeError):
    """The API did not do what the demo asked; the text is its answer."""


class TookTooLong(RuntimeError):
    """Something did not happen in time."""


@dataclass(frozen=True)
class Store:
    """One account's use of the API."""

    api: httpx.Client

    def get(self, path: str) -> dict[str, Any]:
        return self._answer(self.api.get(path))

    def text(self, path: str) -> str:
        return self._accepted(self.api.get(path)).text

    def post(self, path: str, body: dict[str, Any] | None = None, *, once: str | None = None) -> dict[str, Any]:
        """`once` is the idempotency key: the same key asks for the same thing."""
        headers = {"Idempotency-Key": once} if once else {}
        return self._answer(self.api.post(path, json=body or {}, headers=headers))

    def import_file(self, kind: str, content: bytes, *, during: Callable[[], object] = lambda: None) -> dict[str, Any]:
        """Uploads a CSV and waits for the worker; `during` is called after the upload. Returns the finished job."""
        job = self.post("/v1/imports", {"kind": kind, "format": "csv"})
        upload = job["upload"]
        if upload["method"] == "PUT":
            sent = httpx.put(upload["url"], content=content, headers=upload.get("headers", {}), timeout=120)
        else:
            sent = httpx.post(upload["url"], data=upload["fields"], files={"file": content}, timeout=120)
        sent.raise_for_status()
        during()
        path = f"/v1/imports/{job['import_id']}"
        finished = wait_for(lambda: self._over(path), f"import {job['import_id']}", seconds=300)
        if finished["state"] != "finished":
            raise Refused(f"import {job['import_id']} {finished['state']}: {finished.get('reason')}")
        return finished

    def refresh(self, as_of: str) -> dict[str, Any]:
        """Starts a refresh and waits for its snapshot."""
        snapshot = self.post("/v1/refreshes", {"as_of": as_of})["snapshot_id"]
        finished = wait_for(lambda: self._over(f"/v1/refreshes/{snapshot}"), f"refresh {snapshot}", seconds=300)
        if finished["state"] == "failed":
            raise Refused(f"refresh {snapshot} failed: {finished}")
        return finished

    def launch_in(self, launch_id: str, state: str, *, seconds: float = 300) -> dict[str, Any]:
        """Waits until the launch is in the state. Raises Refused when it failed or paused by itself instead."""

        def seen() -> dict[str, Any] | None:
            launch = self.get(f"/v1/launches/{launch_id}")
            if launch["state"] == "failed" and state != "failed":
                raise Refused(f"launch {launch_id} failed: {launch.get('error')}")
            if launch["state"] == "paused" and state != "paused":
                raise Refused(f"launch {launch_id} is paused: {launch.get('paused_because')}")
            return launch if launch["state"] == state else None

        return wait_for(seen, f"launch {launch_id} to be {state}", seconds=seconds)

    def _over(self, path: str) -> dict[str, Any] | None:
        found = self.get(path)
        return found if found["state"] in ("finished", "published", "failed") else None

    @staticmethod
    def _accepted(response: httpx.Response) -> httpx.Response:
        if response.is_error:
            raise Refused(
                f"{response.request.method} {response.request.url.path} {response.status_code}: {response.text}"
            )
        return response

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        body: dict[str, Any] = self._accepted(response).json()
        return body


def wait_for(look: Callable[[], dict[str, Any] | None], what: str, *, seconds: float) -> dict[str, Any]:
    """Looks until there is something. Raises TookTooLong."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise TookTooLong(f"waited {seconds:.0f} s for {what}")
        time.sleep(_POLL_SECONDS)
