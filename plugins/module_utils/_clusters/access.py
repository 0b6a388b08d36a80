# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cluster is reached: one class a method. ``validate`` asks nobody; ``connect`` is called in the thread that uses the cluster.

A method is made of the options of a cluster: those of kubernetes.core, and ``eks`` or ``openshift``.
"""

from __future__ import annotations

import base64
import functools
import typing as t

from .client import Kube, KubeError, has_explicit_access

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: how Kubernetes is asked with EKS' token: these options besides those of amazon.aws
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
#: EKS accepts a token for 15 minutes
EKS_TOKEN_SECONDS = 14 * 60.0
_USABLE = ("ACTIVE", "UPDATING")


class Access:
    """A way to reach a cluster, by a kubeconfig or by the address of its API server."""

    def __init__(self, options: Mapping[str, t.Any]) -> None:
        self.options = dict(options)

    def validate(self) -> None:
        """Refuse what cannot work, without asking anybody.

        :raises KubeError: of the kind ``config``.
        """
        if not has_explicit_access(self.options):
            raise KubeError(
                "config",
                "no explicit access to the cluster is given",
                hint="Set flyte_kube_context, flyte_kubeconfig, or flyte_kube_host with flyte_kube_api_key.",
            )

    def helm_problem(self) -> str | None:
        """Return why Helm cannot be given this access, None where it can."""
        if self.options.get("username") or self.options.get("password"):
            return "Helm takes no user name and password: use flyte_kube_api_key, or flyte_openshift: true where the cluster is one"
        return None

    def connect(self, timeout: float) -> Kube:
        """Return a client of the cluster."""
        self.validate()
        return Kube(self.options, timeout=timeout)

    def for_helm(self) -> dict[str, t.Any]:
        """Return the options of kubernetes.core.helm. Their kubeconfig, which is written to a file there, holds no secret."""
        self.validate()
        problem = self.helm_problem()
        if problem:
            raise KubeError("config", problem, hint="")
        if self.options.get("kubeconfig") or self.options.get("context"):
            taken = ("kubeconfig", "context", "host", "api_key", "ca_cert", "validate_certs")
            return {option: self.options[option] for option in taken if self.options.get(option) is not None}
        return _helm_options(self.options, token=self.options.get("api_key"))


def _helm_options(options: Mapping[str, t.Any], *, token: str | None, ca_data: str | None = None) -> dict[str, t.Any]:
    cluster: dict[str, t.Any] = {"server": options["host"]}
    for option, key in (("ca_cert", "certificate-authority"), ("proxy", "proxy-url")):
        if options.get(option):
            cluster[key] = options[option]
    if ca_data:
        cluster["certificate-authority-data"] = base64.b64encode(ca_data.encode()).decode()
    if options.get("validate_certs") is False:
        cluster["insecure-skip-tls-verify"] = True
    keys = (("client_cert", "client-certificate"), ("client_key", "client-key"))
    user = {key: options[option] for option, key in keys if options.get(option)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "flyte",
        "clusters": [{"name": "flyte", "cluster": cluster}],
        "users": [{"name": "flyte", "user": user}],
        "contexts": [{"name": "flyte", "context": {"cluster": "flyte", "user": "flyte"}}],
    }
    return {"kubeconfig": config, **({"api_key": token} if token else {})}


class OpenShift(Access):
    """User name and password, which are exchanged for a token as ``oc login`` does: OpenShift's API server does not take them."""

    def helm_problem(self) -> str | None:
        """Helm is given the token."""
        return None

    def _login(self) -> str:
        from .openshift import login

        options = self.options
        verify = options.get("ca_cert") or True if options.get("validate_certs", True) is not False else False
        return login(options["host"], options["username"], options.get("password") or "", verify)

    def _with_token(self, token: str) -> dict[str, t.Any]:
        return {**{key: value for key, value in self.options.items() if key not in ("username", "password", "openshift")}, "api_key": token}

    def connect(self, timeout: float) -> Kube:
        """Log in, and again where the token is not accepted any more."""
        return Kube(self._with_token(self._login()), timeout=timeout, renew=self._login)

    def for_helm(self) -> dict[str, t.Any]:
        """Log in for Helm."""
        return _helm_options(self.options, token=self._login())


class Eks(Access):
    """The name of an EKS cluster: endpoint and CA from EKS, a token made in memory and renewed before it ends."""

    def validate(self) -> None:
        """The name is enough."""

    def helm_problem(self) -> str | None:
        """Helm is given the token."""
        return None

    def _described(self) -> tuple[str, str]:
        """Return the endpoint and the CA certificate.

        :raises KubeError: EKS does not have the cluster, or not yet.
        """
        from .._aws.session import describe_cluster

        name = self.options["eks"]["cluster"]
        found = self._asked(functools.partial(describe_cluster, **self._place()), f"EKS does not describe the cluster {name}")
        endpoint, ca_data = found.get("endpoint"), (found.get("certificateAuthority") or {}).get("data")
        if found.get("status") not in (None, *_USABLE) or not endpoint or not ca_data:
            hint = "Run again when EKS shows it as ACTIVE."
            raise KubeError("unreachable", f"the EKS cluster {name} is {found.get('status') or 'without an endpoint'}", hint=hint)
        return str(endpoint), base64.b64decode(ca_data).decode()

    def _place(self) -> dict[str, t.Any]:
        eks = self.options["eks"]
        return {"region": eks.get("region"), "assume_role_arn": eks.get("assume_role_arn")}

    def _token(self) -> str:
        from .._aws.session import eks_token

        return str(self._asked(functools.partial(eks_token, **self._place()), "no token for EKS can be made"))

    def _asked(self, work: Callable[[Mapping[str, t.Any], str], t.Any], problem: str) -> t.Any:
        from .._aws.errors import AwsError

        eks = self.options["eks"]
        try:
            return work(eks, eks["cluster"])
        except ImportError as error:
            raise KubeError("config", "boto3 is not installed", hint="Install boto3 beside Ansible, or give the host a kubeconfig.") from error
        except AwsError as error:
            raise KubeError("unreachable", f"{problem}: {error}", hint="Check flyte_eks_cluster and the AWS credentials.") from error

    def connect(self, timeout: float) -> Kube:
        """Ask EKS where the cluster is, and make a token."""
        endpoint, ca_data = self._described()
        return Kube({"host": endpoint, "api_key": self._token()}, timeout=timeout, ca_data=ca_data, renew=self._token, renew_after=EKS_TOKEN_SECONDS)

    def for_helm(self) -> dict[str, t.Any]:
        """Make a token for Helm: it runs for seconds."""
        endpoint, ca_data = self._described()
        return _helm_options({"host": endpoint}, token=self._token(), ca_data=ca_data)


def method_of(options: Mapping[str, t.Any]) -> Access:
    """Return the method that the options of a cluster say."""
    if options.get("openshift") and options.get("host") and options.get("username") and not options.get("api_key"):
        return OpenShift(options)
    if options.get("eks") and not has_explicit_access(options):
        return Eks(options)
    return Access({key: value for key, value in options.items() if key not in ("eks", "openshift")})
