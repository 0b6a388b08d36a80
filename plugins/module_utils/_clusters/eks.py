# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An EKS cluster as a cluster of Kubernetes: endpoint and CA from EKS, a token made in memory."""

from __future__ import annotations

import base64
import contextlib
import typing as t

from .errors import KubeError, reading

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: states of an EKS cluster whose API server answers
_USABLE = ("ACTIVE", "UPDATING")
_HINTS = {
    "CREATING": "It takes about ten minutes (aws eks wait cluster-active --name {name}); run again then.",
    "PENDING": "It takes about ten minutes (aws eks wait cluster-active --name {name}); run again then.",
    "DELETING": "Take the host out of the inventory, or run again with flyte_eks_create: true once it is gone.",
    "FAILED": "See why with aws eks describe-cluster --name {name}; then delete it, and create it anew.",
}
_CREDENTIALS = "Check flyte_aws_profile or the other credentials of AWS, flyte_eks_region and flyte_eks_assume_role_arn."


def described(eks: Mapping[str, t.Any]) -> tuple[str, str]:
    """Return the endpoint and the CA certificate of an EKS cluster.

    :param eks: the option ``eks`` of a cluster.
    :raises KubeError: EKS does not have the cluster, or not yet, or cannot be asked.
    """
    name = eks["cluster"]
    with _asking(f"EKS does not describe the cluster {name}"):
        from .._aws.session import describe_cluster

        found = describe_cluster(eks, name, **_place(eks))
    with reading(f"what EKS says of the cluster {name}", f"See what aws eks describe-cluster --name {name} says."):
        status, endpoint, ca_data = found.get("status"), found.get("endpoint"), (found.get("certificateAuthority") or {}).get("data")
        if status not in (None, *_USABLE):
            hint = _HINTS.get(status, "Run again when EKS shows it as ACTIVE.").format(name=name)
            raise KubeError("unreachable", f"the EKS cluster {name} is {status}", hint=hint)
        if not endpoint or not ca_data:
            raise KubeError("unreachable", f"the EKS cluster {name} has no endpoint yet", hint="Run again when EKS shows it as ACTIVE.")
        return str(endpoint), base64.b64decode(ca_data, validate=True).decode()


def token(eks: Mapping[str, t.Any]) -> str:
    """Return a token for the API server of an EKS cluster. A secret.

    :raises KubeError: there are no credentials of AWS, or the role cannot be taken on.
    """
    with _asking(f"no token for the EKS cluster {eks['cluster']} can be made"):
        from .._aws.session import eks_token

        return eks_token(eks, eks["cluster"], **_place(eks))


def _place(eks: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"region": eks.get("region"), "assume_role_arn": eks.get("assume_role_arn")}


@contextlib.contextmanager
def _asking(problem: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        hint = "Install it beside Ansible, or give the host a kubeconfig (flyte_kube_context)."
        raise KubeError("config", f"{problem}: the Python library {error.name} is missing", hint=hint) from error
    except Exception as error:
        if getattr(error, "is_missing", False):
            raise KubeError("config", problem, hint="AWS has no cluster of this name there: check flyte_eks_cluster, flyte_eks_region.") from error
        # What AWS says is in the message of our own errors, without what may be a secret; of others only the kind is said.
        said = getattr(error, "message", None) or type(error).__name__
        raise KubeError("unreachable", f"{problem}: {str(said).rstrip('.')}", hint=_CREDENTIALS) from error
