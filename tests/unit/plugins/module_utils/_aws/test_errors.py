# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An error of AWS reads as the action that failed, and holds no secret."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._aws.errors import (
    AwsError,
    action,
    attempt,
    attempt_to_delete,
    attempt_to_find,
    run_aws_module,
)
from botocore.exceptions import ClientError, EndpointConnectionError, WaiterError


def _refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateOpenIDConnectProvider")


def _refusing(*answers: t.Any) -> t.Callable[..., t.Any]:
    script = list(answers)

    def call(**_arguments: t.Any) -> t.Any:
        answer = script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def test_a_refusal_reads_as_the_action() -> None:
    with pytest.raises(AwsError) as caught:
        attempt("create the OIDC provider of https://x", _refusing(_refusal("AccessDenied", "User: me is not authorized.")))
    assert caught.value.message == "Failed to create the OIDC provider of https://x: AccessDenied: User: me is not authorized."
    assert caught.value.code == "AccessDenied" and "Check the credentials" in caught.value.hint


@pytest.mark.parametrize(("code", "message"), [("RequestExpired", ""), ("SignatureDoesNotMatch", "Signature expired: 20261130T0700Z is now earlier")])
def test_a_clock_that_is_wrong_is_said(code: str, message: str) -> None:
    with pytest.raises(AwsError, match="Set the clock of this machine right") as caught:
        attempt("read the role x", _refusing(_refusal(code, message)))
    assert caught.value.message == f"Failed to read the role x: {': '.join(filter(None, [code, message]))}."


def test_what_is_no_answer_reads_as_the_action_too() -> None:
    with pytest.raises(AwsError, match=r"^Failed to list them: Could not connect.*://\*\*\*@host") as caught, action("list them"):
        raise EndpointConnectionError(endpoint_url="https://me:pass-word@host/")
    assert "pass-word" not in str(caught.value)
    with pytest.raises(AwsError, match="^Timeout trying to wait: "), action("wait"):
        raise WaiterError("x", "too long", {})


def test_it_is_a_decorator_too() -> None:
    @action("read a thing")
    def read() -> None:
        raise _refusal("Throttled")

    with pytest.raises(AwsError, match="Failed to read a thing: Throttled: no."):
        read()


def test_the_request_that_aws_quotes_is_left_out() -> None:
    text = "The request signature we calculated does not match. The Canonical String for this request should have been 'x-amz-security-token:TOKEN'"
    with pytest.raises(AwsError) as caught:
        attempt("do it", _refusing(_refusal("SignatureDoesNotMatch", text)))
    assert "TOKEN" not in str(caught.value) and "does not match." in str(caught.value)


def test_what_is_gone_already_is_no_error() -> None:
    for code in ("NoSuchEntity", "ResourceNotFoundException", "NotFoundException"):
        assert attempt_to_delete("delete it", _refusing(_refusal(code))) is False
        assert attempt_to_find("read it", _refusing(_refusal(code))) is None
    assert attempt_to_delete("delete it", _refusing({})) is True and attempt_to_find("read it", _refusing({"a": 1})) == {"a": 1}
    for what in (attempt_to_delete, attempt_to_find):
        with pytest.raises(AwsError, match="Failed to do it: AccessDenied"):
            what("do it", _refusing(_refusal("AccessDenied")))


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "TooManyRequestsException"])
def test_a_busy_aws_is_asked_again(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    assert attempt("do it", _refusing(_refusal(code), _refusal(code), {"done": True})) == {"done": True}
    assert len(waited) == 2


def test_a_module_fails_with_it_and_ends_with_the_result() -> None:
    class Module:
        """Notes how it ended."""

        def __init__(self) -> None:
            self.ended: list[t.Any] = []

        def fail_json(self, **result: t.Any) -> None:
            """Fail."""
            self.ended.append(result)
            raise SystemExit

        def exit_json(self, **result: t.Any) -> None:
            """End."""
            self.ended.append(result)

    module = Module()
    run_aws_module(t.cast(t.Any, module), lambda: {"changed": True})

    def refused() -> dict[str, t.Any]:
        raise AwsError("It failed.", "Do something.")

    with pytest.raises(SystemExit):
        run_aws_module(t.cast(t.Any, module), refused)
    assert module.ended == [{"changed": True}, {"msg": "It failed. Do something."}]
