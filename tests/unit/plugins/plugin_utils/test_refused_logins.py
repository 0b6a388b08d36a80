# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login of flyteadmin that cannot work is said before the first change, in the words of the inventory."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused
from ansible_collections.flyte.multicluster.plugins.plugin_utils._refusals import refuse_login
from conftest import Inventory, site_of


def check(inventory: Inventory, **login: t.Any) -> None:
    refuse_login(site_of(inventory), lambda _host, name: login.get(name))


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLYTE_ADMIN_TOKEN", "FLYTE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"flyte_admin_token_file": "{folder}/missing"}, "flyte_admin_token_file {folder}/missing: No such file"),
        ({"flyte_admin_token_file": "secret-4711"}, "flyte_admin_token_file (not shown: it may be the secret itself): No such file"),
        ({"flyte_admin_token_file": "https://u:secret-4711@h/t"}, "flyte_admin_token_file (not shown: it is a URL): No such file"),
        ({"flyte_admin_token_file": "https://h/t?token=secret-4711"}, "flyte_admin_token_file (not shown: it is a URL): No such file"),
        ({"flyte_admin_ca_cert": "https://h/t?token=secret-4711"}, "flyte_admin_ca_cert = '(not shown: it is a URL)': there is no such file."),
        ({"flyte_admin_token_file": "{folder}/two"}, "flyte_admin_token_file {folder}/two has a line break"),
        ({"flyte_client_id": "c", "flyte_client_secret_file": "{folder}"}, "flyte_client_secret_file {folder}: Is a directory"),
        ({"flyte_client_id": "c"}, "flyte_client_id is given without a secret. Set flyte_client_secret, "),
        ({"flyte_admin_ca_cert": "{folder}/missing"}, "flyte_admin_ca_cert = '{folder}/missing': there is no such file."),
        ({"flyte_admin_client_key": "{folder}"}, "flyte_admin_client_key = '{folder}': there is no such file."),
    ],
)
def test_what_cannot_log_in(inventory: Inventory, tmp_path: pathlib.Path, login: dict[str, str], said: str) -> None:
    (tmp_path / "two").write_text("secret-4711\nsecret-4711\n", encoding="utf-8")
    with pytest.raises(Refused) as raised:
        check(inventory, **{name: value.format(folder=tmp_path) for name, value in login.items()})
    text = SECRETS.text(str(raised.value))
    assert text.startswith("controlplane: " + said.format(folder=tmp_path)) and "secret-4711" not in text, text


def test_what_can(inventory: Inventory, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("abc\n", encoding="utf-8")
    check(inventory)
    check(inventory, flyte_admin_token_file=str(tmp_path / "token"), flyte_admin_ca_cert=str(tmp_path / "token"))
    monkeypatch.chdir(tmp_path)
    check(inventory, flyte_client_id="c", flyte_client_secret_file="token")
    monkeypatch.setenv("HOME", str(tmp_path))
    check(inventory, flyte_admin_token_file="~/token", flyte_admin_ca_cert="~/token")
    monkeypatch.setenv("FLYTE_CLIENT_SECRET", "x")
    check(inventory, flyte_client_id="c")
