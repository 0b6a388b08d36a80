# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenShift's login: user name and password for a token."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import client as _kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import openshift as _openshift
from scripted import Scripted


def test_an_openshift_login_gives_a_token() -> None:
    answer = (302, {"Location": "https://x/#access_token=sha256~abc&expires_in=86400&token_type=Bearer"}, b"")
    with Scripted((200, {}, b"{}"), answer) as server:
        where = json.dumps({"authorization_endpoint": f"{server.url}/oauth/authorize"}).encode()
        with Scripted((200, {"Content-Type": "application/json"}, where)) as api:
            server.seen.clear()
            # The first answer of the script is used up here.
            import requests

            requests.get(server.url, timeout=5)
            assert _openshift.login(api.url, "me", "pass word", True) == "sha256~abc"
    _method, path, headers, _body = server.seen[-1]
    assert path == "/oauth/authorize?response_type=token&client_id=openshift-challenging-client" and headers["x-csrf-token"]
    assert base64.b64decode(headers["authorization"].split()[1]) == b"me:pass word"


def test_an_openshift_login_that_is_refused_is_said() -> None:
    with Scripted((404, {}, b"")) as api, pytest.raises(_kube.KubeError, match="has no OAuth server"):
        _openshift.login(api.url, "me", "x", True)
    with Scripted((401, {}, b"")) as oauth:
        where = json.dumps({"authorization_endpoint": oauth.url}).encode()
        with Scripted((200, {}, where)) as api, pytest.raises(_kube.KubeError, match="of me was refused: HTTP 401") as caught:
            _openshift.login(api.url, "me", "a-password", True)
    assert "a-password" not in str(caught.value)
