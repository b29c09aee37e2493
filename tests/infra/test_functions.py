"""Every folder of functions/ is deployed, with its log, its tracing, its alarm and the variables that it reads."""

import ast
import re
from pathlib import Path

from infra.stacks.api import PUBLIC_ROUTES, ROUTES
from tests.infra.conftest import ROOT, Stage, synthesize
from tests.infra.readable import text

FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))


def handlers(stage: Stage) -> dict[str, dict[str, object]]:
    """Folder -> properties of its function."""
    return {
        str(found["Handler"]).split(".")[1]: found
        for found in stage.properties("AWS::Lambda::Function").values()
        if str(found["Handler"]).startswith("functions.")
    }


def settings_variables(folder: str) -> set[str]:
    """Environment variables that its Settings dataclass reads."""
    return {
        field.target.id.upper()
        for module in (ROOT / "functions" / folder).glob("*.py")
        for found in ast.walk(ast.parse(module.read_text()))
        if isinstance(found, ast.ClassDef) and found.name == "Settings"
        for field in found.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }


def test_every_folder_is_a_function_and_every_function_a_folder(each_stage: Stage) -> None:
    assert sorted(handlers(each_stage)) == FOLDERS


def test_the_architecture_page_lists_the_same_functions() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()

    assert sorted(re.findall(r"^\| `(\w+)` \| (?:base|data|value) \|", page, re.MULTILINE)) == FOLDERS


def test_functions_are_named_by_stage_and_folder(each_stage: Stage) -> None:
    for folder, found in handlers(each_stage).items():
        assert found["FunctionName"] == f"winback-{each_stage.name}-{folder.replace('_', '-')}"


def test_each_function_gets_the_variables_that_it_reads_and_no_others(prod: Stage) -> None:
    always = {
        "WINBACK_STAGE",
        "CLOCK_SOURCE",
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_LOG_LEVEL",
    }
    for folder, found in handlers(prod).items():
        given = set(found["Environment"]["Variables"]) - always  # type: ignore[index]
        assert given == settings_variables(folder) - always, folder


def test_every_function_keeps_its_log_for_a_while_and_no_longer(each_stage: Stage) -> None:
    groups = {
        text(found["LogGroupName"]): found["RetentionInDays"]
        for found in each_stage.properties("AWS::Logs::LogGroup").values()
    }
    for found in handlers(each_stage).values():
        assert f"/aws/lambda/{found['FunctionName']}" in groups
        assert "LoggingConfig" in found
    assert all(groups.values())


def test_functions_are_traced_where_there_is_aws(aws_stage: Stage) -> None:
    assert {found["TracingConfig"]["Mode"] for found in handlers(aws_stage).values()} == {"Active"}  # type: ignore[index]


def test_functions_run_on_arm_in_aws(aws_stage: Stage) -> None:
    assert {tuple(found["Architectures"]) for found in handlers(aws_stage).values()} == {("arm64",)}  # type: ignore[arg-type]


def test_every_function_has_an_alarm_on_its_errors(each_stage: Stage) -> None:
    watched = {
        dimension["Value"]["Ref"]
        for alarm in each_stage.properties("AWS::CloudWatch::Alarm").values()
        if alarm.get("MetricName") == "Errors"
        for dimension in alarm["Dimensions"]
    }
    functions = {name.split("/")[1] for name in each_stage.resources("AWS::Lambda::Function")}

    assert functions <= watched


def test_in_the_local_stage_clients_are_pointed_at_the_recorder_and_the_models(
    tmp_path: Path, model_stand_in: Path
) -> None:
    stage = synthesize(
        tmp_path,
        "local",
        model_stand_in,
        sesv2_endpoint="http://127.0.0.1:1",
        sagemaker_runtime_endpoint="http://127.0.0.1:2",
    )
    for found in handlers(stage).values():
        variables = found["Environment"]["Variables"]  # type: ignore[index]
        assert variables["AWS_ENDPOINT_URL_SESV2"] == "http://127.0.0.1:1"
        assert variables["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] == "http://127.0.0.1:2"


def test_the_api_has_the_routes_of_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (?:base|data|value) \| (`[A-Z/]+ /.*?) \|", page, re.MULTILINE)
    documented = {
        folder: {
            (method, path + action)
            for methods, path, actions in re.findall(r"`([A-Z/]+) ([^`{]*(?:\{[a-z_]+\}[^`{]*)*)(\{[a-z,]+\})?`", cell)
            for method in methods.split("/")
            for action in (actions.strip("{}").split(",") if actions else [""])
        }
        for folder, cell in rows
    }

    assert documented == {folder: set(routes) for folder, routes in {**ROUTES, **PUBLIC_ROUTES}.items()}
