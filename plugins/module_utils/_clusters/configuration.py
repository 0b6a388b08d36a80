# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one cluster is reached, from the options of kubernetes.core.

Two traps are avoided here, both measured. kubernetes.core's own factory loads a kubeconfig into the client library's
process-wide default, so that a client built from host and token after one built from a kubeconfig inherits the first
one's CA, client certificate and verify setting: each client here is built from settings of its own. And with no
kubeconfig, context or host it falls back to whatever cluster is at hand: here that is an error.
"""

from __future__ import annotations

import base64
import functools
import os
import sys
import threading
import typing as t
import urllib.parse

from .._common.explain import NOTES
from .._common.files import bytes_of, expanded
from .errors import KubeError, reading
from .exec_plugin import credential
from .settings import Settings

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_KUBECONFIG_LOCK = threading.Lock()
_CORRECT = "Correct flyte_kubeconfig or flyte_kube_context."


def has_explicit_access(access: Mapping[str, t.Any]) -> bool:
    """Return whether the options name a cluster, instead of leaving it to the defaults of this machine."""
    return bool(access.get("kubeconfig") or access.get("context") or access.get("host"))


def require_explicit_access(access: Mapping[str, t.Any]) -> None:
    """Refuse options that name no cluster.

    :raises KubeError: of the kind ``config``.
    """
    if not has_explicit_access(access):
        hint = "Set flyte_kube_context, flyte_kubeconfig, flyte_eks_cluster, or flyte_kube_host with flyte_kube_api_key."
        raise KubeError("config", "no explicit access to the cluster is given", hint=hint)


def default_location() -> str:
    """Return where this machine has its kubeconfig; several files may be named."""
    return os.environ.get("KUBECONFIG") or "~/.kube/config"


@functools.lru_cache(maxsize=32)
def _file_content(path: str) -> t.Any:
    """Return what a kubeconfig file says.

    Parsed by libyaml, not by the client library, which takes tenths of a second for a hundred contexts, as its import does.
    """
    import yaml

    return yaml.load(bytes_of(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@functools.lru_cache(maxsize=8)
def _merged_files(paths: str) -> t.Any:
    from kubernetes.config.kube_config import KubeConfigMerger

    return KubeConfigMerger(paths).config


def _loader(access: Mapping[str, t.Any]) -> t.Any:
    """Return what reads the context of a kubeconfig."""
    from kubernetes.config.kube_config import KubeConfigLoader

    kubeconfig, context = access.get("kubeconfig"), access.get("context")
    if isinstance(kubeconfig, dict):
        return KubeConfigLoader(config_dict=kubeconfig, config_base_path=None, active_context=context)
    where = kubeconfig or default_location()
    # Parsed once for all clusters of a file.
    with _KUBECONFIG_LOCK:
        if os.pathsep in where:
            return KubeConfigLoader(config_dict=_merged_files(where), config_base_path=None, active_context=context)
        content = _file_content(expanded(where))
    return KubeConfigLoader(config_dict=content, config_base_path=os.path.dirname(expanded(where)), active_context=context)


class _Fault(Exception):
    """A kubeconfig has not what it should have. The text quotes nothing but names."""


class _NoSuchContext(_Fault):
    """The context that the options name is not there."""


def _unreadable(access: Mapping[str, t.Any], error: Exception) -> KubeError:
    """Return the error of a kubeconfig: of the kind ``config`` where the options name what is not there, else that of one cluster's access."""
    NOTES.note(error)
    kubeconfig = access.get("kubeconfig")
    where = f"kubeconfig {kubeconfig}" if isinstance(kubeconfig, str) else "the kubeconfig"
    # A parser's text quotes the line that it does not understand, and a token may stand there.
    telling = isinstance(error, (_Fault, OSError)) or type(error).__name__ == "ConfigException"
    said = (getattr(error, "strerror", None) or str(error)) if telling else f"it cannot be read ({type(error).__name__})"
    if isinstance(error, FileNotFoundError):
        said = "there is no such file"
    kind = "config" if isinstance(error, (FileNotFoundError, _NoSuchContext)) else "access"
    context = f", context {access['context']}" if access.get("context") else ""
    return KubeError(kind, f"{where}{context}: {said}", hint=_CORRECT)


def _named(content: t.Any, section: str, name: t.Any) -> dict[str, t.Any]:
    """Return an entry of a kubeconfig. The keys of a section and of its entries are called alike."""
    if section == "contexts" and not name:
        raise _NoSuchContext("no context is chosen, and it has no current-context")
    found = [entry for entry in content.get(section) or [] if entry["name"] == name]
    if not found:
        raise (_NoSuchContext if section == "contexts" else _Fault)(f"none of its {section} has the name {name}")
    if len(found) > 1:
        raise _Fault(f"{len(found)} of its {section} have the name {name}")
    return _mapping(found[0][section.removesuffix("s")] or {}, f"{section.removesuffix('s')} {name}")


def _mapping(value: t.Any, what: str) -> dict[str, t.Any]:
    if not isinstance(value, dict):
        raise _Fault(f"its {what} is no mapping")
    return value


def _user(content: t.Any, name: t.Any) -> dict[str, t.Any]:
    found = _named(content, "users", name)
    for key in ("exec", "auth-provider"):
        _mapping(found.get(key) or {}, f"user {name}, {key},")
    return found


def context_of(access: Mapping[str, t.Any]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return the cluster and the user, empty where there is none, of the context that the options name. Secrets. For one kubeconfig, not several in one.

    :raises KubeError: there is no such file or context (of the kind ``config``), or it is none (``access``).
    """
    kubeconfig = access.get("kubeconfig")
    try:
        content = kubeconfig if isinstance(kubeconfig, dict) else _file_content(expanded(kubeconfig or default_location()))
        context = _named(content, "contexts", access.get("context") or content.get("current-context"))
        return _named(content, "clusters", context["cluster"]), _user(content, context["user"]) if context.get("user") else {}
    except Exception as error:
        raise _unreadable(access, error) from error


def exec_credential(access: Mapping[str, t.Any], timeout: float) -> dict[str, str]:
    """Return what the command of a kubeconfig's user printed, as a user has it; nothing where there is no command, or another token. Secrets.

    :raises KubeError: the kubeconfig cannot be read, or the command gives nothing.
    """
    if access.get("api_key"):
        return {}
    if _is_several(access):
        try:
            loader = _loader(access)
            user, cluster = (getattr(node, "value", None) or {} for node in (loader._user, loader._cluster))
            base = loader._get_base_path(loader._cluster.path)
        except Exception as error:
            raise _unreadable(access, error) from error
    else:
        cluster, user = context_of(access)
        base = _folder(access.get("kubeconfig"))
    plugin = user.get("exec")
    if not plugin:
        return {}
    with reading("the command of the kubeconfig's user", "Correct users[].user.exec there."):
        return credential(plugin, cluster, base, timeout)


def _with_user(loader: t.Any, found: Mapping[str, str]) -> t.Any:
    """Return a loader whose user has what the command printed in the place of the command. The kubeconfig, which others share, stays."""
    from kubernetes.config.kube_config import ConfigNode

    user = loader._user
    loader._user = ConfigNode(user.name, {**{key: value for key, value in user.value.items() if key != "exec"}, **found}, user.path)
    return loader


def _of_kubeconfig(access: Mapping[str, t.Any], user: Mapping[str, str] | None) -> Settings:
    """Return what a kubeconfig says."""
    kubeconfig = access.get("kubeconfig")
    try:
        if not _is_several(access):
            cluster, own = context_of(access)
            if not access.get("persist_config") and "auth-provider" not in own:
                return _read(cluster, {**{key: value for key, value in own.items() if key != "exec"}, **(user or {})}, _folder(kubeconfig))
        return _by_library(access, user)
    except KubeError:
        raise
    except Exception as error:
        raise _unreadable(access, error) from error


def _is_several(access: Mapping[str, t.Any]) -> bool:
    """Return whether several files are to be taken for one kubeconfig."""
    kubeconfig = access.get("kubeconfig")
    return not isinstance(kubeconfig, dict) and os.pathsep in str(kubeconfig or default_location())


def _folder(kubeconfig: t.Any) -> str:
    """Return what the files of a kubeconfig are relative to."""
    return "" if isinstance(kubeconfig, dict) else os.path.dirname(expanded(kubeconfig or default_location()))


def _read(cluster: Mapping[str, t.Any], user: Mapping[str, t.Any], folder: str) -> Settings:
    """Return what a cluster and a user of a kubeconfig say, as kubectl takes it."""
    found = Settings(host=str(cluster.get("server") or "").rstrip("/"))
    token = user.get("token") or _content(user, "tokenFile", folder)
    if token:
        if not isinstance(token, str):
            raise _Fault("the token of its user is no text")
        found.authorization = f"Bearer {token.strip()}"
    elif "username" in user and "password" in user:
        found.username, found.password = str(user["username"]), str(user["password"])
    if found.host.lower().startswith("https"):
        ca_data = _decoded(cluster, "certificate-authority-data")
        found.ca_data = ca_data.decode("utf-8", "replace") if ca_data else None
        found.ssl_ca_cert = None if ca_data else _file(cluster, "certificate-authority", folder)
        for name in ("cert", "key"):
            key = "client-certificate" if name == "cert" else "client-key"
            data = _decoded(user, f"{key}-data")
            setattr(found, f"{name}_data", data)
            setattr(found, f"{name}_file", None if data else _file(user, key, folder))
    skipped = cluster.get("insecure-skip-tls-verify") or False
    if not isinstance(skipped, bool):
        raise _Fault("insecure-skip-tls-verify is neither true nor false")
    if skipped and (cluster.get("certificate-authority") or cluster.get("certificate-authority-data")):
        raise _Fault("it has both insecure-skip-tls-verify and a certificate authority, of which Helm refuses one beside the other")
    found.verify_ssl = not skipped
    found.tls_server_name, found.proxy = cluster.get("tls-server-name") or None, cluster.get("proxy-url") or None
    return found


def _decoded(entry: Mapping[str, t.Any], key: str) -> bytes | None:
    return base64.standard_b64decode(entry[key]) if entry.get(key) else None


def _file(entry: Mapping[str, t.Any], key: str, folder: str) -> str | None:
    if not entry.get(key):
        return None
    path = os.path.normpath(os.path.join(folder, entry[key]))
    if not os.path.isfile(path):
        raise _Fault(f"{key}: there is no file {path}")
    return path


def _content(entry: Mapping[str, t.Any], key: str, folder: str) -> str | None:
    path = _file(entry, key, folder)
    return bytes_of(path).decode() if path else None


def _by_library(access: Mapping[str, t.Any], user: Mapping[str, str] | None) -> Settings:
    """Return what the client library makes of a kubeconfig that only it understands: several files in one, or a provider of tokens."""
    from kubernetes import config
    from kubernetes.client import Configuration

    # type.__call__: since version 12 calling the class itself returns a copy of the process-wide default.
    made = type.__call__(Configuration)
    kubeconfig, context = access.get("kubeconfig"), access.get("context")
    if access.get("persist_config") and not isinstance(kubeconfig, dict):
        path = os.path.expanduser(kubeconfig) if kubeconfig else None
        config.load_kube_config(config_file=path, context=context, client_configuration=made, persist_config=True)
    else:
        loader = _loader(access)
        (_with_user(loader, user) if user else loader).load_and_set(made)
    key = "BearerToken" if "BearerToken" in made.api_key else "authorization"  # its name before, in version 24
    found = Settings(host=made.host, authorization=made.get_api_key_with_prefix(key), verify_ssl=made.verify_ssl)
    for name in ("ssl_ca_cert", "cert_file", "key_file", "tls_server_name", "proxy"):
        setattr(found, name, getattr(made, name, None))
    return found


def forget_files() -> None:
    """Remove the files to which the client library wrote certificates and keys of kubeconfigs; connections that were made go on without them.

    It does so itself where Python exits, which a process of an Ansible task does not: it is ended.
    """
    clean = getattr(sys.modules.get("kubernetes.config.kube_config"), "_cleanup_temp_files", None)
    if clean is not None:
        clean()


def configuration_of(access: Mapping[str, t.Any], user: Mapping[str, str] | None = None) -> Settings:
    """Return how the API server is reached by these options alone.

    :param user: what the command of the kubeconfig's user printed.
    :raises KubeError: of the kind ``config``, or ``access`` where a kubeconfig is broken.
    """
    found = _of_kubeconfig(access, user) if access.get("kubeconfig") or access.get("context") else Settings()
    if access.get("host"):
        _check_server(access["host"])
        found.host = access["host"].rstrip("/")
    if access.get("api_key"):
        found.authorization = f"Bearer {access['api_key']}"
    attributes = {"username": "username", "password": "password", "validate_certs": "verify_ssl", "proxy": "proxy", "no_proxy": "no_proxy"}
    for option, attribute in attributes.items():
        if access.get(option) is not None:
            setattr(found, attribute, access[option])
    for option, file, data in (("ca_cert", "ssl_ca_cert", "ca_data"), ("client_cert", "cert_file", "cert_data"), ("client_key", "key_file", "key_data")):
        if access.get(option) is not None:
            setattr(found, file, expanded(access[option]))
            setattr(found, data, None)
    if access.get("proxy_headers"):
        import urllib3

        found.proxy_headers = urllib3.util.make_headers(**{key: value for key, value in access["proxy_headers"].items() if value})
    _check_server(found.host, "config" if access.get("host") else "access")
    return found.with_environment()


def _check_server(url: str, kind: str = "config") -> None:
    """Refuse a URL that cannot be asked, and one with a password: it is shown in errors and results.

    :param kind: of the error: what stands in a kubeconfig is that cluster's failure.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname)
        secret, _port = bool(parts.username or parts.password), parts.port
    except ValueError:
        usable, secret = False, False
    if secret:
        raise KubeError(kind, "the URL of the API server holds a user name or password", hint="Set flyte_kube_api_key instead.")
    if not usable:
        hint = "Set flyte_kube_host, or the context's server, to a URL, for example https://host:6443."
        raise KubeError(kind, "the address of the API server is no URL", hint=hint)
