# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cluster is reached: one class a method. ``validate`` asks nobody; ``connect`` is called in the thread that uses the cluster.

A method is chosen by the options of a cluster: those of kubernetes.core, and ``eks`` or ``openshift``. What it takes works for
Helm too (``for_helm``), or ``helm_problem`` says why not. Words of the inventory are in every hint.
"""

from __future__ import annotations

import abc
import copy
import os
import typing as t

from .._common.files import expanded
from .client import Kube
from .configuration import context_of, default_location, exec_credential, has_explicit_access, require_explicit_access
from .errors import KubeError, reading
from .helm_access import has_password, kubeconfig_for, relative_files, without_token

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
#: an EKS cluster, and how AWS is asked: the names are amazon.aws'
EKS_OPTIONS: dict[str, dict[str, t.Any]] = {
    "cluster": {"type": "str", "required": True},
    "region": {"type": "str"},
    "assume_role_arn": {"type": "str"},
    "profile": {"type": "str"},
    "endpoint_url": {"type": "str"},
    "access_key": {"type": "str", "no_log": False},
    "secret_key": {"type": "str", "no_log": True},
    "session_token": {"type": "str", "no_log": True},
}
METHOD_OPTIONS: dict[str, dict[str, t.Any]] = {
    "eks": {"type": "dict", "options": EKS_OPTIONS},
    "openshift": {"type": "bool", "default": False},
}
#: of kubernetes.core, for one cluster alone
_HEADERS = {"proxy_basic_auth": {"type": "str", "no_log": True}, "basic_auth": {"type": "str", "no_log": True}, "user_agent": {"type": "str"}}
_MORE_OPTIONS: dict[str, dict[str, t.Any]] = {"persist_config": {"type": "bool"}, "proxy_headers": {"type": "dict", "options": _HEADERS}}
#: EKS accepts a token for 15 minutes; renewed at this age, none is older than 14 when it is sent
EKS_TOKEN_SECONDS = 13 * 60.0

_CONNECTION = ("validate_certs", "ca_cert", "proxy", "no_proxy", "proxy_headers", "impersonate_user", "impersonate_groups")
_CLIENT_CERTIFICATE = ("client_cert", "client_key")
#: of every method: they say something of other methods, or of other tools, only
_IGNORED = ("eks", "openshift", "persist_config")
_NO_BASIC = (
    "flyte_kube_username and flyte_kube_password: Kubernetes has no basic authentication any more, and Helm takes none: use flyte_kube_api_key, or "
    "flyte_openshift: true"
)


def access_options() -> dict[str, t.Any]:
    """Return the options that say how one cluster of a list is reached."""
    return copy.deepcopy({**ACCESS_OPTIONS, **METHOD_OPTIONS})


def single_access_options() -> dict[str, t.Any]:
    """Return the options of a module that looks into one cluster: those of kubernetes.core.k8s_auth_options, and the methods of ours."""
    return copy.deepcopy({**ACCESS_OPTIONS, **_MORE_OPTIONS, **METHOD_OPTIONS})


def access_of(cluster: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the access options of an element of ``clusters``."""
    return {option: cluster[option] for option in (*ACCESS_OPTIONS, *METHOD_OPTIONS) if cluster.get(option) is not None}


def _variable(option: str) -> str:
    """Return the inventory's word for an option, where it has one."""
    if option in ("no_proxy", "proxy_headers", "impersonate_user", "impersonate_groups"):
        return option
    return {"kubeconfig": "flyte_kubeconfig", "eks": "flyte_eks_cluster", "openshift": "flyte_openshift"}.get(option, f"flyte_kube_{option}")


def _variables(options: t.Iterable[str]) -> str:
    return ", ".join(_variable(option) for option in options)


class Access(abc.ABC):
    """A way to reach a cluster. Its options may be secrets."""

    #: the options that it takes
    OPTIONS: t.ClassVar[tuple[str, ...]]
    #: what it is called
    NAME: t.ClassVar[str]

    def __init__(self, options: Mapping[str, t.Any]) -> None:
        known = (*ACCESS_OPTIONS, *METHOD_OPTIONS, *_MORE_OPTIONS)
        given = {option: options.get(option) for option in known}
        self.options: dict[str, t.Any] = {option: value for option, value in given.items() if value is not None and (value or value is False)}

    def validate(self) -> None:
        """Refuse what cannot work, without asking anybody.

        :raises KubeError: of the kind ``config``.
        """
        extra = [option for option in self.options if option not in (*self.OPTIONS, *_IGNORED)]
        if extra:
            raise KubeError("config", f"{_variables(extra)} cannot be used with {self.NAME}", hint=f"Leave out {_variables(extra)}, or reach it otherwise.")
        for option in ("ca_cert", *_CLIENT_CERTIFICATE):
            path = self.options.get(option)
            if path and not os.path.isfile(expanded(path)):
                raise KubeError("config", f"{_variable(option)}: there is no file {path}", hint=f"Correct {_variable(option)}.")
        self._check()

    @abc.abstractmethod
    def _check(self) -> None:
        """Refuse what is particular to this method."""

    def helm_problem(self) -> str | None:
        """Return why Helm cannot be given this access, None where it can. It raises nothing: what cannot work at all, ``validate`` says."""
        if has_password(self.options.get("proxy")):
            return "flyte_kube_proxy holds a password, which would be written to a file for Helm: use a proxy without, or HTTPS_PROXY"
        if self.options.get("proxy_headers"):
            return "Helm takes no headers for a proxy: leave out proxy_headers"
        return None

    @abc.abstractmethod
    def connect(self, timeout: float) -> Kube:
        """Return a client of the cluster.

        :raises KubeError: what is needed for it cannot be had.
        """

    def for_helm(self) -> dict[str, t.Any]:
        """Return the options of kubernetes.core.helm. A kubeconfig that is made here holds no secret: it is written to a file there.

        :raises KubeError: Helm cannot be given this access, or what is needed for it cannot be had.
        """
        self.validate()
        problem = self.helm_problem()
        if problem:
            raise KubeError("config", problem, hint="Helm has to reach the cluster in the same way.")
        return self._for_helm()

    @abc.abstractmethod
    def _for_helm(self) -> dict[str, t.Any]: ...


class Kubeconfig(Access):
    """A kubeconfig, or a context of this machine's own; other options count more than what it says."""

    NAME = "a kubeconfig"
    OPTIONS = ("kubeconfig", "context", "host", "api_key", "username", "password", *_CONNECTION, *_CLIENT_CERTIFICATE)
    #: what kubernetes.core.helm has no option for
    _NOT_FOR_HELM = ("proxy", "no_proxy", "proxy_headers", "impersonate_user", "impersonate_groups", *_CLIENT_CERTIFICATE)

    def _check(self) -> None:
        if not self._names_several():
            context_of(self.options)

    def _names_several(self) -> bool:
        """Return whether several kubeconfigs are to be taken for one."""
        kubeconfig = self.options.get("kubeconfig") or default_location()
        return isinstance(kubeconfig, str) and os.pathsep in kubeconfig

    def connect(self, timeout: float) -> Kube:
        self.validate()
        user = exec_credential(self.options, timeout)
        if "token" not in user:
            return Kube(self.options, timeout=timeout, user=user)
        access = {**self.options, "api_key": user["token"]}
        return Kube(access, timeout=timeout, user=user, renew=lambda: exec_credential(self.options, timeout).get("token", ""))

    def helm_problem(self) -> str | None:
        options = self.options
        if self._names_several():
            return "flyte_kubeconfig: Helm cannot be given several kubeconfigs in one: make one of them (kubectl config view --flatten)"
        if (options.get("username") or options.get("password")) and not options.get("api_key"):
            return _NO_BASIC
        extra = [option for option in self._NOT_FOR_HELM if options.get(option)]
        # kubernetes.core.helm takes neither together with a context.
        extra += [option for option in ("ca_cert", "validate_certs") if option in options and options.get("context") and self._says_more(option)]
        if extra:
            return f"Helm cannot be given {_variables(extra)} besides a kubeconfig: write that into the kubeconfig"
        relative = self._relative_files() if isinstance(options.get("kubeconfig"), str) else []
        if relative:
            return f"Helm gets a copy of the kubeconfig, where {', '.join(relative)} cannot be found: write absolute paths into it"
        return None

    def _relative_files(self) -> list[str]:
        try:
            return relative_files(*context_of(self.options))
        except KubeError:
            return []  # connect says it

    def _says_more(self, option: str) -> bool:
        """Return whether the option is another one than the kubeconfig's."""
        if option != "validate_certs":
            return True
        try:
            skipped = bool(context_of(self.options)[0].get("insecure-skip-tls-verify"))
        except KubeError:
            return False  # connect says it
        return bool(self.options["validate_certs"]) == skipped

    def _for_helm(self) -> dict[str, t.Any]:
        taken = ("kubeconfig", "context", "host", "api_key", "ca_cert")
        found: dict[str, t.Any] = {option: self.options[option] for option in taken if option in self.options}
        if self.options.get("validate_certs") is False and "context" not in found:
            found["validate_certs"] = False
        if isinstance(found.get("kubeconfig"), dict):
            found["kubeconfig"], token = without_token(found["kubeconfig"], found.get("context"))
            found |= {"api_key": token} if token and "api_key" not in found else {}
        return found


class Token(Access):
    """The address of the API server, with a token or a client certificate."""

    NAME = "flyte_kube_host"
    OPTIONS = ("host", "api_key", "username", "password", *_CONNECTION, *_CLIENT_CERTIFICATE)

    def _check(self) -> None:
        require_explicit_access(self.options)

    def connect(self, timeout: float) -> Kube:
        self.validate()
        return Kube(self.options, timeout=timeout)

    def helm_problem(self) -> str | None:
        if (self.options.get("username") or self.options.get("password")) and not self.options.get("api_key"):
            return _NO_BASIC
        return super().helm_problem()

    def _for_helm(self) -> dict[str, t.Any]:
        token = self.options.get("api_key")
        return {"kubeconfig": kubeconfig_for(self.options["host"], self.options), **({"api_key": token} if token else {})}


class OpenShift(Access):
    """User name and password, which are exchanged for a token as ``oc login`` does: OpenShift's API server does not take them."""

    NAME = "flyte_openshift"
    OPTIONS = ("host", "username", "password", *_CONNECTION, *_CLIENT_CERTIFICATE)

    def _check(self) -> None:
        missing = [option for option in ("host", "username", "password") if not self.options.get(option)]
        if missing:
            raise KubeError("config", f"the login to OpenShift needs {_variables(missing)}", hint=f"Set {_variables(missing)}, or flyte_kube_api_key.")

    def _login(self, timeout: float) -> str:
        from .openshift import login

        options = self.options
        verify: bool | str = expanded(options["ca_cert"]) if options.get("ca_cert") else True
        if options.get("validate_certs") is False:
            verify = False
        return login(options["host"], options["username"], options["password"], verify, timeout, proxy=options.get("proxy"))

    def connect(self, timeout: float) -> Kube:
        self.validate()
        kept = {option: value for option, value in self.options.items() if option not in ("username", "password")}
        return Kube({**kept, "api_key": self._login(timeout)}, timeout=timeout, renew=lambda: self._login(timeout))

    def _for_helm(self) -> dict[str, t.Any]:
        return {"kubeconfig": kubeconfig_for(self.options["host"], self.options), "api_key": self._login(15.0)}


class Eks(Access):
    """The name of an EKS cluster: endpoint and CA from EKS, a token made in memory and renewed before it ends."""

    NAME = "access through EKS"
    OPTIONS = _CONNECTION

    def _check(self) -> None:
        if not self.options["eks"].get("cluster"):
            raise KubeError("config", "the EKS cluster has no name", hint="Set flyte_eks_cluster.")

    def _asked(self) -> tuple[str, str, Callable[[], str]]:
        """Return the endpoint, the CA certificate, and what makes a token."""
        from .eks import described, token

        eks = self.options["eks"]
        endpoint, ca_data = described(eks)
        return endpoint, ca_data, lambda: token(eks)

    def connect(self, timeout: float) -> Kube:
        self.validate()
        endpoint, ca_data, make = self._asked()
        access = {**self.options, "host": endpoint, "api_key": make()}
        own = "ca_cert" in self.options
        with reading(f"the CA certificate of the EKS cluster {self.options['eks']['cluster']}", "See what aws eks describe-cluster says of it."):
            return Kube(access, timeout=timeout, ca_data=None if own else ca_data, renew=make, renew_after=EKS_TOKEN_SECONDS)

    def _for_helm(self) -> dict[str, t.Any]:
        endpoint, ca_data, make = self._asked()
        return {"kubeconfig": kubeconfig_for(endpoint, self.options, ca_data=ca_data), "api_key": make()}


def method_of(options: Mapping[str, t.Any]) -> Access:
    """Return the method that the options of a cluster say: a kubeconfig before an address, an address before EKS."""
    if options.get("kubeconfig") or options.get("context"):
        return Kubeconfig(options)
    if options.get("openshift") and options.get("username") and not options.get("api_key"):
        return OpenShift(options)
    if options.get("eks") and not has_explicit_access(options):
        return Eks(options)
    return Token(options)
