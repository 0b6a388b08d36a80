# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a data plane answers to exactly the endpoint, token and CA that flyteadmin will use, and grants what it needs."""

from __future__ import annotations

import time
import typing as t

from .._common.certificates import is_certificate
from .._common.threads import WIDE, in_threads
from .._helm.configuration import SECRET_NAME
from .._rights.rules import excess, granted, questions, said
from .client import Kube
from .each import PATIENCE
from .errors import failure_of, reading

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .._rights.rules import Question, Rule

_STORE = "Run site.yml with the tag credentials."
#: the kind of a failure with which flyteadmin does not start; with a cluster that does not answer it does
UNUSABLE = "unusable"
#: that of a cluster without keys in the Secret: flyteadmin does not start with it either
MISSING = "missing"


def probe_result(
    error: str | None = None, hint: str | None = None, kind: str | None = None, denied: t.Sequence[str] = (), more: t.Sequence[str] = ()
) -> dict[str, t.Any]:
    """Return what a probe says; without an error all is well.

    :param more: the rights that are held besides those that may be.
    """
    return {"ok": error is None, "error": error, "hint": hint, "kind": kind, "denied": list(denied), "excess": list(more)}


def probe(
    endpoint: str, token: str, ca_cert: str, *, rules: Sequence[Rule], timeout: float, exact: Sequence[Rule] | None = None
) -> dict[str, t.Any]:
    """Ask a data plane with exactly the endpoint, token and CA that flyteadmin will use what it may do there.

    :param rules: what it has to be allowed.
    :param exact: what it may be allowed at most, None where that is not asked.
    :returns: ``ok``, ``error``, ``denied``: the rights that are missing, and ``excess``: those that are too many.
    """
    denied: list[str] = []
    try:
        kube = Kube({"host": endpoint, "api_key": token}, timeout=timeout, ca_data=ca_cert)
        held = _rules(kube)
        # What one question about all rules does not show (an authorizer beside RBAC may not list them) is asked one by one.
        denied = [said(question) for question in questions(rules) if not granted(held, question) and not _may(kube, question)]
        more = [] if exact is None else excess(held, exact)
    except Exception as error:  # pylint: disable=broad-except  # one cluster's failure, whatever it is
        found = failure_of(error)
        return probe_result(found["message"], found["hint"], found["kind"])
    if denied:
        return rights_missing(denied, more)
    return probe_result(more=more)


def rights_missing(denied: t.Sequence[str], more: t.Sequence[str] = ()) -> dict[str, t.Any]:
    """Return the result of a probe that shows missing rights."""
    hint = "Grant them to the ServiceAccount flyteadmin there: site.yml does with flyte_dataplane_rbac: minimal, the chart with flyteadmin.serviceAccount.rbac."
    return probe_result(f"flyteadmin may not: {', '.join(denied)}", hint, "rights", denied, more)


#: seconds for an API server to take notice of a new token, role or binding: it reads them from caches of its own
SETTLE = 10.0


def settled_probe(endpoint: str, token: str, ca_cert: str, *, rules: Sequence[Rule], timeout: float) -> dict[str, t.Any]:
    """Probe, again for a while where the token is not accepted or rights are missing: they may have been made a moment ago."""
    ended, pause = time.monotonic() + SETTLE, 0.1
    while True:
        found = probe(endpoint, token, ca_cert, rules=rules, timeout=timeout)
        if found["kind"] not in ("api", "rights") or time.monotonic() + pause > ended:
            return found
        time.sleep(pause)
        pause = min(pause * 2, 2.0)


def _rules(kube: Kube) -> list[dict[str, t.Any]]:
    """Return the rules that hold in a namespace that does not exist, so those of every namespace, as far as they are listed."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": "flyte-multicluster-no-such-namespace"}}
    answer = kube.create("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review)
    return (answer.get("status") or {}).get("resourceRules") or []


def _may(kube: Kube, question: Question) -> bool:
    attributes = {key: value for key, value in zip(("group", "resource", "verb", "name"), question) if value or key != "name"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = kube.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    return bool((answer.get("status") or {}).get("allowed"))


#: of a cluster that is not asked from here; another place, or nobody, does
UNPROBED = "unprobed"


def stored_pair(name: str, data: Mapping[str, bytes]) -> tuple[tuple[str, str] | None, dict[str, t.Any]]:
    """Return the token and CA of a cluster in the control plane's Secret, None where they cannot serve, and why as a result."""
    token, ca_cert = (data.get(f"{name}_{suffix}") for suffix in ("token", "cacert"))
    if token is None or ca_cert is None:
        hint = "Run site.yml with the tag credentials; flyteadmin does not start again before."
        return None, probe_result(f"the Secret {SECRET_NAME} has no key of it", hint, MISSING)
    if token != token.strip():
        return None, probe_result("its token has white space around it, which flyteadmin sends", _STORE, "token")
    try:
        return (token.decode(), ca_cert.decode()), probe_result()
    except UnicodeDecodeError:
        return None, probe_result(f"its token or CA certificate in the Secret {SECRET_NAME} is no text", _STORE, "token")


def probe_all(
    configs: Sequence[Mapping[str, t.Any]],
    data: Mapping[str, bytes],
    *,
    timeout: float,
    rules: Sequence[Rule],
    exact: Mapping[str, Sequence[Rule]] | None = None,
    unprobed: Collection[str] = (),
) -> dict[str, dict[str, t.Any]]:
    """Ask every configured cluster with the credentials of the control plane's Secret.

    :param configs: clusterConfigs.
    :param rules: what flyteadmin has to be allowed in all of them.
    :param exact: what it may be allowed at most, by the names of the clusters of which that is asked.
    :param unprobed: names of clusters of which the Secret is looked at only.
    """

    def one(entry: Mapping[str, t.Any]) -> dict[str, t.Any]:
        if entry.get("inCluster"):
            return probe_result()
        pair, problem = stored_pair(str(entry["name"]), data)
        if pair is None:
            return problem
        if str(entry.get("endpoint")).startswith("https:") and not is_certificate(pair[1]):
            return probe_result(f"its CA certificate in the Secret {SECRET_NAME} is none: flyteadmin does not start with it", _STORE, UNUSABLE)
        if entry["name"] in unprobed:
            return probe_result(kind=UNPROBED)
        return probe(str(entry.get("endpoint") or ""), *pair, rules=rules, timeout=timeout, exact=(exact or {}).get(str(entry["name"])))

    with reading("clusterConfigs of flyteadmin's configuration", "Correct it by hand, or run site.yml with the tag controlplane."):
        found = in_threads(one, configs, WIDE, seconds=PATIENCE * timeout, late=lambda _entry, why: probe_result(str(why), why.hint, why.kind))
        return dict(zip([str(entry["name"]) for entry in configs], found))
