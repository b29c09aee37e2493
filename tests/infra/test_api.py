"""The REST API: what asks for a key, what is written down of a request, what shields it."""

import json

from infra.stacks.api import PUBLIC_ROUTES, ROUTES
from tests.infra.conftest import Stage
from tests.infra.readable import text


def test_every_method_asks_for_a_key_except_the_unsubscribe_link(each_stage: Stage) -> None:
    methods = each_stage.properties("AWS::ApiGateway::Method")
    public = [m for m in methods.values() if m["AuthorizationType"] == "NONE"]

    assert len(methods) == sum(map(len, (*ROUTES.values(), *PUBLIC_ROUTES.values())))
    assert [m["HttpMethod"] for m in public] == ["ANY"]
    assert all("AuthorizerId" in m for m in methods.values() if m not in public)


def test_keys_come_in_the_header_x_api_key(each_stage: Stage) -> None:
    (authorizer,) = each_stage.properties("AWS::ApiGateway::Authorizer").values()

    assert (authorizer["Type"], authorizer["IdentitySource"]) == ("REQUEST", "method.request.header.x-api-key")


def test_access_logs_and_traces_hold_no_path(aws_stage: Stage) -> None:
    """A path has customer ids and unsubscribe tokens in it; a route has not."""
    (live,) = aws_stage.properties("AWS::ApiGateway::Stage").values()
    logged = json.loads(live["AccessLogSetting"]["Format"]).values()

    assert "$context.resourcePath" in logged
    assert not {"$context.path", "$context.identity.sourceIp", "$context.identity.apiKey"} & set(logged)
    assert not live.get("TracingEnabled", False)


def test_requests_are_throttled(each_stage: Stage) -> None:
    (live,) = each_stage.properties("AWS::ApiGateway::Stage").values()
    (settings,) = live["MethodSettings"]

    assert settings["ThrottlingRateLimit"] > 0
    assert settings["ThrottlingBurstLimit"] > 0


def test_gateway_errors_look_like_ours(each_stage: Stage) -> None:
    responses = each_stage.properties("AWS::ApiGateway::GatewayResponse")
    codes, words = {}, {}
    for response in responses.values():
        body = json.loads(
            response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '""')
        )
        assert set(body["error"]) == {"code", "message", "fields"}
        codes[response["ResponseType"]] = body["error"]["code"]
        words[response["ResponseType"]] = body["error"]["message"]

    assert codes["UNAUTHORIZED"] == "unauthorized"
    assert codes["MISSING_AUTHENTICATION_TOKEN"] == "not_found"
    assert "no such path" in words["MISSING_AUTHENTICATION_TOKEN"]  # and not that a token is missing


def test_only_prod_has_a_firewall(prod: Stage, local: Stage) -> None:
    (association,) = prod.properties("AWS::WAFv2::WebACLAssociation").values()

    assert "/stages/" in text(association["ResourceArn"])
    assert local.resources("AWS::WAFv2::WebACL") == {}
