# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is trusted and who asks, over TLS: what a kubeconfig says of it, in files and in itself, and the options that count more; and proxies."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import pathlib
import ssl
import tempfile
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.configuration import configuration_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.settings import Settings, bypassed, tls_context
from api_server import ApiServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Pair(t.NamedTuple):
    """A certificate and its key, as PEM, and as what signs others."""

    certificate: str
    key: str
    own: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def made(name: str, issuer: Pair | None = None) -> Pair:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.own[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    certificate = builder.sign(issuer.own[1] if issuer else key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode(), (certificate, key))


@pytest.fixture(scope="module", name="pki")
def _pki() -> dict[str, Pair]:
    authority = made("authority")
    return {"authority": authority, "server": made("api.example.com", authority), "client": made("client", authority), "other": made("other")}


@pytest.fixture(name="server")
def _server(pki: dict[str, Pair], tmp_path: pathlib.Path) -> t.Iterator[str]:
    """An API server that asks for a certificate."""
    (tmp_path / "server.pem").write_text(pki["server"].certificate + pki["server"].key, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(cadata=pki["authority"].certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with ApiServer({"/x": {"kind": "X"}}) as server:
        server._server.socket = context.wrap_socket(server._server.socket, server_side=True)
        yield server.url.replace("http://", "https://")


def data(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(server: str, cluster: dict[str, t.Any], **user: t.Any) -> dict[str, t.Any]:
    return {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "x", "user": user}],
    }


def test_certificates_of_a_kubeconfig_are_used_and_no_key_stays_in_a_file(
    server: str, pki: dict[str, Pair], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    client = {"client-certificate-data": data(pki["client"].certificate), "client-key-data": data(pki["client"].key)}
    given = kubeconfig(server, {"certificate-authority-data": data(pki["authority"].certificate)}, **client)
    assert Kube({"kubeconfig": given}, timeout=5).get("/x") == {"kind": "X"}
    assert not list((tmp_path / "scratch").iterdir())


def test_files_of_a_kubeconfig_are_relative_to_it(server: str, pki: dict[str, Pair], tmp_path: pathlib.Path) -> None:
    import yaml

    folder = tmp_path / "k"
    folder.mkdir()
    for name, text in (("ca.crt", pki["authority"].certificate), ("c.crt", pki["client"].certificate), ("c.key", pki["client"].key), ("token", "t\n")):
        (folder / name).write_text(text, encoding="utf-8")
    user = {"client-certificate": "c.crt", "client-key": "c.key", "tokenFile": "token"}
    (folder / "config").write_text(yaml.safe_dump(kubeconfig(server, {"certificate-authority": "ca.crt"}, **user)), encoding="utf-8")
    kube = Kube({"kubeconfig": str(folder / "config")}, timeout=5)
    assert kube.get("/x") == {"kind": "X"} and kube._authorization() == "Bearer t"
    (folder / "c.key").unlink()
    with pytest.raises(KubeError, match="client-key: there is no file") as caught:
        Kube({"kubeconfig": str(folder / "config")})
    assert caught.value.kind == "access"


def test_options_count_more_than_a_kubeconfig(server: str, pki: dict[str, Pair], tmp_path: pathlib.Path) -> None:
    for name, text in (("ca", pki["authority"].certificate), ("both", pki["client"].certificate + pki["client"].key)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    other = {"client-certificate-data": data(pki["other"].certificate), "client-key-data": data(pki["other"].key), "username": "u", "password": "p"}
    given = kubeconfig("https://127.0.0.1:1", {"certificate-authority-data": data(pki["other"].certificate)}, **other)
    more = {"ca_cert": str(tmp_path / "ca"), "client_cert": str(tmp_path / "both"), "client_key": str(tmp_path / "both"), "host": server}
    kube = Kube({"kubeconfig": given, **more}, timeout=5)
    assert kube.get("/x") == {"kind": "X"} and kube._authorization() == "Basic dTpw"


@pytest.mark.parametrize(
    ("cluster", "answers"),
    [
        ({"certificate-authority-data": "other"}, False),
        ({"certificate-authority-data": "authority", "tls-server-name": "elsewhere.example.com"}, False),
        ({"certificate-authority-data": "authority", "tls-server-name": "api.example.com"}, True),
        ({"insecure-skip-tls-verify": True}, True),
        ({}, False),
    ],
)
def test_who_is_trusted(server: str, pki: dict[str, Pair], cluster: dict[str, t.Any], answers: bool) -> None:
    given = {key: data(pki[value].certificate) if key.endswith("data") else value for key, value in cluster.items()}
    user = {"client-certificate-data": data(pki["client"].certificate), "client-key-data": data(pki["client"].key)}
    kube = Kube({"kubeconfig": kubeconfig(server, given, **user)}, timeout=5)
    if answers:
        assert kube.get("/x") == {"kind": "X"}
    else:
        with pytest.raises(KubeError, match="does not answer: .*(certificate verify failed|CERTIFICATE)"):
            kube.get("/x")


def test_a_key_that_does_not_belong_to_its_certificate_is_that_clusters_failure(server: str, pki: dict[str, Pair]) -> None:
    user = {"client-certificate-data": data(pki["client"].certificate), "client-key-data": data(pki["other"].key)}
    with pytest.raises(KubeError) as caught:
        Kube({"kubeconfig": kubeconfig(server, {"insecure-skip-tls-verify": True}, **user)}, timeout=5).get("/x")
    assert caught.value.kind == "unreachable"


def test_the_proxy_is_the_options_the_kubeconfigs_or_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    host = "https://api.example.com"
    assert configuration_of({"host": host}).proxy is None
    monkeypatch.setenv("HTTPS_PROXY", "http://of-environment:1")
    monkeypatch.setenv("NO_PROXY", ".example.org")
    of_kubeconfig = kubeconfig(host, {"proxy-url": "http://of-kubeconfig:1"})
    found = [configuration_of(access) for access in ({"host": host}, {"kubeconfig": of_kubeconfig}, {"kubeconfig": of_kubeconfig, "proxy": "http://own:1"})]
    assert [entry.proxy for entry in found] == ["http://of-environment:1", "http://of-kubeconfig:1", "http://own:1"]
    assert {entry.no_proxy for entry in found} == {".example.org"}


def test_without_tls_a_proxy_gets_the_whole_url() -> None:
    with ApiServer({"http://api.example.com/base/x": {"kind": "X"}}) as proxy:
        kube = Kube({"host": "http://api.example.com/base", "api_key": "t", "proxy": proxy.url, "no_proxy": "example.org"}, timeout=5)
        assert kube.get("/x") == {"kind": "X"}


def test_a_path_of_the_server_stands_before_all_others() -> None:
    with ApiServer({"/k8s/clusters/c-1/x?a=b": {"kind": "X"}}) as server:
        assert Kube({"host": f"{server.url}/k8s/clusters/c-1/", "api_key": "t"}, timeout=5).get("/x", a="b") == {"kind": "X"}


@pytest.mark.parametrize(
    ("server", "rules", "beside"),
    [
        ("https://api.example.com", "example.com", True),
        ("https://api.example.com", ".example.com, other", True),
        ("https://apiexample.com", "example.com", False),
        ("https://api.example.com:6443", "api.example.com:6443", True),
        ("https://10.1.2.3:6443", "10.0.0.0/8", True),
        ("https://10.1.2.3", "11.0.0.0/8,,", False),
        ("https://anything", "*", True),
        ("https://anything", None, False),
    ],
)
def test_beside_a_proxy(server: str, rules: str | None, beside: bool) -> None:
    assert bypassed(server, rules) is beside


def test_what_is_secret_is_in_no_text_of_the_settings() -> None:
    shown = repr(Settings(host="https://h", authorization="Bearer hush", password="hush", key_data=b"hush", proxy="http://u:hush@p"))
    assert "hush" not in shown and "https://h" in shown


def test_clusters_that_trust_the_same_share_what_is_read_of_it_until_a_file_is_renewed(pki: dict[str, Pair], tmp_path: pathlib.Path) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_text(pki["authority"].certificate, encoding="utf-8")
    of_file, of_data = Settings("https://a", ssl_ca_cert=str(ca)), Settings("https://b", ca_data=pki["authority"].certificate)
    first = tls_context(of_file)
    assert tls_context(Settings("https://c", ssl_ca_cert=str(ca))) is first and tls_context(of_data) is not first
    assert tls_context(Settings("https://a", ssl_ca_cert=str(ca), verify_ssl=False)) is not first
    os.utime(ca, ns=(1, 1))
    assert tls_context(of_file) is not first
    ca.write_text("none", encoding="utf-8")
    for _again in range(2):
        with pytest.raises(OSError, match="the CA certificate cannot be used"):
            tls_context(of_file)
