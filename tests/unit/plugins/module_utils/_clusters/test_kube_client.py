# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to an API server: tokens that end, answers that are none, errors without secrets."""

from __future__ import annotations

import itertools
import types
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import client as _client
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import settings as _settings
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError, decode
from api_server import ApiServer


class Tokens:
    """Makes one token after the other."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        return f"token-{self.made}"


def sent(server: ApiServer) -> list[str]:
    return [headers.get("authorization", "") for _method, _path, headers, _body in server.seen]


def test_a_token_is_renewed_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now, tokens = [1000.0], Tokens()
    monkeypatch.setattr(_client, "_clock", lambda: now[0])
    with ApiServer({"/x": {}}) as server:
        kube = Kube({"host": server.url, "api_key": "token-0"}, renew=tokens, renew_after=60)
        for seconds in (0, 59, 2, 10, 49, 2):
            now[0] += seconds
            kube.get("/x")
    assert sent(server) == [f"Bearer token-{number}" for number in (0, 0, 1, 1, 1, 2)]


def test_a_token_that_is_not_accepted_is_renewed_once() -> None:
    tokens = Tokens()
    with ApiServer({"GET /x": lambda headers: {} if headers["authorization"] == "Bearer token-1" else 401, "POST /y": 401}) as server:
        kube = Kube({"host": server.url, "api_key": "token-0"}, renew=tokens)
        assert kube.get("/x") == {} and kube.get("/x") == {}
        assert sent(server) == ["Bearer token-0", "Bearer token-1", "Bearer token-1"]
        server.seen.clear()
        with pytest.raises(KubeError, match="401"):
            kube.create("/y", {"a": 1})
    assert sent(server) == ["Bearer token-1", "Bearer token-2"] and [body for *_rest, body in server.seen] == [b'{"a": 1}'] * 2


def test_a_token_that_is_not_renewed_fails_as_it_is() -> None:
    with ApiServer({"/x": 401}) as server, pytest.raises(KubeError, match="401"):
        Kube(server.access).get("/x")
    assert sent(server) == ["Bearer the-token"]


def test_what_is_one_too_many_is_sent_again_for_as_long_as_one_answer_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waited, answers = [1000.0], list[float](), iter([429, 429, {"a": 1}])
    monkeypatch.setattr(_client, "_clock", lambda: now[0])

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(_client, "time", types.SimpleNamespace(sleep=sleep))  # not the module itself, by which servers of other tests wait
    with ApiServer({"POST /x": lambda _headers: next(answers), "/y": 429}) as server:
        kube = Kube(server.access, timeout=4)
        assert kube.create("/x", {}) == {"a": 1} and waited == [0.5, 1.0]
        with pytest.raises(KubeError, match="429") as caught:
            kube.get("/y")
    assert "flyte_concurrency" in caught.value.hint and waited[2:] == [0.5, 1.0, 2.0] and len(server.seen) == 7


@pytest.mark.parametrize("answer", [b"", b"<html>login</html>", b"[]", b'"text"', b"null", b"\xff\xfe", b'{"a":'])
def test_what_is_no_object_is_an_error_and_not_an_absent_one(answer: bytes) -> None:
    with ApiServer({"/x": answer}) as server, pytest.raises(KubeError, match="no Kubernetes object") as caught:
        Kube(server.access).find("/x")
    assert caught.value.kind == "api" and "login page" in caught.value.hint


def test_a_delete_may_answer_nothing() -> None:
    with ApiServer({"DELETE /x": b""}) as server:
        Kube(server.access).delete("/x")
    assert server.asked == ["DELETE /x"]


def test_an_error_shows_no_token_that_the_server_shows() -> None:
    def echo(headers: dict[str, str]) -> t.Any:
        return 400 if "authorization" not in headers else b"x"

    with ApiServer({"/x": echo}) as server:
        error = _client._api_error("GET", server.url, 400, b"y" * 290 + b" Authorization: Bearer the-token", "Bearer the-token")
        status = _client._api_error("GET", server.url, 403, b'{"message": "the-token may not", "reason": "Forbidden"}', "Bearer the-token")
    assert "the-token" not in str(error) and "the-to" not in str(error) and "the-token" not in str(status) and "may not" in str(status)


@pytest.mark.parametrize(
    ("access", "ca_data"),
    [
        ({"api_key": "secret\nvalue"}, None),
        ({"api_key": "secret-ä-€"}, None),
        ({"api_key": "secret"}, "secret-ca"),
        ({"api_key": "secret"}, "sécret-ca"),
        ({}, " "),
    ],
)
def test_what_cannot_be_sent_is_said_without_it(access: dict[str, str], ca_data: str | None) -> None:
    with pytest.raises(KubeError) as caught:
        Kube({"host": "https://127.0.0.1:1", **access}, timeout=2, ca_data=ca_data).get("/x")
    assert "secret" not in caught.value.message + caught.value.hint and "sécret" not in caught.value.message


def test_a_blank_ca_is_not_this_machines_own_cas() -> None:
    with pytest.raises(KubeError, match="no start line|NO_CERTIFICATE|PEM") as caught:
        Kube({"host": "https://127.0.0.1:1"}, ca_data="\n").get("/x")
    assert caught.value.kind == "unreachable"


def test_letters_between_certificates_are_left_out() -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nMIIB/+=\n-----END CERTIFICATE-----"
    assert _settings._certificates(f"# Zürich\n{certificate}\n# Bäle\n{certificate}\n") == f"{certificate}\n{certificate}"


@pytest.mark.parametrize(
    ("url", "said"),
    [("https://me:secret@host", "holds a user name or password"), ("host:6443", "no URL"), ("https://[::1", "no URL"), ("https://host:port", "no URL")],
)
def test_an_address_that_cannot_be_asked_is_said_before(url: str, said: str) -> None:
    with pytest.raises(KubeError, match=said) as caught:
        Kube({"host": url})
    assert caught.value.kind == "config" and "secret" not in str(caught.value)


def test_a_proxy_that_is_no_url_is_said_without_its_password() -> None:
    with pytest.raises(KubeError, match="no connection can be made") as caught:
        Kube({"host": "https://host", "proxy": "http://me:secret@[::1"})
    assert caught.value.kind == "access" and "secret" not in str(caught.value)


def test_a_status_in_the_place_of_an_object_is_no_empty_list() -> None:
    with ApiServer({"/x": {"kind": "Status", "status": "Failure"}, "DELETE /x": {"kind": "Status", "status": "Success"}}) as server:
        Kube(server.access).delete("/x")
        with pytest.raises(KubeError, match="the answer is no Kubernetes object"):
            Kube(server.access).find("/x")


ODD: list[tuple[dict[str, t.Any], dict[str, t.Any], str]] = [
    ({"insecure-skip-tls-verify": "no"}, {}, "insecure-skip-tls-verify is neither true nor false"),
    ({"insecure-skip-tls-verify": True, "certificate-authority-data": "Y2E="}, {}, "both insecure-skip-tls-verify and a certificate authority"),
    ({}, {"token": ["secret-4711"]}, "the token of its user is no text"),
    ({"server": "nowhere"}, {}, "the address of the API server is no URL"),
    ({"server": "https://me:secret-4711@one"}, {}, "holds a user name or password"),
    ({"proxy-url": "nonsense"}, {}, "no connection can be made"),
]


@pytest.mark.parametrize(("cluster", "user", "said"), ODD)
def test_what_is_wrong_in_a_kubeconfig_is_that_clusters_access(cluster: dict[str, t.Any], user: dict[str, t.Any], said: str) -> None:
    """Of the kind config it would be refused for the whole site."""
    kubeconfig = {
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://one", **cluster}}],
        "users": [{"name": "a", "user": user}],
    }
    with pytest.raises(KubeError, match=said) as caught:
        Kube({"kubeconfig": kubeconfig, "context": "a"})
    assert caught.value.kind == "access" and caught.value.hint and "4711" not in str(caught.value)


def test_a_client_is_made_of_its_own_options_alone() -> None:
    """The client library keeps a default for the whole process: nothing of one cluster may be in the next one's."""
    cluster = {"server": "https://one", "insecure-skip-tls-verify": True}
    kubeconfig = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": cluster}],
        "users": [{"name": "a", "user": {"token": "of-one"}}],
    }
    one, other = Kube({"kubeconfig": kubeconfig}), Kube({"host": "https://other", "api_key": "of-other"})
    assert one._authorization() == "Bearer of-one" and other._authorization() == "Bearer of-other"
    assert not one._settings.verify_ssl and other._settings.verify_ssl and not other._settings.ssl_ca_cert


@pytest.mark.parametrize("data", [{"a": "!"}, {"a": 1}, {"a": None}, ["a"], "text", {"a": "YQ"}])
def test_damaged_data_of_a_secret_are_one_kind_of_error(data: t.Any) -> None:
    with pytest.raises(ValueError):
        decode({"data": data})


def test_tokens_are_made_by_one_thread_at_a_time() -> None:
    made = itertools.count()
    bearer = _client._Bearer("old", lambda: f"new-{next(made)}", float("inf"))
    bearer.refused("old")
    bearer.refused("old")  # by another thread, which had sent the old one as well
    assert bearer.current() == "new-0"
