# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What answers in flyteadmin's place is said, whatever it is."""

from __future__ import annotations

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.answers import listed, part, parts, required, text, texts
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError, ShapeError
from conftest import Double
from scripted import Scripted, as_json, clean_environment, client  # noqa: F401  pylint: disable=unused-import


def test_an_html_page_is_said_to_be_one(admin: Double) -> None:
    admin.gateway.serving = lambda: False
    with pytest.raises(AdminError, match=r"503, an HTML page \(503 Service Temporarily Unavailable\)"):
        client(admin.url, retry_for=0.1).label_rows()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html><title>Sign in</title></html>"), r"200, an HTML page \(Sign in\)"),
        ((404, {"Content-Type": "text/plain"}, b"default backend - 404"), "404, no JSON: 'default backend - 404'"),
        ((302, {"Location": "https://login.example.com/"}, b""), "redirected to https://login.example.com/"),
        (as_json(403, {"code": 7, "message": "not yours"}), "403, code 7: not yours This account may not"),
    ],
)
def test_what_answers_instead_of_flyteadmin_is_said(answer: tuple[int, dict[str, str], bytes], said: str) -> None:
    with Scripted(answer) as server, pytest.raises(AdminError, match=said):
        client(server.url).label_rows()


def test_a_closed_port_is_said() -> None:
    with pytest.raises(AdminError, match="Connection refused. Check url"):
        client("http://127.0.0.1:1", retry_for=0.1).label_rows()


@pytest.mark.parametrize("body", [b"", b"   ", b"null", b"[]", b"7", b'"text"', b'{"configurations"', b"\xff\xfe\x00", b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 404, 500])
def test_an_answer_of_another_shape_is_an_error_with_a_hint(body: bytes, status: int) -> None:
    with Scripted((status, {"Content-Type": "application/json"}, body)) as server, pytest.raises(AdminError) as caught:
        client(server.url).call("GET", "/api/v1/x")
    assert f"GET {server.url}/api/v1/x: {status}" in caught.value.message and caught.value.hint and caught.value.status == status


@pytest.mark.parametrize("error", [{}, {"error": {"code": 404, "message": "x"}}, {"message": 7}, {"code": "x", "message": ["y"]}, {"error": None}])
def test_an_error_of_another_shape_is_one_too(error: object) -> None:
    for status in (401, 404, 500, 503):
        with Scripted(as_json(status, error)) as server, pytest.raises(AdminError) as caught:
            client(server.url, retry_for=0).call("GET", "/api/v1/x")
        assert caught.value.status == status and (caught.value.hint or caught.value.code == "x")


@pytest.mark.parametrize("after", ["²", "-1", "soon", "Fri, 99 Xxx 99999 99:99:99 GMT", "Mon, 01 Jan 99999999999 00:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_none(after: str) -> None:
    with Scripted(as_json(503, {}, **{"Retry-After": after}), as_json(200, {"configurations": []})) as server:
        assert client(server.url, retry_for=5).label_rows() == []


def test_parts_of_a_message_are_read_by_their_kind() -> None:
    message = {"a": {"b": {"c": "x"}}, "n": None, "l": [{"d": 1}], "w": ["t"], "e": ""}
    assert part(message, "a", "b") == {"c": "x"} and part(message, "n", "b") == {} and part(message, "missing") == {}
    assert parts(message, "l") == [{"d": 1}] and parts(message, "n") == [] and listed(message, "l") == [{"d": 1}]
    assert texts(message, "w") == ["t"] and texts(message, "n") == [] and text(message, "e") == "" and text(message, "n") == ""
    reads = [
        lambda: part(message, "l"),
        lambda: part(message, "a", "b", "c"),
        lambda: parts(message, "a"),
        lambda: parts(message, "w"),
        lambda: listed(message, "n"),
        lambda: text(message, "a"),
        lambda: texts(message, "l"),
        lambda: texts(message, "e"),
        lambda: required(message, "e"),
    ]
    for read in reads:
        with pytest.raises(ShapeError, match="none of flyteadmin's") as caught:
            read()
        assert "url" in caught.value.hint
