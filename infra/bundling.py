"""Packages without Docker: `base`, `data` and `value` for Lambda, each bundled once for all its functions, and `spark`.

A package is the locked wheels of `locks/{kind}.txt` for the target's platform, plus `winback/` and, for Lambda,
`functions/`. The wheels are installed into `build/wheels/{kind}-{hash}` once per lock and platform, then linked into
each bundle.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.config import Target

PackageKind = Literal["base", "data", "value"]
Lock = PackageKind | Literal["spark"]

ROOT = Path(__file__).resolve().parent.parent
SOURCES: dict[Lock, tuple[str, ...]] = {
    "base": ("functions", "winback"),
    "data": ("functions", "winback"),
    "value": ("functions", "winback"),
    "spark": ("winback",),
}
LEFT_OUT = ("winback/cli",)  # the command line of a laptop
FROM_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
_NOISE = ("__pycache__", "tests", "test", "bin")


class BundlingFailed(RuntimeError):
    """The wheels of a lock could not be installed; the message ends with uv's own."""


def package_code(kind: PackageKind, target: Target) -> lambda_.AssetCode:
    """The code of one package kind. Call once per stack and share it: an asset belongs to a stack."""
    return lambda_.Code.from_asset(
        str(ROOT / "functions"),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=package_hash(kind, target),
        bundling=_bundling(kind, target),
    )


def spark_package(scope: Construct, target: Target) -> assets.Asset:
    """What a Spark job imports, as a ZIP archive in the CDK's bucket."""
    return assets.Asset(
        scope,
        "Package",
        path=str(ROOT / "winback"),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=package_hash("spark", target),
        bundling=_bundling("spark", target),
    )


def _bundling(kind: Lock, target: Target) -> BundlingOptions:
    return BundlingOptions(
        image=DockerImage.from_registry("scratch"),  # never used: local bundling raises instead of giving up
        local=PackageBundler(kind, target),
    )


def package_hash(kind: Lock, target: Target) -> str:
    """Over every source file, the lock, and the platform: what decides the package's bytes."""
    digest = hashlib.sha256(f"{wheels_hash(kind, target)}\n".encode())
    for path in source_files(kind):
        digest.update(f"{path.relative_to(ROOT)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def wheels_hash(kind: Lock, target: Target) -> str:
    digest = hashlib.sha256(f"{target}\n{FROM_RUNTIME}\n".encode())
    digest.update((ROOT / "locks" / f"{kind}.txt").read_bytes())
    return digest.hexdigest()[:16]


def source_files(kind: Lock = "base") -> Iterator[Path]:
    """Code and the data files beside it (SQL, MJML, HTML, ...), in a fixed order."""
    for folder in SOURCES[kind]:
        for path in sorted((ROOT / folder).rglob("*")):
            inside = path.relative_to(ROOT)
            if path.is_file() and "__pycache__" not in inside.parts and not _left_out(inside):
                yield path


def _left_out(inside: Path) -> bool:
    return any(inside.is_relative_to(folder) for folder in LEFT_OUT)


@jsii.implements(ILocalBundling)
class PackageBundler:
    def __init__(self, kind: Lock, target: Target) -> None:
        self._kind = kind
        self._target = target

    def try_bundle(self, output_dir: str, options: BundlingOptions | None = None, **_: object) -> bool:  # noqa: ARG002
        """Fills `output_dir`. Raises on failure: returning False would make the CDK start Docker."""
        build_package(self._kind, self._target, Path(output_dir))
        return True


def build_package(kind: Lock, target: Target, output: Path) -> None:
    """Links the wheels and copies the sources into `output`."""
    wheels = installed_wheels(kind, target)
    shutil.copytree(wheels, output, dirs_exist_ok=True, copy_function=_link)
    for path in source_files(kind):
        destination = output / path.relative_to(ROOT)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, destination)


def _link(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:  # another file system
        shutil.copy2(source, destination)


def installed_wheels(kind: Lock, target: Target) -> Path:
    """The folder of installed wheels, made on first use. Two processes may race: the first rename wins."""
    folder = ROOT / "build" / "wheels" / f"{kind}-{wheels_hash(kind, target)}"
    if folder.is_dir():
        return folder
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    lock = fresh.with_suffix(".txt")
    lock.write_text(_without_runtime_packages((ROOT / "locks" / f"{kind}.txt").read_text()))
    _install(lock, target, fresh)
    lock.unlink()
    _strip(fresh)
    try:
        fresh.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(fresh)
    return folder


def _without_runtime_packages(lock: str) -> str:
    """The lock without what the Lambda runtime brings; each entry is a line `name==version` and indented lines."""
    kept: list[str] = []
    keep = True
    for line in lock.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            keep = line.split("==")[0].strip().lower() not in FROM_RUNTIME
        if keep:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _install(lock: Path, target: Target, folder: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--target", str(folder), "-r", str(lock)]
    if target.uv_platform is not None:
        command += ["--python-version", target.python, "--python-platform", target.uv_platform]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BundlingFailed(f"{' '.join(command)}\n{done.stderr.strip()}")


def _strip(folder: Path) -> None:
    """Removes what no function reads: tests, scripts, caches, and all of a distribution's metadata but its METADATA
    (importlib.metadata) and entry points."""
    for path in sorted(folder.rglob("*"), key=lambda p: len(p.parts), reverse=True):
        if path.is_dir() and path.name in _NOISE and (path.name != "bin" or path.parent == folder):
            shutil.rmtree(path)
        elif (
            path.parent.suffix == ".dist-info" and path.is_file() and path.name not in ("METADATA", "entry_points.txt")
        ):
            path.unlink()
    for name in (".lock", "CACHEDIR.TAG"):
        (folder / name).unlink(missing_ok=True)
