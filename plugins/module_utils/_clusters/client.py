# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to Kubernetes API servers: the options of kubernetes.core, one isolated client for each cluster.

Two traps are avoided here, both measured. kubernetes.core's own factory loads a kubeconfig into the client library's
process-wide default, so that a client built from host and token after one built from a kubeconfig inherits the first
one's CA, client certificate and verify setting: each client here is built from a configuration of its own. And with no
kubeconfig, context or host it falls back to whatever cluster is at hand: here that is an error.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import threading
import time
import typing as t
import urllib.parse

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: kubernetes.core.k8s_auth_options, as far as they say which cluster and how to reach it. The names are the same.
ACCESS_OPTIONS: dict[str, dict[str, t.Any]] = {
    "kubeconfig": {"type": "raw", "no_log": True},
    "context": {"type": "str"},
    "host": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
    "client_cert": {"type": "path", "aliases": ["cert_file"]},
    "client_key": {"type": "path", "aliases": ["key_file"], "no_log": False},
    "proxy": {"type": "str"},
    "no_proxy": {"type": "str"},
    "impersonate_user": {"type": "str"},
    "impersonate_groups": {"type": "list", "elements": "str"},
}

#: seconds to connect to an API server, and to wait for one answer
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 15.0

#: seconds between two renewals of a token after a 401: a token that is new and not accepted is a wrong one
_AT_LEAST = 30.0

MERGE_PATCH = "application/merge-patch+json"


class KubeError(Exception):
    """A request failed. ``kind`` is ``config``, ``unreachable`` or ``api``; ``hint`` says what to do."""

    def __init__(self, kind: str, message: str, *, status: int = 0, reason: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.reason = reason
        self.hint = hint

    @property
    def is_absent(self) -> bool:
        """Whether the server answered that there is no such object."""
        return self.status == 404


def missing_library() -> str | None:
    """Return the traceback of the failed import of the kubernetes library, None where it is there."""
    try:
        import kubernetes  # noqa: F401  pylint: disable=unused-import
    except ImportError:
        import traceback

        return traceback.format_exc()
    return None


def has_explicit_access(access: Mapping[str, t.Any]) -> bool:
    """Return whether the options name a cluster, instead of leaving it to the defaults of this machine."""
    return bool(access.get("kubeconfig") or access.get("context") or access.get("host"))


_KUBECONFIG_LOCK = threading.Lock()


@functools.lru_cache(maxsize=32)
def _read_kubeconfig(path: str) -> t.Any:
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KubeConfigMerger

    merged = KubeConfigMerger(path).config
    if merged is None:
        raise ConfigException("there is no such file")
    return merged


def _load_kubeconfig(access: Mapping[str, t.Any], configuration: t.Any) -> None:
    from kubernetes import config
    from kubernetes.config.config_exception import ConfigException
    from kubernetes.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, KubeConfigLoader

    kubeconfig, context = access.get("kubeconfig"), access.get("context")
    given = {"context": context, "client_configuration": configuration, "persist_config": bool(access.get("persist_config"))}
    try:
        if isinstance(kubeconfig, dict):
            config.load_kube_config_from_dict(kubeconfig, **given)
        elif given["persist_config"]:
            config.load_kube_config(config_file=os.path.expanduser(kubeconfig) if kubeconfig else None, **given)
        else:
            # Parsed once for all clusters of a file: one of a hundred contexts takes a tenth of a second.
            with _KUBECONFIG_LOCK:
                content = _read_kubeconfig(kubeconfig or KUBE_CONFIG_DEFAULT_LOCATION)
            KubeConfigLoader(config_dict=content, config_base_path=None, active_context=context).load_and_set(configuration)
    except (ConfigException, OSError) as error:
        where = kubeconfig if isinstance(kubeconfig, str) else "the kubeconfig"
        raise KubeError("config", f"kubeconfig {where}, context {context}: {error}", hint="Correct flyte_kubeconfig or flyte_kube_context.") from error


def _configuration(access: Mapping[str, t.Any]) -> t.Any:
    from kubernetes.client import Configuration

    # type.__call__: since version 12 calling the class itself returns a copy of the process-wide default.
    configuration = type.__call__(Configuration)
    if access.get("kubeconfig") or access.get("context"):
        _load_kubeconfig(access, configuration)
    if access.get("host"):
        configuration.host = access["host"].rstrip("/")
    if access.get("api_key"):
        configuration.api_key = {"authorization": f"Bearer {access['api_key']}"}
        configuration.refresh_api_key_hook = None
    for option, attribute in (
        ("username", "username"),
        ("password", "password"),
        ("validate_certs", "verify_ssl"),
        ("ca_cert", "ssl_ca_cert"),
        ("client_cert", "cert_file"),
        ("client_key", "key_file"),
        ("proxy", "proxy"),
        ("no_proxy", "no_proxy"),
    ):
        if access.get(option) is not None:
            setattr(configuration, attribute, access[option])
    if access.get("proxy_headers"):
        import urllib3

        configuration.proxy_headers = urllib3.util.make_headers(**{key: value for key, value in access["proxy_headers"].items() if value})
    return configuration


class Kube:
    """Requests to one API server. Objects are plain dicts."""

    def __init__(
        self,
        access: Mapping[str, t.Any],
        *,
        timeout: float = READ_TIMEOUT,
        ca_data: str | None = None,
        renew: Callable[[], str] | None = None,
        renew_after: float = float("inf"),
    ) -> None:
        """Make a client.

        :param ca_data: the CA certificate of the API server, PEM.
        :param renew: returns a new bearer token, for one that ends: called after a 401, and ``renew_after`` seconds.
        """
        if not has_explicit_access(access):
            raise KubeError(
                "config",
                "no explicit access to the cluster is given",
                hint="Set flyte_kube_context, flyte_kubeconfig, or flyte_kube_host with flyte_kube_api_key.",
            )
        from kubernetes.client.rest import RESTClientObject

        self._settings = _configuration(access)
        self._timeout = timeout
        self._renew, self._renew_after, self._renewed = renew, renew_after, time.monotonic()
        self._extra_headers = _impersonation(access)
        pool = RESTClientObject(self._settings).pool_manager
        if ca_data is not None:
            # urllib3 takes a CA as text: no file of it is ever written.
            pool.connection_pool_kw.update(ca_certs=None, ca_cert_data=ca_data)
        self._pool = pool

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return t.cast(str, self._settings.host)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "flyte.multicluster"}
        if self._settings.username and self._settings.password:
            headers["Authorization"] = self._settings.get_basic_auth_token()
        headers.update(self._extra_headers)
        bearer = self._settings.auth_settings().get("BearerToken")
        if bearer and bearer.get("value"):
            headers["Authorization"] = bearer["value"]
        return headers

    def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: t.Any = None, content_type: str = "application/json"
    ) -> t.Any:
        """Send one request and return the decoded answer.

        :raises KubeError: ``unreachable`` where no answer came, ``api`` for an answer that is an error.
        """
        import urllib3
        from urllib3.exceptions import HTTPError

        if self._renew and time.monotonic() - self._renewed > self._renew_after:
            self._renew_token()
        url = self.server + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = self._headers()
        encoded = None
        if body is not None:
            headers["Content-Type"] = content_type
            encoded = json.dumps(body).encode()
        timeout = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, self._timeout), read=self._timeout)
        try:
            # A connection that the server closed while it was idle is opened again; nothing else is repeated.
            answer = self._pool.request(method, url, body=encoded, headers=headers, timeout=timeout, retries=False, redirect=False)
        except (HTTPError, OSError, ValueError) as error:
            raise KubeError(
                "unreachable",
                f"{self.server} does not answer: {_short(error)}",
                hint="Check that the API server runs and can be reached from here, and its CA certificate.",
            ) from error
        if answer.status == 401 and self._renew and time.monotonic() - self._renewed > _AT_LEAST:
            self._renew_token()
            return self.request(method, path, query=query, body=body, content_type=content_type)
        if answer.status >= 300:
            raise _api_error(method, url, answer.status, answer.data)
        return _decoded(method, url, answer.data)

    def _renew_token(self) -> None:
        if self._renew:
            self._settings.api_key = {"authorization": f"Bearer {self._renew()}"}
            self._renewed = time.monotonic()

    def get(self, path: str, **query: str) -> t.Any:
        """Return an object or a list."""
        return self.request("GET", path, query=query)

    def find(self, path: str, **query: str) -> t.Any:
        """Return an object, or None where there is none."""
        try:
            return self.get(path, **query)
        except KubeError as error:
            if error.is_absent:
                return None
            raise

    def create(self, path: str, body: t.Any) -> t.Any:
        """Create an object."""
        return self.request("POST", path, body=body)

    def patch(self, path: str, body: t.Any) -> t.Any:
        """Merge a patch into an object: what the patch does not name stays."""
        return self.request("PATCH", path, body=body, content_type=MERGE_PATCH)

    def delete(self, path: str) -> None:
        """Delete an object; one that is absent is no error."""
        try:
            self.request("DELETE", path)
        except KubeError as error:
            if not error.is_absent:
                raise


def _decoded(method: str, url: str, data: bytes) -> t.Any:
    if not data:
        return None
    try:
        found = json.loads(data)
    except ValueError as error:
        raise _no_object(method, url) from error
    if not isinstance(found, dict):
        raise _no_object(method, url)
    return found


def _no_object(method: str, url: str) -> KubeError:
    hint = "Check that this is the API server itself: a proxy or a login page may stand in front of it."
    return KubeError("api", f"{method} {url}: the answer is no Kubernetes object", hint=hint)


def _impersonation(access: Mapping[str, t.Any]) -> dict[str, str]:
    headers = {"Impersonate-User": access["impersonate_user"]} if access.get("impersonate_user") else {}
    if access.get("impersonate_groups"):
        # urllib3 sends one header a name: the API server takes the groups of one header as one group.
        if len(access["impersonate_groups"]) > 1:
            raise KubeError("config", "more than one of impersonate_groups", hint="Only one group can be impersonated here.")
        headers["Impersonate-Group"] = access["impersonate_groups"][0]
    return headers


def _short(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    text = str(reason if isinstance(reason, Exception) else error)
    # urllib3 puts the connection object in front: "<urllib3.connection.HTTPSConnection object at 0x…>: Failed to …"
    return text.rpartition(">: ")[2] or text


def _api_error(method: str, url: str, status: int, data: bytes) -> KubeError:
    reason, message = "", data[:300].decode("utf-8", "replace")
    try:
        answer = json.loads(data)
        reason, message = answer.get("reason") or "", answer.get("message") or message
    except (ValueError, AttributeError):
        pass
    hints = {
        401: "The credentials are not accepted: the token may have been deleted or belong to another cluster.",
        403: "Grant this account the right that the message names.",
    }
    return KubeError("api", f"{method} {url}: {status} {reason}: {message}", status=status, reason=reason, hint=hints.get(status, ""))


def decode(secret: Mapping[str, t.Any] | None) -> dict[str, bytes]:
    """Return the decoded data of a Secret."""
    return {key: base64.b64decode(value) for key, value in ((secret or {}).get("data") or {}).items()}


def encode(value: str) -> str:
    """Return a value as a Secret's data hold it."""
    return base64.b64encode(value.encode()).decode()
