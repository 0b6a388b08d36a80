# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""flyteadmin's client: authentication, TLS, proxies, repeating, and what its errors say."""

from __future__ import annotations

import datetime
import email.utils
import http.server
import ipaddress
import json
import pathlib
import ssl
import threading
import time
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import client as _admin
from ansible_collections.flyte.multicluster.plugins.modules import flyte_ecl, flyte_ecl_info, flyte_execution_info
from conftest import Double, Run

EMPTY = (200, {"Content-Type": "application/json"}, b'{"configurations": []}')


class Scripted:
    """An HTTP server that gives one answer after the other, the last one for ever, and notes the requests."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes] | None) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        script = list(answers)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers by the script; None is a connection that is closed without an answer."""

            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.seen.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body))
                answer = script.pop(0) if len(script) > 1 else script[0]
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                for name, value in answer[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer[2])))
                self.end_headers()
                self.wfile.write(answer[2])

            do_GET = do_PUT = do_POST = do_DELETE = _answer

            def log_message(self, format: str, *args: t.Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLYTE_ADMIN_TOKEN", "FLYTE_CLIENT_SECRET", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def client(url: str, **settings: t.Any) -> _admin.Admin:
    return _admin.Admin(_admin.Settings(url, **{"retry_for": 1, "timeout": 5, **settings}))


def _json(status: int, content: t.Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(content).encode()


# -- authentication


@pytest.mark.parametrize("where", ["option", "file", "environment"])
def test_client_credentials_are_found_through_flyteadmins_metadata(
    admin_with_auth: Double, run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    login: dict[str, t.Any] = {"url": admin_with_auth.url, "client_id": "client"}
    if where == "option":
        login["client_secret"] = "right secret"
    elif where == "file":
        (tmp_path / "secret").write_text("right secret\n", encoding="utf-8")
        login["client_secret_file"] = str(tmp_path / "secret")
        monkeypatch.setenv("FLYTE_CLIENT_SECRET", "the file counts first")
    else:
        monkeypatch.setenv("FLYTE_CLIENT_SECRET", "right secret")
    assert run(flyte_ecl, project="team1", label="label1", **login)["changed"]
    assert admin_with_auth.rows() == {"team1": "label1"} and admin_with_auth.auth and admin_with_auth.auth.issued == 1


@pytest.mark.parametrize("where", ["option", "file", "environment"])
def test_a_ready_made_token_is_used(admin_with_auth: Double, run: Run, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    assert admin_with_auth.auth
    token = admin_with_auth.auth._token("Basic Y2xpZW50OnJpZ2h0K3NlY3JldA==", {})[1]["access_token"]
    login: dict[str, t.Any] = {"url": admin_with_auth.url}
    if where == "option":
        login["token"] = token
    elif where == "file":
        (tmp_path / "token").write_text(token + "\n", encoding="utf-8")
        login["token_file"] = str(tmp_path / "token")
    else:
        monkeypatch.setenv("FLYTE_ADMIN_TOKEN", token)
    assert "rows" in run(flyte_ecl_info, **login)
    assert admin_with_auth.auth.issued == 1


def test_a_token_is_renewed_once_where_it_is_not_accepted_any_more(admin_with_auth: Double) -> None:
    flyteadmin = client(admin_with_auth.url, client_id="client", client_secret="right secret")
    assert flyteadmin.label_rows() == [] and admin_with_auth.auth
    admin_with_auth.auth.revoke_all()
    assert flyteadmin.label_rows() == [] and admin_with_auth.auth.issued == 2


@pytest.mark.parametrize(("lifetime", "renewed"), [(1800, False), (61, False), (2, True)])
def test_a_token_is_renewed_before_it_ends(admin_with_auth: Double, monkeypatch: pytest.MonkeyPatch, lifetime: float, renewed: bool) -> None:
    assert admin_with_auth.auth
    admin_with_auth.auth._lifetime = lifetime
    flyteadmin = client(admin_with_auth.url, client_id="client", client_secret="right secret")
    flyteadmin.label_rows()
    real = time.monotonic
    monkeypatch.setattr(_admin.time, "monotonic", lambda: real() + 1)
    flyteadmin.label_rows()
    assert (admin_with_auth.auth.issued == 2) == renewed


def test_an_external_token_endpoint_needs_no_metadata(admin_with_auth: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with Okta or Keycloak; flyteadmin keeps its own metadata to itself here."""
    assert admin_with_auth.auth
    token = admin_with_auth.auth._token("Basic Y2xpZW50OnJpZ2h0K3NlY3JldA==", {})[1]
    monkeypatch.setattr(admin_with_auth.auth, "_client_config", lambda: pytest.fail("asked"))
    with Scripted(_json(200, token)) as external:
        settings = {"client_id": "me", "client_secret": "s e", "token_url": f"{external.url}/token", "scopes": ("a", "b"), "audience": "flyte"}
        assert client(admin_with_auth.url, authorization_header="Authorization", **settings).label_rows() == []
    assert len(external.seen) == 1
    method, path, headers, body = external.seen[0]
    assert (method, path, body) == ("POST", "/token", b"grant_type=client_credentials&scope=a+b&audience=flyte")
    assert headers["authorization"] == "Basic bWU6cytl"  # me:s+e
    assert not [request for request in admin_with_auth.requests if "well-known" in request]


def test_the_header_is_the_one_that_flyteadmins_metadata_name() -> None:
    with Scripted(
        _json(200, {"token_endpoint": "", "token_endpoint_auth_methods_supported": ["client_secret_post"]}),
        _json(200, {"authorization_metadata_key": "Flyte-Authorization", "scopes": ["all"], "audience": "x"}),
        _json(200, {"access_token": "t.o.k", "expires_in": 60}),
        EMPTY,
    ) as server:
        server_url = server.url
        login = _admin.Admin(_admin.Settings(server_url, client_id="me", client_secret="s&e", retry_for=1))
        login._login._discovered = {**login._login._discover(), "token_url": f"{server_url}/token"}
        assert login.label_rows() == []
    token, rows = server.seen[2], server.seen[3]
    assert "authorization" not in token[2] and token[3] == b"grant_type=client_credentials&scope=all&audience=x&client_id=me&client_secret=s%26e"
    assert rows[2]["flyte-authorization"] == "Bearer t.o.k" and "authorization" not in rows[2]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "401, code 16"),
        ({"token": "a.b.c"}, "set a new one"),
        ({"client_id": "client", "client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "client", "client_secret": "right secret", "scopes": ("bogus",)}, "invalid_scope"),
    ],
)
def test_what_is_wrong_with_a_login_is_said_without_the_secret(admin_with_auth: Double, settings: dict[str, t.Any], said: str) -> None:
    with pytest.raises(_admin.AdminError, match=said) as caught:
        client(admin_with_auth.url, **settings).label_rows()
    assert "right secret" not in str(caught.value) and "wrong" not in str(caught.value)


def test_a_secret_that_a_server_repeats_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYTE_CLIENT_SECRET", "topsecret-of-the-environment")
    with Scripted(_json(401, {"error": "invalid_client", "error_description": "topsecret-of-the-environment is wrong"})) as server:
        found = run(flyte_ecl_info, url=server.url, client_id="me", token_url=server.url, scopes=[], audience="", authorization_header="x")
    assert found["failed"] and "invalid_client" in found["msg"] and "topsecret" not in json.dumps(found)


def test_a_secret_is_not_sent_without_tls_where_flyteadmin_has_it() -> None:
    with pytest.raises(_admin.AdminError, match="is not https: the secret is not sent there"):
        settings = {"client_id": "me", "client_secret": "s", "token_url": "http://127.0.0.1:1/token", "scopes": (), "audience": "", "authorization_header": "x"}
        client("https://127.0.0.1:1", **settings).label_rows()


def test_a_client_where_authentication_is_off_is_said(admin: Double) -> None:
    with pytest.raises(_admin.AdminError, match="authentication turned off"):
        client(admin.url, client_id="client", client_secret="x").label_rows()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"url": "flyte.example.com"}, "is no http or https URL"),
        ({"url": "https://me:secret@flyte.example.com"}, "must not hold credentials"),
        ({"url": "https://x", "client_id": "me"}, "FLYTE_CLIENT_SECRET"),
        ({"url": "https://x", "client_id": "me", "client_secret_file": "/nowhere"}, "client_secret_file /nowhere: No such file"),
        ({"url": "https://x", "token_file": "/dev/null"}, "token_file /dev/null is empty"),
    ],
)
def test_wrong_options_are_said(params: dict[str, t.Any], said: str) -> None:
    with pytest.raises(_admin.AdminError, match=said) as caught:
        _admin.Settings.from_params(params, {})
    assert "me:secret" not in str(caught.value)


# -- TLS and proxies


def _certificate(name: str, issuer: tuple[t.Any, t.Any] | None, folder: pathlib.Path) -> tuple[t.Any, t.Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer[0].subject if issuer else subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
    builder = builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
    # Python 3.13 verifies strictly: a CA has to say what its key is for, and a certificate which key signed it.
    usage = {name: False for name in ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")}
    usage |= {"digital_signature": issuer is not None, "key_cert_sign": issuer is None, "crl_sign": issuer is None}
    builder = builder.add_extension(x509.KeyUsage(**usage), True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    signer = issuer[0].public_key() if issuer else key.public_key()
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False)
    certificate = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, key


def test_tls_with_an_own_ca_and_a_client_certificate(tmp_path: pathlib.Path, run: Run) -> None:
    authority = _certificate("ca", None, tmp_path)
    for name in ("server", "client"):
        _certificate(name, authority, tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    context.load_verify_locations(tmp_path / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    ours = {"client_cert": str(tmp_path / "client.crt"), "client_key": str(tmp_path / "client.key")}
    with Scripted(EMPTY) as server:
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        url = server.url.replace("http:", "https:")
        assert client(url, ca_cert=str(tmp_path / "ca.crt"), **ours).label_rows() == []
        assert client(url, validate_certs=False, **ours).label_rows() == []
        with pytest.raises(_admin.AdminError, match="certificate verify failed.*Set ca_cert"):
            client(url, **ours).label_rows()
        with pytest.raises(_admin.AdminError, match="client_cert where it wants one|does not answer|Connection"):
            client(url, ca_cert=str(tmp_path / "ca.crt")).label_rows()
        with pytest.raises(_admin.AdminError, match="Check ca_cert"):
            client(url, ca_cert="/nowhere", **ours).label_rows()
        found = run(flyte_ecl_info, url=url, ca_cert=str(tmp_path / "ca.crt"), client_cert=ours["client_cert"])
        assert found["failed"] and "client_key" in found["msg"]


def test_a_proxy_is_used_and_the_option_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(EMPTY) as proxy, Scripted(EMPTY) as other:
        monkeypatch.setenv("http_proxy", other.url)
        assert client("http://flyte.example.com", proxy=proxy.url).label_rows() == []
        assert proxy.seen[0][1].startswith("http://flyte.example.com/api/v1/") and not other.seen
        assert client("http://flyte.example.com").label_rows() == []
        assert len(other.seen) == 1
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with Scripted(EMPTY) as direct:
            assert client(direct.url).label_rows() == [] and direct.seen[0][1].startswith("/api")
    with pytest.raises(_admin.AdminError, match="Check proxy"):
        client("http://flyte.example.com", proxy="http://127.0.0.1:1").label_rows()


# -- repeating


def test_503_is_repeated_until_it_serves(admin: Double) -> None:
    answers = iter([False, False, True])
    admin.gateway.serving = lambda: next(answers, True)
    assert client(admin.url, retry_for=10).label_rows() == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_429_waits_as_long_as_the_server_says(method: str) -> None:
    for form in ("seconds", "date"):
        then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)  # a date has whole seconds only
        after = "1" if form == "seconds" else email.utils.format_datetime(then)
        with Scripted(_json(429, {"code": 8, "message": "slow down"}, **{"Retry-After": after}), EMPTY) as server:
            started = time.monotonic()
            client(server.url, retry_for=10).call(method, "/api/v1/x", repeat=False)
            assert len(server.seen) == 2 and 0.9 < time.monotonic() - started < 5


def test_429_that_lasts_is_said() -> None:
    with Scripted(_json(429, {"code": 8, "message": "slow down"}, **{"Retry-After": "20"})) as server:
        with pytest.raises(_admin.AdminError, match="429, code 8: slow down flyteadmin or its ingress limits requests") as caught:
            client(server.url).label_rows()
        assert caught.value.status == 429 and len(server.seen) == 1


def test_a_lost_connection_is_repeated_only_where_that_is_safe() -> None:
    with Scripted(None, None, EMPTY) as server:
        assert client(server.url, retry_for=10).label_rows() == []
    with Scripted(None, EMPTY) as server:
        with pytest.raises(_admin.AdminError):
            client(server.url, retry_for=10).call("POST", "/api/v1/x", repeat=False)
        assert len(server.seen) == 1


def test_an_error_of_flyteadmin_is_not_repeated() -> None:
    with Scripted(_json(500, {"code": 13, "message": "database is gone"})) as server:
        with pytest.raises(_admin.AdminError, match=r"GET http://.*: 500, code 13: database is gone"):
            client(server.url, retry_for=10).label_rows()
        assert len(server.seen) == 1


# -- what is no answer of flyteadmin


def test_an_html_page_is_said_to_be_one(admin: Double) -> None:
    admin.gateway.serving = lambda: False
    with pytest.raises(_admin.AdminError, match=r"503, an HTML page \(503 Service Temporarily Unavailable\)"):
        client(admin.url, retry_for=0.1).label_rows()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html><title>Sign in</title></html>"), r"200, an HTML page \(Sign in\)"),
        ((404, {"Content-Type": "text/plain"}, b"default backend - 404"), "404, no JSON: 'default backend - 404'"),
        ((302, {"Location": "https://login.example.com/"}, b""), "redirected to https://login.example.com/"),
        (_json(403, {"code": 7, "message": "not yours"}), "403, code 7: not yours This account may not"),
    ],
)
def test_what_answers_instead_of_flyteadmin_is_said(answer: tuple[int, dict[str, str], bytes], said: str) -> None:
    with Scripted(answer) as server, pytest.raises(_admin.AdminError, match=said):
        client(server.url).label_rows()


def test_a_closed_port_is_said() -> None:
    with pytest.raises(_admin.AdminError, match="Connection refused. Check url"):
        client("http://127.0.0.1:1", retry_for=0.1).label_rows()


# -- paging


def test_executions_are_listed_to_the_end(admin: Double, run: Run) -> None:
    from flyteidl.admin import execution_pb2

    for number in range(250):
        execution = execution_pb2.Execution()
        execution.id.project, execution.id.domain, execution.id.name = "team1", "development", f"f{number}"
        cluster = f"dataplane_{number % 2 + 1}"
        execution.spec.metadata.system_metadata.execution_cluster = cluster
        admin.service.store.put_execution(execution.id, cluster, "SUCCEEDED", execution.SerializeToString())
    assert len(run(flyte_execution_info, url=admin.url)["executions"]) == 250
    assert len(run(flyte_execution_info, url=admin.url, cluster="dataplane_2", phases=["SUCCEEDED"])["executions"]) == 125
