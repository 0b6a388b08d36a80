# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Kubernetes and Helm say, as they say it, and what is to be done about it."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import KubeError, _api_error
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.remedies import is_other_run, remedy_of

TERMINATING = 'secrets "x" is forbidden: unable to create new content in namespace flyte because it is being terminated'
DENIED = 'admission webhook "policy.example.com" denied the request: every Secret needs an owner'
DOWN = 'Internal error occurred: failed calling webhook "w": Post "https://w.svc": context deadline exceeded'
IMMUTABLE = 'Secret "cluster-credentials" is invalid: data: Forbidden: field is immutable when `immutable` is set'
SAID = {
    DENIED: "A policy of this cluster",
    "secrets is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no": "A policy of this cluster",
    'Error: INSTALLATION FAILED: Internal error occurred: failed calling webhook "w": Post "https://w.svc": dial tcp 10.0.0.1:443: connect: connection refused':
        "An admission webhook of this cluster does not answer",
    TERMINATING: "Wait until the namespace",
    IMMUTABLE: "without immutable: true",
    'Error: UPGRADE FAILED: cannot patch "flytepropeller" with kind Deployment: spec.selector: Invalid value: field is immutable': "kubectl delete",
    'pods "x" is forbidden: exceeded quota: q, requested: cpu=1': "ResourceQuota",
    'secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "flyte"': "Grant this account",
    "[Errno 2] No such file or directory: b'helm'": "flyte_helm_binary",
    "[Errno 13] Permission denied: b'/opt/helm'": "flyte_helm_binary",
    "Error: Kubernetes cluster unreachable: Get x: dial tcp 127.0.0.1:1: connect: connection refused": "can be reached",
    "Error: UPGRADE FAILED: context deadline exceeded": "slow",
    "tls: failed to verify certificate: x509: certificate signed by unknown authority": "flyte_kube_ca_cert",
    "Error: INSTALLATION FAILED: ServiceAccount x exists and cannot be imported into the current release: invalid ownership metadata": "flyte_release_name",
    "Error: template: flyte-core/templates/x.yaml:3:4: executing x at <.a>: nil pointer evaluating interface {}.b": "flyte_values",
    'Error: UPGRADE FAILED: "flyte-core" has no deployed releases': "helm uninstall",
    "create: failed to create: Request entity too large: limit is 3145728, request is too large": "smaller",
}


@pytest.mark.parametrize(("said", "remedy"), SAID.items())
def test_what_is_known_has_a_remedy(said: str, remedy: str) -> None:
    assert remedy in str(remedy_of(said))


def test_what_is_not_known_has_none() -> None:
    assert remedy_of("Error: something that nobody saw before") is None


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ("Error: INSTALLATION FAILED: release: already exists", True),
        ("Error: INSTALLATION FAILED: cannot re-use a name that is still in use", True),
        ("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress", True),
        ('create: failed to create: secrets "sh.helm.release.v1.flyte-core-data.v1" already exists', True),
        ('Error: UPGRADE FAILED: secrets "sh.helm.release.v1.flyte-core.v7" not found', True),
        ('secrets "flyte-admin-secrets" already exists', False),
        ('secrets "flyte-admin-secrets" not found', False),
        (IMMUTABLE, False),
    ],
)
def test_a_run_of_helm_that_was_faster_is_known(said: str, other: bool) -> None:
    assert is_other_run(said) is other


@pytest.mark.parametrize(
    ("status", "message", "remedy"),
    [
        *((403, TERMINATING, "Wait until"), (422, IMMUTABLE, "marked immutable"), (403, "", "Grant"), (409, "conflict", "See what")),
        *((500, TERMINATING, "its log"), (400, DENIED, "A policy of"), (500, DOWN, "webhook of")),
    ],
)
def test_an_error_of_the_api_server_says_what_to_do(status: int, message: str, remedy: str) -> None:
    error: t.Any = _api_error("POST", "https://h/x", status, json.dumps({"reason": "R", "message": message}).encode(), None)
    assert isinstance(error, KubeError) and remedy in error.hint and message in error.message
