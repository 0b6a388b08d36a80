# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an API server is, who asks it and whom it is trusted by; and the connections that are made of it.

By urllib3 alone: the client library takes most of a second to be imported, in every process, and as long as a request for each cluster.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import functools
import ipaddress
import os
import re
import tempfile
import typing as t
import urllib.parse
import urllib.request

from .._common.explain import NOTES
from .errors import KubeError

if t.TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

_CERTIFICATE = re.compile(r"-----BEGIN [A-Z ]*CERTIFICATE-----[^-]*-----END [A-Z ]*CERTIFICATE-----")
#: of a CA that is blank: without any, this machine's own would be trusted
_NO_CERTIFICATE = "no CA certificate"
#: connections that are kept for the next request: a client may be used by several threads
_KEPT = 8


@dataclasses.dataclass
class Settings:
    """How one API server is reached. Secrets."""

    host: str = ""
    #: the header Authorization
    authorization: str | None = dataclasses.field(default=None, repr=False)
    username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    verify_ssl: bool = True
    #: a file with CA certificates, or they themselves as PEM; without both, this machine's
    ssl_ca_cert: str | None = None
    ca_data: str | None = None
    #: files of a client certificate and its key, or both as PEM
    cert_file: str | None = None
    key_file: str | None = None
    cert_data: bytes | None = dataclasses.field(default=None, repr=False)
    key_data: bytes | None = dataclasses.field(default=None, repr=False)
    tls_server_name: str | None = None
    proxy: str | None = dataclasses.field(default=None, repr=False)
    no_proxy: str | None = None
    proxy_headers: Mapping[str, str] | None = dataclasses.field(default=None, repr=False)

    @property
    def login(self) -> str | None:
        """The header that says who asks, None where nobody does."""
        if self.authorization:
            return self.authorization
        if self.username and self.password:
            return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
        return None

    @property
    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [text for text in ((self.authorization or "").rpartition(" ")[2], self.password) if text]

    def with_environment(self) -> Settings:
        """Take the proxy that the environment names, where nothing else does."""
        if self.proxy is None or self.no_proxy is None:
            found = urllib.request.getproxies()
            self.no_proxy = found.get("no") if self.no_proxy is None else self.no_proxy
            self.proxy = self.proxy or found.get(self.host.partition("://")[0]) or found.get("all")
        return self


class Connections:
    """The connections to one API server. They are opened when they are used."""

    def __init__(self, settings: Settings) -> None:
        """Refuse what no connection can be made with.

        :raises KubeError: of the kind ``config``.
        """
        self._settings = settings
        self._pool: t.Any = None
        proxy = settings.proxy if settings.proxy and not bypassed(settings.host, settings.no_proxy) else None
        try:
            self._manager = _manager(proxy, settings.proxy_headers)
        except Exception as error:
            NOTES.note(error)
            hint = "Check flyte_kube_proxy, or the kubeconfig's proxy-url: it has to be a URL, for example http://proxy:3128; one of SOCKS needs PySocks (pip)."
            raise KubeError("access", f"{settings.host}: no connection can be made with these options ({type(error).__name__})", hint=hint) from error
        # Without TLS a proxy gets the whole URL.
        self._whole_url = proxy is not None and settings.host.lower().startswith("http:")
        self._path = urllib.parse.urlsplit(settings.host).path

    def send(self, method: str, path: str, **options: t.Any) -> t.Any:
        """Send one request; return the answer, its content not yet read."""
        options |= {"retries": False, "redirect": False, "preload_content": False}
        if self._whole_url:
            return self._manager.request(method, self._settings.host + path, **options)
        if self._pool is None:
            self._pool = self._made()
        return self._pool.request(method, self._path + path, **options)

    def _made(self) -> t.Any:
        import urllib3

        settings, more = self._settings, dict[str, t.Any]()
        if settings.host.lower().startswith("https:"):
            context = tls_context(settings)
            more = {"ssl_context": context, "cert_reqs": context.verify_mode}
            more |= {"server_hostname": settings.tls_server_name} if settings.tls_server_name else {}
        if self._manager is not None:
            return self._manager.connection_from_url(settings.host, more)
        return urllib3.connection_from_url(settings.host, maxsize=_KEPT, **more)


def _manager(proxy: str | None, headers: Mapping[str, str] | None) -> t.Any:
    """Return what makes connections by a proxy, None where there is none."""
    import urllib3

    if proxy is None:
        return None
    if proxy.lower().startswith("socks"):
        from urllib3.contrib.socks import SOCKSProxyManager

        return SOCKSProxyManager(proxy, headers=headers, maxsize=_KEPT)
    return urllib3.ProxyManager(proxy, proxy_headers=headers, maxsize=_KEPT)


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Return what is trusted, and who asks, as Python's TLS takes it. What is wrong with a certificate is an OSError."""
    files = (settings.ssl_ca_cert, settings.cert_file, settings.key_file)
    return _context(settings.verify_ssl, (settings.ca_data, settings.cert_data, settings.key_data), files, tuple(map(_written, files)))


def _written(path: str | None) -> int:
    """Return when a file was written: a certificate may be renewed while a run waits."""
    try:
        return os.stat(path).st_mtime_ns if path else 0
    except (OSError, ValueError):
        return 0  # what is wrong with it, whoever reads it says


@functools.lru_cache(maxsize=1024)  # it costs as much as several requests, and the clusters of a kubeconfig may have the same
def _context(
    verify: bool, data: tuple[str | None, bytes | None, bytes | None], files: tuple[str | None, str | None, str | None], _stamps: tuple[int, ...]
) -> ssl.SSLContext:
    import ssl

    from urllib3.util.ssl_ import create_urllib3_context

    (ca_data, certificate_data, key_data), (ca_file, certificate_file, key_file) = data, files
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    with _named_pem("the CA certificate"):
        if ca_data is not None:
            context.load_verify_locations(cadata=_certificates(ca_data) or _NO_CERTIFICATE)
        elif ca_file:
            context.load_verify_locations(ca_file)
        elif verify:
            context.load_default_certs()
    with _as_file(certificate_data, certificate_file) as certificate, _as_file(key_data, key_file) as key:
        if certificate:
            # Without a password of the key: OpenSSL would ask for it on a terminal.
            with _named_pem("the client certificate, or its key,"):
                context.load_cert_chain(certificate, key, password=_no_password)
    return context


@contextlib.contextmanager
def _named_pem(what: str) -> Iterator[None]:
    """Say of what OpenSSL cannot read, or does not fit together, which it is."""
    import ssl

    try:
        yield
    except ssl.SSLError as error:
        raise OSError(f"{what} cannot be used ({error.reason or error}): it has to be PEM, and a key that of its certificate") from error


def _no_password() -> str:
    raise OSError("the key of the client certificate is encrypted")


@contextlib.contextmanager
def _as_file(data: bytes | None, path: str | None) -> Iterator[str | None]:
    """Give data as a file that is there for as long as it is read: Python takes a client's certificate and key in no other form."""
    if data is None:
        yield path
        return
    handle, name = tempfile.mkstemp(prefix="flyte-")
    try:
        with open(handle, "wb") as file:
            file.write(data)
        yield name
    finally:
        os.unlink(name)


def _certificates(text: str) -> str:
    """Return what Python takes as CA certificates: names in other letters may stand between them."""
    return text.strip() if text.isascii() else "\n".join(_CERTIFICATE.findall(text))


def bypassed(server: str, no_proxy: str | None) -> bool:
    """Return whether a server is reached beside the proxy."""
    parts = urllib.parse.urlsplit(server)
    host, place = (parts.hostname or "").lower(), parts.netloc.lower()
    for entry in ((no_proxy or "").lower().split(",") if host else ()):
        name = entry.strip().lstrip(".")
        if name and (name == "*" or _is_in(host, name) or any(own == name or own.endswith(f".{name}") for own in (host, place))):
            return True
    return not host


def _is_in(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
