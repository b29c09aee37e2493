import gc
import os

from tests.quick_aws import remember


def pytest_configure() -> None:
    remember()
    _one_thread_for_each_sum()


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
