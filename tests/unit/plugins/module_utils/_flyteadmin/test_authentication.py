# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokens: where they come from, how they are renewed, and that no secret is shown."""

from __future__ import annotations

import json
import pathlib
import time
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.client import Admin
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import Settings
from ansible_collections.flyte.multicluster.plugins.modules import flyte_ecl, flyte_ecl_info
from conftest import Double, Run
from scripted import EMPTY, Scripted, as_json, clean_environment, client  # noqa: F401  pylint: disable=unused-import


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
    monkeypatch.setattr(time, "monotonic", lambda: real() + 1)
    flyteadmin.label_rows()
    assert (admin_with_auth.auth.issued == 2) == renewed


def test_an_external_token_endpoint_needs_no_metadata(admin_with_auth: Double) -> None:
    """As with Okta or Keycloak; flyteadmin keeps its own metadata to itself here."""
    assert admin_with_auth.auth
    token = admin_with_auth.auth._token("Basic Y2xpZW50OnJpZ2h0K3NlY3JldA==", {})[1]
    with Scripted(as_json(200, token)) as external:
        settings = {"client_id": "me", "client_secret": "s e", "token_url": f"{external.url}/token", "scopes": ("a", "b"), "audience": "flyte"}
        assert client(admin_with_auth.url, authorization_header="Authorization", **settings).label_rows() == []
    assert len(external.seen) == 1
    method, path, headers, body = external.seen[0]
    assert (method, path, body) == ("POST", "/token", b"grant_type=client_credentials&scope=a+b&audience=flyte")
    assert headers["authorization"] == "Basic bWU6cytl"  # me:s+e
    assert not [request for request in admin_with_auth.requests if "well-known" in request or "flyte_client" in request]


def test_the_header_is_the_one_that_flyteadmins_metadata_name() -> None:
    with Scripted(
        as_json(200, {"token_endpoint": "", "token_endpoint_auth_methods_supported": ["client_secret_post"]}),
        as_json(200, {"authorization_metadata_key": "Flyte-Authorization", "scopes": ["all"], "audience": "x"}),
        as_json(200, {"access_token": "t.o.k", "expires_in": 60}),
        EMPTY,
    ) as server:
        server_url = server.url
        login = Admin(Settings(server_url, client_id="me", client_secret="s&e", retry_for=1))
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
    with pytest.raises(AdminError, match=said) as caught:
        client(admin_with_auth.url, **settings).label_rows()
    assert "right secret" not in str(caught.value) and "wrong" not in str(caught.value)


def test_a_secret_that_a_server_repeats_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYTE_CLIENT_SECRET", "topsecret-of-the-environment")
    with Scripted(as_json(401, {"error": "invalid_client", "error_description": "topsecret-of-the-environment is wrong"})) as server:
        found = run(flyte_ecl_info, url=server.url, client_id="me", token_url=server.url, scopes=[], audience="", authorization_header="x")
    assert found["failed"] and "invalid_client" in found["msg"] and "topsecret" not in json.dumps(found)


def test_a_secret_is_not_sent_without_tls_where_flyteadmin_has_it() -> None:
    with pytest.raises(AdminError, match="is not https: the secret is not sent there"):
        settings = {"client_id": "me", "client_secret": "s", "token_url": "http://127.0.0.1:1/token", "scopes": (), "audience": "", "authorization_header": "x"}
        client("https://127.0.0.1:1", **settings).label_rows()


def test_a_client_where_authentication_is_off_is_said(admin: Double) -> None:
    with pytest.raises(AdminError, match="authentication turned off"):
        client(admin.url, client_id="client", client_secret="x").label_rows()


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ([], "no JSON object"),
        ({"token_endpoint": 7}, "token_endpoint is no text"),
        ({"token_endpoint": ""}, "names no token endpoint"),
        ({"token_endpoint": "http://127.0.0.1:1/token", "token_endpoint_auth_methods_supported": "all"}, "is no list of texts"),
    ],
)
def test_metadata_of_another_shape_are_said(metadata: t.Any, said: str) -> None:
    with Scripted(as_json(200, metadata), as_json(200, {"scopes": []})) as server, pytest.raises(AdminError, match=said) as caught:
        client(server.url, client_id="me", client_secret="s3cret").label_rows()
    assert caught.value.hint and "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "token",
    [[], "x", ["t0ken"], {}, {"access_token": None}, {"access_token": {"value": "t0ken"}}, {"access_token": ["t0ken"]}, {"token": "t0ken"}],
)
def test_an_answer_without_a_token_is_said_and_not_shown(token: t.Any) -> None:
    login = {"client_id": "me", "client_secret": "s3cret", "scopes": (), "audience": "", "authorization_header": "x"}
    with Scripted(as_json(200, token)) as server, pytest.raises(AdminError, match="no access_token|no JSON object") as caught:
        client(server.url, token_url=f"{server.url}/token", **login).label_rows()
    assert caught.value.hint and "t0ken" not in str(caught.value) and "s3cret" not in str(caught.value)


@pytest.mark.parametrize("lifetime", [None, "soon", [], {}, -5, 0, "NaN", 1e999, True, "60"])
def test_any_lifetime_of_a_token_is_taken(lifetime: t.Any) -> None:
    login = {"client_id": "me", "client_secret": "s3cret", "scopes": (), "audience": "", "authorization_header": "x"}
    with Scripted(as_json(200, {"access_token": "t0ken", "expires_in": lifetime}), EMPTY) as server:
        assert client(server.url, token_url=f"{server.url}/token", **login).label_rows() == []
        assert server.seen[1][2]["x"] == "Bearer t0ken"


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"error": {"message": "x"}}', b"<title>500</title>", b"oops"])
def test_a_token_endpoint_that_fails_in_any_shape_is_said(answer: bytes) -> None:
    login = {"client_id": "me", "client_secret": "s3cret", "scopes": (), "audience": "", "authorization_header": "x"}
    with Scripted((500, {}, answer)) as server, pytest.raises(AdminError, match="no token: 500") as caught:
        client(server.url, token_url=f"{server.url}/token", **login).label_rows()
    assert "token_url" in caught.value.hint


def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(Settings("https://x", token="t0ken", client_id="me", client_secret="s3cret", proxy="http://me:passw0rd@proxy"))
    assert "me" in shown and not any(secret in shown for secret in ("t0ken", "s3cret", "passw0rd"))
