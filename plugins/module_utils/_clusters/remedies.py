# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about what Kubernetes and Helm say, where that is known. Helm shows the text of the API server. No I/O."""

from __future__ import annotations

import re

#: what is said when another run of Helm was faster, also in deleting the oldest of its records: neither did any harm
_OTHER_RUN = re.compile(
    r"release: already exists|cannot re-use a name that is still in use|another operation \(install/upgrade/rollback\) is in progress"
    r"|secrets? \"sh\.helm\.release\.v1\.\S+\" (already exists|not found)"
)

_REMEDIES: list[tuple[re.Pattern[str], str]] = [
    (re.compile(text, re.IGNORECASE), remedy)
    for text, remedy in (
        # Before all others: it quotes what the webhook says, or why it does not answer, which is not what is meant by it elsewhere.
        (
            r"failed calling webhook|failed to call webhook",
            "An admission webhook of this cluster does not answer, so nothing that it is asked about can be made: mend what it belongs to (kubectl get "
            "validatingwebhookconfigurations,mutatingwebhookconfigurations names it), then run again.",
        ),
        (
            r"admission webhook .* denied|denied the request|denied request|violates PodSecurity",
            "A policy of this cluster refuses it: give it what it asks for in flyte_values, or let its owner make an exception, then run again.",
        ),
        (
            r"because it is being terminated|object is being deleted",
            "Wait until the namespace, or the object, is gone, then run again. One that stays says why: kubectl get "
            "namespace NAME -o yaml, its status.conditions.",
        ),
        (
            r"immutable when `?immutable`? is set",
            "It is marked immutable, so nobody can change it: keep a copy (kubectl get secret NAME -o yaml), delete it, make it again from the copy "
            "without immutable: true, then run again.",
        ),
        (r"field is immutable", "Kubernetes lets nobody change this field: delete that object (kubectl delete), then run again: Helm makes it anew."),
        (r"exceeded quota", "Raise the ResourceQuota that it names, or lower the replicas and resources in flyte_values."),
        (r"exceeded its progress deadline", "Look at the pods: kubectl get pods; they say what they wait for."),
        (
            r"invalid ownership metadata|cannot be imported into the current release",
            "Delete that object if nothing uses it, or set flyte_release_name to its release.",
        ),
        (
            r"attempting to grant RBAC permissions not currently held",
            "Kubernetes lets nobody grant what they do not have: run this as an account that holds these rights itself (cluster-admin does), "
            "or that may escalate and bind clusterroles.",
        ),
        (r"is forbidden: User|cannot (get|list|create|patch|update|delete|watch) resource", "Grant this account the right that the message names."),
        (
            r"no matches for kind|could not find the requested resource",
            "This cluster does not know that kind: install its CRD, or take another flyte_chart_version.",
        ),
        (
            r"\[Errno 2\].*helm|required executable .?helm|helm.*(executable|binary).*not found",
            "Helm is not there: install Helm 3, or set flyte_helm_binary to its path.",
        ),
        (r"\[Errno (8|13)\].*helm|helm.*Permission denied", "flyte_helm_binary is no program that this user may run: correct it, or its rights."),
        (r"x509|certificate (signed|verify|has expired|is not valid)", "Check flyte_kube_ca_cert, and the certificate of the API server."),
        (
            r"Unauthorized|asked for the client to provide credentials",
            "The credentials are not accepted: check flyte_kubeconfig, flyte_kube_context or flyte_kube_api_key.",
        ),
        (
            r"context deadline exceeded|timed out|i/o timeout|Client\.Timeout|TLS handshake timeout",
            "The API server is slow, or what stands in front of it: run again.",
        ),
        (
            r"cluster unreachable|connection refused|no such host|connection reset|no route to host",
            "Check that the API server runs and can be reached from here.",
        ),
        (
            r"has no deployed releases",
            "Only failed revisions are left: helm uninstall of that release, or delete its records (kubectl get secrets -l owner=helm), then run again.",
        ),
        (r"request is too large|Too long: must have at most", "Values and chart do not fit into Helm's record: make flyte_values smaller."),
        (
            r"YAML parse error|error converting YAML|parse error at|execution error at|nil pointer evaluating"
            r"|error calling|wrong type for value",
            "The chart cannot be rendered with these values: correct flyte_values and flyte_values_files.",
        ),
        (
            r"error validating data|is invalid:|unknown field",
            "Kubernetes does not take what the values make of the chart: correct flyte_values and flyte_values_files.",
        ),
        (r"chart.*not found|path .* not found|Chart\.yaml file is missing", "Check flyte_chart_ref, flyte_chart_version and flyte_chart_repo_url."),
        (r"No space left on device", "Make room on this machine, or set TMPDIR to a folder with some."),
    )
]


def remedy_of(text: str) -> str | None:
    """Return what to do about what Kubernetes or Helm says, None where that is not known."""
    return next((remedy for pattern, remedy in _REMEDIES if pattern.search(text)), None)


def is_other_run(text: str) -> bool:
    """Return whether Helm says that another run of it was faster."""
    return bool(_OTHER_RUN.search(text))
