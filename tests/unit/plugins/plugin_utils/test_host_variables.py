# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A variable is plain data of a size that somebody may have written, or a fault."""

from __future__ import annotations

import inspect
import json
import pathlib
import time
import types
import typing as t

import pytest
from ansible.parsing import vault
from ansible.parsing.dataloader import DataLoader
from ansible_collections.flyte.multicluster.plugins.module_utils._common.redaction import SECRETS
from ansible_collections.flyte.multicluster.plugins.plugin_utils._variables import HostVariables, TemplateFault, plain


VAULT = vault.VaultSecret(b"of-the-test")


def read(value: t.Any) -> t.Any:
    hostvars = types.SimpleNamespace(raw_get=lambda _host: {"flyte_values": value})
    return HostVariables({"hostvars": hostvars}, DataLoader()).read("dataplane_1", "flyte_values")


def of_a_file(folder: pathlib.Path, text: str) -> HostVariables:
    """Return the variables of a host from a file, as Ansible reads them: with its templates, and what is encrypted."""
    path, loader = folder / "variables.yml", DataLoader()
    path.write_text(text, encoding="utf-8")
    loader.set_vault_secrets([("default", VAULT)])
    context = getattr(vault, "VaultSecretsContext", None)  # since ansible-core 2.19
    if context and context.current(optional=True) is None:
        context.initialize(context([("default", VAULT)]))
    trusts = "trusted_as_template" in inspect.signature(loader.load_from_file).parameters
    raw = loader.load_from_file(str(path), **({"trusted_as_template": True} if trusts else {}))
    return HostVariables({"hostvars": types.SimpleNamespace(raw_get=lambda _host: raw)}, loader)


def encrypted(text: str) -> str:
    return "!vault |\n" + "\n".join(f"    {line}" for line in vault.VaultLib([("default", VAULT)]).encrypt(text.encode(), VAULT).decode().splitlines())


def test_what_is_encrypted_is_shown_by_no_text(tmp_path: pathlib.Path) -> None:
    text = f"flyte_values: {{mine: '{{{{ theirs }}}}'}}\ntheirs: {encrypted('vaulted-value-4711')}\nflyte_admin_url: {encrypted('ftp://vaulted-url-4711')}\n"
    variables = of_a_file(tmp_path, text)
    assert variables.read("controlplane", "flyte_values") == {"mine": "vaulted-value-4711"}
    assert variables.read("controlplane", "flyte_admin_url") == "ftp://vaulted-url-4711"
    assert SECRETS.text("mine: vaulted-value-4711") == "mine: ********" and "url" in SECRETS.text("ftp://vaulted-url-4711")
    variables.hide_vaulted()
    assert SECRETS.text("flyte_admin_url = 'ftp://vaulted-url-4711'") == "flyte_admin_url = '********'"


def test_what_stands_in_the_query_of_a_url_is_a_secret() -> None:
    hostvars = types.SimpleNamespace(raw_get=lambda _host: {"flyte_chart_repo_url": "https://h/x?channel=stable&sig=a%2Bquery4711query"})
    HostVariables({"hostvars": hostvars}, DataLoader()).read("controlplane", "flyte_chart_repo_url")
    said = SECRETS.text("GET https://h/x?channel=stable&sig=a%2Bquery4711query/index.yaml: stable a+query4711query a%2Bquery4711query")
    assert "query4711" not in said and "stable" in said and "https://h/x" in said


def test_what_a_setting_of_the_chart_holds_is_a_secret_by_its_key() -> None:
    hostvars = types.SimpleNamespace(raw_get=lambda _host: {"flyte_user_settings": {"dbPassword": "settings4711", "bucketName": "a-plain-bucket"}})
    HostVariables({"hostvars": hostvars}, DataLoader()).read("controlplane", "flyte_user_settings")
    assert SECRETS.text("settings4711 in a-plain-bucket") == "******** in a-plain-bucket"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ lookup('ansible.builtin.file', '/no/token-4711') }}", "its template fails. (It is a secret"),
        ("{{ 1 / 0 }}token-4711", "its template fails. (It is a secret"),
        ("{{ nowhere }}", "'nowhere' is undefined"),
    ],
)
def test_why_the_template_of_a_secret_fails_is_said_without_it(template: str, said: str, tmp_path: pathlib.Path) -> None:
    variables = of_a_file(tmp_path, f"flyte_client_secret: {json.dumps(template)}")
    with pytest.raises(TemplateFault) as raised:
        variables.read("controlplane", "flyte_client_secret")
    assert f"controlplane: flyte_client_secret: cannot be templated: {said}" in str(raised.value) and "4711" not in str(raised.value)


class Unsafe(str):
    """What ansible-core 2.18 makes of a text in a result: str() returns it as it is."""

    def __str__(self) -> str:  # pylint: disable=invalid-str-returned
        return self


def test_a_text_that_2_18_marks_as_unsafe_is_a_plain_text() -> None:
    found = plain({Unsafe("a"): [Unsafe("b"), {"c": Unsafe("d")}]})
    (key,) = found
    assert [type(text) for text in (key, found["a"][0], found["a"][1]["c"])] == [str, str, str] and found == {"a": ["b", {"c": "d"}]}


def aliases() -> t.Any:
    value: t.Any = "x"
    for _level in range(12):
        value = [value] * 9
    return {"a": value}


def itself() -> t.Any:
    value: dict[str, t.Any] = {}
    value["a"] = [value]
    return value


@pytest.mark.parametrize("value", [aliases(), itself()], ids=["aliases", "itself"])
def test_what_has_no_end_is_a_fault(value: t.Any) -> None:
    began = time.monotonic()
    with pytest.raises(TemplateFault, match="dataplane_1: flyte_values: .*contains itself, or its YAML aliases"):
        read(value)
    assert time.monotonic() - began < 10


def test_what_is_nested_too_deeply_is_a_fault() -> None:
    value: t.Any = "x"
    for _level in range(100_000):
        value = [value]
    with pytest.raises(TemplateFault, match="dataplane_1: flyte_values: .*nested too deeply"):
        read(value)
    while isinstance(value, list):  # what is freed at once is freed recursively
        value = value.pop()


def test_what_somebody_writes_is_read() -> None:
    written = {"a": [{"b": 1, "c": None}] * 1000}
    assert read(written) == written
