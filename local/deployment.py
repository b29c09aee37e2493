"""`cdk bootstrap` and the ordinary `cdk deploy`, pointed at the emulator."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.emulator import aws_environment, base_environment
from local.place import ACCOUNT, KINDS, REGION, ROOT, STAGE, Place, State
from local.steps import StepFailed

_CDK = ROOT / "node_modules" / ".bin" / "cdk"
# The demo replays the autumn of 1997, so its model has not seen it: other deployments learn from all of CDNOW.
MODEL_KNOWS_UNTIL = "1997-10-01"
_FIRST_MODELS = ROOT / "build" / "bootstrap" / f"until-{MODEL_KNOWS_UNTIL}"
_SECONDS = 900


def bootstrap(place: Place, state: State) -> None:
    """Raises StepFailed with CDK's log. Runs where there is no app: naming the environment is enough."""
    _cdk(place, state, "bootstrap", ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], cwd=place.directory)


def deploy(place: Place, state: State) -> None:
    """Every stack; stacks that have not changed stay as they are. Raises StepFailed with CDK's log."""
    options = ["--all", "--require-approval", "never", "--concurrency", "2"]
    _cdk(place, state, "deploy", ["deploy", *options], cwd=ROOT)


def build_first_models(place: Place) -> dict[str, Path]:
    """What a new deployment starts with, by kind of model: made unless it is there and younger than its code."""
    return {kind: _first_model(place, kind, _FIRST_MODELS / kind) for kind in KINDS}


def _first_model(place: Place, kind: str, folder: Path) -> Path:
    archive = folder / "model.tar.gz"
    sources = [*(ROOT / "ml" / kind).glob("*"), *(ROOT / "ml").glob("*.py")]
    if not archive.exists() or archive.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        until = ["--until", MODEL_KNOWS_UNTIL] if kind == "churn" else []
        command = [sys.executable, "-m", f"ml.{kind}.bootstrap", "--out", str(folder), *until]
        run(command, env=base_environment(place), log=place.logs / f"model-{kind}.log")
    return archive


def run(command: Sequence[str | Path], *, env: Mapping[str, str], log: Path, cwd: Path = ROOT) -> None:
    """Runs a command to its end with its output in `log`. Raises StepFailed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            _end_group(process)
            raise StepFailed(f"still not done after {_SECONDS} s", log) from None
        except BaseException:  # Ctrl-C: the command's own children go with it
            _end_group(process)
            raise
    if code != 0:
        raise StepFailed(f"ended with exit code {code}", log)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _registry_settings() -> dict[str, str]:
    """What bundling needs of the user's environment to reach the package registry: proxies, certificates, indexes."""
    names = ("UV_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
    found = {name: value for name, value in os.environ.items() if name.upper().startswith(names)}
    return {"XDG_CONFIG_HOME": str(Path.home() / ".config"), **found}


def _cdk(place: Place, state: State, name: str, arguments: Sequence[str], *, cwd: Path) -> None:
    node = shutil.which("node")
    if node is None or not _CDK.exists():
        raise StepFailed("node or the CDK CLI is missing: install node 20 or later, then run `make setup`")
    base = base_environment(place)
    env = {
        **_registry_settings(),
        **base,
        **aws_environment(state),
        "PATH": f"{Path(sys.executable).parent}:{Path(node).parent}:{base['PATH']}",
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / ".cache" / "jsii"),
        "UV_CACHE_DIR": str(ROOT / ".cache" / "uv"),
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
        "CI": "true",
    }
    context = {
        "stage": STAGE,
        "first_models": str(_FIRST_MODELS),
        "sesv2_endpoint": state.mail_url,
        "texts_endpoint": state.mail_url,
        "webhook_stand_in": state.mail_url,
        "sagemaker_endpoint": state.models_url,
        "sagemaker_runtime_endpoint": state.models_url,
    }
    flags = [part for key, value in context.items() for part in ("-c", f"{key}={value}")]
    out = place.directory / "cdk.out"
    command: list[str | Path] = [_CDK, "--ci", "--no-notices", "--output", out, *flags, *arguments]
    run(command, env=env, log=place.logs / f"cdk-{name}.log", cwd=cwd)
