# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How clusters are reached: which method counts, what is refused before, what Helm gets."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import access as _access
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import eks as _eks
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import openshift as _openshift
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.access import Eks, Kubeconfig, OpenShift, Token, method_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import KubeError
from api_server import ApiServer

EKS = {"cluster": "flyte-1", "region": "us-east-2", "secret_key": "aws-secret"}
LOGIN = {"host": "https://api:6443", "username": "me", "password": "pass-word", "openshift": True}


def kubeconfig(**user: t.Any) -> dict[str, t.Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "contexts": [{"name": name, "context": {"cluster": "c", "user": name}} for name in ("one", "two")],
        "clusters": [{"name": "c", "cluster": {"server": "https://api:6443"}}],
        "users": [{"name": "one", "user": user}, {"name": "two", "user": {"token": "of-two"}}],
    }


@pytest.fixture(name="file")
def _file(tmp_path: pathlib.Path) -> t.Callable[..., str]:
    def write(content: t.Any = None) -> str:
        path = tmp_path / "kubeconfig"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content or kubeconfig(token="of-one")), encoding="utf-8")
        _clear()
        return str(path)

    return write


def _clear() -> None:
    from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import configuration

    configuration._file_content.cache_clear()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_eks, "described", lambda eks: ("https://eks", "-----BEGIN CERTIFICATE-----"))
    monkeypatch.setattr(_eks, "token", lambda eks: "eks-token")
    monkeypatch.setattr(_openshift, "login", lambda host, username, password, verify, timeout, *, proxy: f"token of {username} {verify} {proxy}")


@pytest.mark.parametrize(
    ("options", "method"),
    [
        ({"kubeconfig": "x", "host": "https://h", "eks": EKS}, Kubeconfig),
        ({"context": "x", "openshift": True}, Kubeconfig),
        ({"host": "https://h", "eks": EKS, "username": "me"}, Token),
        ({"eks": EKS}, Eks),
        ({"eks": EKS, "openshift": True}, Eks),
        (LOGIN, OpenShift),
        ({**LOGIN, "api_key": "t"}, Token),
        ({**LOGIN, "openshift": False}, Token),
        ({}, Token),
    ],
)
def test_which_method_counts(options: dict[str, t.Any], method: type[_access.Access]) -> None:
    found = method_of({"name": "dataplane_1", "namespace": "flyte", **options})
    assert found.__class__ is method


@pytest.mark.parametrize(
    ("options", "said", "hint"),
    [
        ({}, "no explicit access", "flyte_kube_context, flyte_kubeconfig, flyte_eks_cluster"),
        ({"api_key": "t"}, "no explicit access", "flyte_kube_host"),
        ({"host": "https://h", "ca_cert": "/nowhere.pem"}, "flyte_kube_ca_cert: there is no file /nowhere.pem", "flyte_kube_ca_cert"),
        ({"kubeconfig": "/nowhere"}, "kubeconfig /nowhere: there is no such file", "flyte_kubeconfig"),
        ({"kubeconfig": kubeconfig(), "context": "three"}, "context three: none of its contexts has the name three", "flyte_kube_context"),
        ({"kubeconfig": {"users": "x"}}, "kubeconfig", "flyte_kubeconfig"),
        ({**LOGIN, "password": ""}, "needs flyte_kube_password", "flyte_kube_api_key"),
        ({**LOGIN, "host": ""}, "needs flyte_kube_host", "flyte_kube_host"),
        ({"eks": EKS, "api_key": "t"}, "flyte_kube_api_key cannot be used with access through EKS", "Leave out flyte_kube_api_key"),
        ({"eks": {"cluster": ""}}, "no name", "flyte_eks_cluster"),
    ],
)
def test_what_cannot_work_is_refused_without_asking_anybody(options: dict[str, t.Any], said: str, hint: str) -> None:
    with pytest.raises(KubeError) as caught:
        method_of(options).validate()
    assert caught.value.kind == "config" and said in caught.value.message and hint in caught.value.hint


def test_a_kubeconfig_is_checked_without_showing_what_stands_in_it(file: t.Callable[..., str]) -> None:
    for text in ("users: [{token: secret-4711\n", "\x00secret-4711", "- secret-4711", "contexts: secret-4711\ncurrent-context: x"):
        path = file(text)
        with pytest.raises(KubeError) as caught:
            method_of({"kubeconfig": path}).validate()
        assert caught.value.kind == "access" and path in caught.value.message and "secret-4711" not in caught.value.message + caught.value.hint
    for user in ({"user": "secret-4711"}, {"user": {"exec": "secret-4711"}}, {"user": {"auth-provider": ["secret-4711"]}}):
        odd = {**kubeconfig(), "users": [{"name": "one", **user}, {"name": "two", **user}]}
        with pytest.raises(KubeError) as caught:
            method_of({"kubeconfig": odd}).validate()
        assert caught.value.kind == "access" and "is no mapping" in caught.value.message and "4711" not in caught.value.message
        assert not method_of({"kubeconfig": odd}).helm_problem()
    pathlib.Path(path).write_bytes(b"\xff\xfe\x00secret")
    _clear()
    with pytest.raises(KubeError, match="cannot be read"):
        method_of({"kubeconfig": path}).validate()


# -- what Helm gets


def helm(**options: t.Any) -> dict[str, t.Any]:
    return method_of(options).for_helm()


def parts(given: dict[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return the cluster and the user of the only context."""
    config = given["kubeconfig"]
    context = next(entry["context"] for entry in config["contexts"] if entry["name"] == config["current-context"])
    cluster = next(entry["cluster"] for entry in config["clusters"] if entry["name"] == context["cluster"])
    return cluster, next(entry["user"] for entry in config["users"] if entry["name"] == context["user"])


@pytest.fixture(name="files")
def _files(tmp_path: pathlib.Path) -> dict[str, str]:
    for name in ("ca.pem", "client.pem", "key.pem"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    return {"ca_cert": f"{tmp_path}/ca.pem", "client_cert": f"{tmp_path}/client.pem", "client_key": f"{tmp_path}/key.pem"}


def test_an_address_for_helm(files: dict[str, str]) -> None:
    given = helm(host="https://h:6443", api_key="the-secret", proxy="http://proxy:3128", impersonate_user="x", impersonate_groups=["g"], **files)
    cluster, user = parts(given)
    assert cluster == {"server": "https://h:6443", "certificate-authority": files["ca_cert"], "proxy-url": "http://proxy:3128"}
    assert user == {"client-certificate": files["client_cert"], "client-key": files["client_key"], "as": "x", "as-groups": ["g"]}
    assert set(given) == {"kubeconfig", "api_key"} and given["api_key"] == "the-secret" and "the-secret" not in json.dumps(given["kubeconfig"])


def test_helm_takes_no_ca_where_none_is_verified(files: dict[str, str]) -> None:
    cluster, user = parts(helm(host="https://h", api_key="t", validate_certs=False, ca_cert=files["ca_cert"], client_cert=files["client_cert"]))
    assert cluster == {"server": "https://h", "insecure-skip-tls-verify": True}
    assert user == {"client-certificate": files["client_cert"], "client-key": files["client_cert"]}


def test_paths_for_helm_are_absolute(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(pathlib.Path(files["ca_cert"]).parent)
    monkeypatch.setenv("HOME", folder)
    assert parts(helm(host="https://h", api_key="t", ca_cert="~/ca.pem"))[0]["certificate-authority"] == files["ca_cert"]
    monkeypatch.chdir(folder)
    assert parts(helm(host="https://h", api_key="t", ca_cert="ca.pem"))[0]["certificate-authority"] == files["ca_cert"]


def test_a_host_beside_the_proxy_is_reached_beside_it() -> None:
    assert "proxy-url" not in parts(helm(host="https://h", api_key="t", proxy="http://proxy", no_proxy="h,x"))[0]
    assert "proxy-url" in parts(helm(host="https://h", api_key="t", proxy="http://proxy", no_proxy="x"))[0]


def test_eks_for_helm(files: dict[str, str]) -> None:
    given = helm(eks=EKS, proxy="http://proxy")
    assert given["api_key"] == "eks-token" and parts(given)[0]["proxy-url"] == "http://proxy"
    assert parts(given)[0]["server"] == "https://eks" and parts(given)[0]["certificate-authority-data"].startswith("LS0tLS1CRUdJTi")
    assert "eks-token" not in json.dumps(given["kubeconfig"]) and "aws-secret" not in json.dumps(given)
    assert "certificate-authority-data" not in parts(helm(eks=EKS, ca_cert=files["ca_cert"]))[0]


def test_openshift_for_helm(files: dict[str, str]) -> None:
    given = helm(**LOGIN, ca_cert=files["ca_cert"])
    assert given["api_key"] == f"token of me {files['ca_cert']} None"
    assert "pass-word" not in json.dumps(given) and "token of" not in json.dumps(given["kubeconfig"])
    assert helm(**LOGIN, validate_certs=False, proxy="http://p")["api_key"] == "token of me False http://p"


def test_a_kubeconfig_for_helm(file: t.Callable[..., str], files: dict[str, str]) -> None:
    path = file()
    assert helm(kubeconfig=path, context="two") == {"kubeconfig": path, "context": "two"}
    assert helm(kubeconfig=path, context="two", api_key="t", host="https://other") == {
        "kubeconfig": path,
        "context": "two",
        "api_key": "t",
        "host": "https://other",
    }
    assert helm(kubeconfig=path, ca_cert=files["ca_cert"], validate_certs=False) == {
        "kubeconfig": path,
        "ca_cert": files["ca_cert"],
        "validate_certs": False,
    }
    # It says the same as the kubeconfig: Helm need not be told.
    assert helm(kubeconfig=path, context="two", validate_certs=True) == {"kubeconfig": path, "context": "two"}


def test_a_token_in_a_given_kubeconfig_is_not_written_to_a_file() -> None:
    given = helm(kubeconfig=kubeconfig(token="of-one"))
    assert given["api_key"] == "of-one" and "of-one" not in json.dumps(given["kubeconfig"]) and "of-two" not in json.dumps(given["kubeconfig"])
    assert helm(kubeconfig=kubeconfig(token="of-one"), context="two")["api_key"] == "of-two"
    assert helm(kubeconfig=kubeconfig(token="of-one"), api_key="mine")["api_key"] == "mine"
    assert "api_key" not in helm(kubeconfig=kubeconfig(**{"client-certificate": "/x"}))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "https://h", "username": "me", "password": "secret-4711"}, "flyte_kube_api_key, or flyte_openshift: true"),
        ({"kubeconfig": kubeconfig(), "username": "me", "password": "secret-4711"}, "flyte_kube_api_key, or flyte_openshift: true"),
        ({"kubeconfig": kubeconfig(), "proxy": "http://p"}, "flyte_kube_proxy besides a kubeconfig"),
        ({"kubeconfig": kubeconfig(), "impersonate_user": "x"}, "impersonate_user besides a kubeconfig"),
        ({"kubeconfig": kubeconfig(), "context": "one", "validate_certs": False}, "flyte_kube_validate_certs besides a kubeconfig"),
        ({"host": "https://h", "proxy": "http://me:secret-4711@p"}, "flyte_kube_proxy holds a password"),
        ({"eks": EKS, "proxy": "http://me:secret-4711@p"}, "flyte_kube_proxy holds a password"),
        ({**LOGIN, "proxy_headers": {"basic_auth": "secret-4711"}}, "proxy_headers"),
    ],
)
def test_what_helm_cannot_be_given_is_refused(options: dict[str, t.Any], said: str) -> None:
    method = method_of(options)
    method.validate()
    assert said in str(method.helm_problem()) and "secret-4711" not in str(method.helm_problem())
    with pytest.raises(KubeError, match="Helm|Kubernetes|flyte") as caught:
        method.for_helm()
    assert caught.value.kind == "config"


def test_a_kubeconfig_that_helm_would_not_find_its_files_by_is_refused(file: t.Callable[..., str], files: dict[str, str]) -> None:
    for user, name in (({"client-certificate": "c.pem"}, "c.pem"), ({"tokenFile": "t"}, "t"), ({"exec": {"command": "./bin/get-token"}}, "./bin/get-token")):
        assert name in str(method_of({"kubeconfig": file(kubeconfig(**user))}).helm_problem())
    assert method_of({"kubeconfig": file(kubeconfig(exec={"command": "aws", "args": []}))}).helm_problem() is None
    path = file()
    assert "several kubeconfigs" in str(method_of({"kubeconfig": f"{path}:{path}"}).helm_problem())
    assert "flyte_kube_ca_cert" in str(method_of({"kubeconfig": path, "context": "one", "ca_cert": files["ca_cert"]}).helm_problem())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kubeconfig": "/nowhere", "context": "x", "validate_certs": True},
        {"kubeconfig": 7},
        {"kubeconfig": kubeconfig(), "context": "three", "validate_certs": False},
        {"eks": {}},
        {"openshift": True, "username": "me"},
        {"host": "https://[::1", "proxy": "http://[::1"},
    ],
)
def test_what_cannot_work_at_all_is_no_problem_of_helm(options: dict[str, t.Any]) -> None:
    """All clusters are asked for it before anything is done: one that is broken must not end that."""
    assert method_of(options).helm_problem() is None


# -- connecting


def test_a_login_to_openshift_is_repeated_once_its_token_is_not_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def login(*_given: t.Any, **_more: t.Any) -> str:
        made.append(f"token-{len(made)}")
        return made[-1]

    monkeypatch.setattr(_openshift, "login", login)
    with ApiServer({"/x": lambda headers: {} if headers["authorization"] == "Bearer token-1" else 401}) as server:
        kube = method_of({**LOGIN, "host": server.url}).connect(5)
        assert kube.get("/x") == {} and made == ["token-0", "token-1"]
    assert "pass-word" not in str(vars(kube))


def test_a_token_for_eks_is_renewed_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import client

    now, made = [0.0], []

    def token(_eks_options: t.Any) -> str:
        made.append(now[0])
        return f"token-{len(made)}"

    monkeypatch.setattr(client, "_clock", lambda: now[0])
    monkeypatch.setattr(_eks, "token", token)
    with ApiServer({"/x": {}}) as server:
        monkeypatch.setattr(_eks, "described", lambda eks: (server.url, "ca"))
        kube = method_of({"eks": EKS}).connect(5)
        for minutes in range(0, 181):
            now[0] = minutes * 60.0
            kube.get("/x")
            assert now[0] - made[-1] < 14 * 60
    assert 13 <= len(made) <= 15


def test_nothing_of_an_access_shows_in_its_text() -> None:
    for options in ({"host": "https://h", "api_key": "secret-4711"}, {**LOGIN, "password": "secret-4711"}, {"eks": {**EKS, "secret_key": "secret-4711"}}):
        assert "secret-4711" not in repr(method_of(options))
