# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clusters that answer in a way that no API server does, or never: each is its own failure, soon, and the others are asked."""

from __future__ import annotations

import json
import pathlib
import socket
import time
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import client as _client
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.observe import observe
from api_server import ApiServer, data_plane
from hostile import HOSTILE, TIMEOUT, Raw, answer
from test_observe_clusters import spec


@pytest.mark.parametrize("serve", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_cluster_is_its_own_failure(serve: t.Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_client, "MOST", 1 << 20)
    started = time.monotonic()
    with ApiServer(data_plane()) as good, Raw(serve) as hostile:
        specs = [{**spec(good, "hostile"), "access": hostile.access}, spec(good, "good")]
        found = observe(specs, concurrency=1, timeout=TIMEOUT, rules=[])
    assert time.monotonic() - started < 10
    assert found["good"]["reachable"] and found["good"]["error"] is None
    error = found["hostile"]["error"]
    assert not found["hostile"]["reachable"] and error["message"] and error["hint"] and "4711" not in str(found)


def test_an_answer_that_is_nested_too_deeply_is_no_object() -> None:
    with Raw(answer("200 OK", b"[" * 200_000)) as hostile, pytest.raises(KubeError, match="no Kubernetes object"):
        method_of(hostile.access).connect(5).get("/x")


# -- the command of a kubeconfig

CREDENTIAL = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "token-of-the-command"}}


def kubeconfig(server: str, script: str, folder: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    command = folder / "credential"
    command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    command.chmod(0o700)
    user = {"exec": {"apiVersion": CREDENTIAL["apiVersion"], "command": str(command), **more}}
    return {
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": server}}],
        "users": [{"name": "x", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }


def test_the_command_of_a_kubeconfig_says_who_asks(tmp_path: pathlib.Path) -> None:
    with ApiServer({"/x": {"found": True}}) as server:
        given = {"env": [{"name": "WORD", "value": "given"}], "args": ["an-argument"], "provideClusterInfo": True}
        script = f"""echo "$WORD $1 $KUBERNETES_EXEC_INFO" > {tmp_path}/told; echo '{json.dumps(CREDENTIAL)}'"""
        kube = method_of({"kubeconfig": kubeconfig(server.url, script, tmp_path, **given)}).connect(5)
        assert kube.get("/x") == {"found": True}
        assert server.seen[0][2]["authorization"] == "Bearer token-of-the-command"
    told = (tmp_path / "told").read_text(encoding="utf-8")
    assert told.startswith("given an-argument ") and server.url in told


def test_a_token_that_is_not_accepted_any_more_is_asked_for_again(tmp_path: pathlib.Path) -> None:
    script = f"""echo x >> {tmp_path}/runs; echo '{json.dumps(CREDENTIAL).replace("token-of-the-command", "token-")}'"""
    script = script.replace("token-", "token-'$(wc -l < " + f"{tmp_path}/runs" + ")'")
    with ApiServer({"/x": lambda headers: {"found": True} if headers["authorization"].endswith("-2") else 401}) as server:
        assert method_of({"kubeconfig": kubeconfig(server.url, script, tmp_path)}).connect(5).get("/x") == {"found": True}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sleep 60 & sleep 60", "did not end within 0.5 s"),
        ("echo secret-4711 >&2; exit 3", "failed with code 3"),
        ("echo secret-4711", "printed no ExecCredential"),
        ("echo '{\"status\": {}}'", "printed no ExecCredential"),
        ("echo '{\"status\": {\"clientCertificateData\": \"x\"}}'", "printed no ExecCredential"),
        ("true", "printed no ExecCredential"),
        ("exec yes secret-4711", "printed too much for a credential"),
        ("exec head -c 100000 /dev/urandom", "printed no ExecCredential"),
    ],
)
def test_a_command_that_gives_nothing_is_that_clusters_failure(script: str, said: str, tmp_path: pathlib.Path) -> None:
    started = time.monotonic()
    with ApiServer(data_plane()) as good:
        specs = [{**spec(good, "a"), "access": {"kubeconfig": kubeconfig(good.url, script, tmp_path)}}, spec(good, "b")]
        found = observe(specs, concurrency=1, timeout=TIMEOUT, rules=[])
    assert found["b"]["reachable"] and said in found["a"]["error"]["message"] and "credential" in found["a"]["error"]["message"]
    assert found["a"]["error"]["kind"] == "access" and "4711" not in str(found) and time.monotonic() - started < 10


def test_a_command_that_is_not_there(tmp_path: pathlib.Path) -> None:
    content = kubeconfig("https://h", "true", tmp_path)
    content["users"][0]["user"]["exec"]["command"] = "/nowhere/no-such-program"
    with pytest.raises(KubeError, match="no-such-program of the kubeconfig cannot be run"):
        method_of({"kubeconfig": content}).connect(5)
    content["users"][0]["user"]["exec"]["env"] = "no list"
    with pytest.raises(KubeError, match="cannot be read"):
        method_of({"kubeconfig": content}).connect(5)
