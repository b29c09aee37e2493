import gc
import os
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler.loadfile import LoadFileScheduling

from tests.quick_aws import remember

SHARED = ("tests/infra/", "tests/spark/", "tests/unit/churn/")
"""Folders whose files share what is dear to make: a synthesized stage, a Spark, a model. One process runs them all."""


def pytest_configure() -> None:
    remember()
    _one_thread_for_each_sum()
    unhurried = settings(settings.get_profile(settings.get_current_profile_name()), deadline=None)
    settings.register_profile("unhurried", unhurried)  # how long an example takes says how busy the machine is
    settings.load_profile("unhurried")


def _one_thread_for_each_sum() -> None:
    """Of scikit-learn and BLAS: on matrices as small as ours a second one only waits, and burns a core meanwhile. They
    read this once, when a test module first imports them."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def pytest_collection_finish() -> None:
    """Modules and models of services stay: the collector need not walk through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class _SharedOnce(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in SHARED if nodeid.startswith(folder)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _SharedOnce | None:
    return _SharedOnce(config, log) if config.getvalue("dist") == "loadfile" else None
