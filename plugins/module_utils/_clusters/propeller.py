# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether flytepropeller and its webhook do their work. That their pods are ready does not say it.

flytepropeller works only while it leads: it renews a Lease every two seconds. The webhook tells Kubernetes its CA when it starts: one
whose Secret was made anew since refuses every pod that wants a secret. Both are looked for where the release itself says.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from .._common.names import PROPELLER
from .._common.times import moment
from .._helm import values as _values
from .client import Kube
from .credentials import secrets_path
from .errors import reading

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WEBHOOK = "flyte-pod-webhook"
#: a leader is one that renewed within so many of the Lease's own durations
_DURATIONS = 2
_DURATION = 15


@dataclasses.dataclass(frozen=True)
class Lease:
    """Where flytepropeller elects its leader."""

    namespace: str
    name: str


@dataclasses.dataclass(frozen=True)
class Webhook:
    """What the webhook is told: the name of its MutatingWebhookConfiguration, and the Secret of its certificates."""

    service: str
    secret: str


@dataclasses.dataclass(frozen=True)
class Duties:
    """What a release's flytepropeller and webhook have to do; None for what it does not have."""

    lease: Lease | None = None
    webhook: Webhook | None = None


def duties_of(manifest: str, deployments: Iterable[str], namespace: str) -> Duties:
    """Return what a release has to do, from its rendered objects.

    :param deployments: those that it wants pods of.
    """
    names, lease, webhook = set(deployments), None, None
    election = _section(manifest, "leader-election") if PROPELLER in names else {}
    if election.get("enabled"):
        lock = election.get("lock-config-map") or {}
        lease = Lease(str(lock.get("namespace") or namespace), str(lock.get("name") or "propeller-leader"))
    if WEBHOOK in names:
        settings = _section(manifest, "webhook")
        if not settings.get("disableCreateMutatingWebhookConfig"):
            webhook = Webhook(str(settings.get("serviceName") or WEBHOOK), str(settings.get("secretName") or WEBHOOK))
    return Duties(lease, webhook)


def _section(manifest: str, key: str) -> dict[str, t.Any]:
    """Return a mapping of the configuration files in a manifest, empty where it has none of this name."""
    found = re.search(rf"^( +){key}:[ \t]*\n((?:\1[ ]+.*\n|[ \t]*\n)+)", manifest + "\n", re.MULTILINE)
    try:
        return _values.parse(found.group(2)) if found else {}
    except ValueError:
        return {}


def not_working(
    kube: Kube, namespace: str, duties: Duties, *, since: datetime.datetime | None = None, secrets: Mapping[str, t.Any] | None = None
) -> list[dict[str, str]]:
    """Return which Deployments do not do their work, each with ``name`` and ``reason``.

    :param namespace: of the release.
    :param since: when the leader has to have renewed its Lease at the earliest: the holder may be a pod that is gone.
    :param secrets: those of the namespace by their names, where they were read.
    """
    problems = {
        PROPELLER: _leader_problem(kube, duties.lease, since) if duties.lease else "",
        WEBHOOK: _webhook_problem(kube, namespace, duties.webhook, secrets) if duties.webhook else "",
    }
    return [{"name": name, "reason": problem} for name, problem in problems.items() if problem]


def _leader_problem(kube: Kube, lease: Lease, since: datetime.datetime | None) -> str:
    place = f"{lease.namespace}/{lease.name}"
    found = kube.find(f"/apis/coordination.k8s.io/v1/namespaces/{lease.namespace}/leases/{lease.name}")
    if found is None:
        return f"it does not lead: there is no Lease {place}"
    with reading(f"the Lease {place}", f"Look at it: kubectl -n {lease.namespace} get lease {lease.name} -o yaml"):
        spec = found.get("spec") or {}
        if not spec.get("holderIdentity") or not spec.get("renewTime"):
            return f"it does not lead: the Lease {place} has no holder"
        renewed = _renewed(found)
        age = (kube.now - renewed).total_seconds()
        if age <= _DURATIONS * int(spec.get("leaseDurationSeconds") or _DURATION) and (since is None or renewed >= since):
            return ""
        return f"it does not lead: {spec['holderIdentity']} renewed the Lease {place} {age:.0f} s ago"


def _renewed(lease: Mapping[str, t.Any]) -> datetime.datetime:
    """Return when a Lease was renewed: by the API server, which notes it of what it stores, since the clock of the holder's node may be another one."""
    fields = (lease.get("metadata") or {}).get("managedFields") or []
    noted = [entry["time"] for entry in fields if entry.get("time") and "f:renewTime" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})]
    return max(map(moment, noted), default=moment(lease["spec"]["renewTime"]))


def _webhook_problem(kube: Kube, namespace: str, webhook: Webhook, secrets: Mapping[str, t.Any] | None) -> str:
    what = f"the MutatingWebhookConfiguration {webhook.service}"
    found = kube.find(f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{webhook.service}")
    if found is None:
        return f"it did not register: there is no {what.removeprefix('the ')}"
    secret = (kube.find(secrets_path(namespace, webhook.secret)) if secrets is None else secrets.get(webhook.secret)) or {}
    with reading(what, f"Look at it: kubectl get mutatingwebhookconfiguration {webhook.service} -o yaml"):
        certificate = (secret.get("data") or {}).get("ca.crt")
        for entry in found.get("webhooks") or []:
            client = entry["clientConfig"]
            service = client.get("service") or {}
            if service.get("namespace", namespace) != namespace:
                return f"{what} leads to the namespace {service['namespace']}, not to {namespace}"
            # Without a CA of its own it serves with a certificate that this cluster knows.
            if certificate and client.get("caBundle") != certificate:
                return f"{what} has another caBundle than the Secret {namespace}/{webhook.secret}: no pod that wants a secret is let in"
        return "" if found.get("webhooks") else f"{what} is empty"
