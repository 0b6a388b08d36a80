# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What answers in flyteadmin's place is said, whatever it is."""

from __future__ import annotations

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from conftest import Double
from scripted import Scripted, as_json, clean_environment, client  # noqa: F401  the fixture holds for all tests here


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
