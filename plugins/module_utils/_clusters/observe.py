# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks clusters, all at once, what is there: release, token, accounts, CRD, Deployments, flytepropeller's leader, the webhook, namespaces.

Of the control plane also what flyteadmin reads.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import typing as t

from .._common.names import FLYTEADMIN
from .._common.progress import PROGRESS
from .._common.threads import WIDE, Overdue, in_threads
from .._common.times import moment
from .._helm.identity import AUTH_SECRET
from .access import method_of
from .bounded import BOUNDED, authority_of, bounds_of, left_of
from .client import Kube, KubeError
from .control_plane import observe_control_plane
from .credentials import tokens_of
from .deployments import CRD_PATH, readiness
from .each import PATIENCE
from .errors import failure_of, reading
from .identity import identity_of
from .propeller import not_working
from .releases import Release, read_secrets
from .rights import observe_rights

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from .._rights.rules import Rule

NAMESPACES_PATH = "/api/v1/namespaces"
#: connections that are open at once: many systems give a process 1,024 files
_OPEN = 256
#: seconds in which a namespace is a new one: its project may be one that not every plane was given yet
NEW = 900
_Spec = t.Mapping[str, t.Any]


def observe(
    specs: Sequence[_Spec],
    *,
    concurrency: int,
    timeout: float,
    rules: Sequence[Rule],
    exact: t.Mapping[str, Sequence[Rule]] | None = None,
    unprobed: Sequence[str] = (),
    server_version: bool = False,
    flyteadmin: t.Mapping[str, t.Any] | None = None,
) -> dict[str, dict[str, t.Any]]:
    """Return what was found in each cluster, by ``name`` of its spec.

    The first question goes to :data:`WIDE` clusters at once, so that dead ones, of which one costs a timeout, do not wait for one another;
    the others are bounded, and :data:`_OPEN` clusters are gone through before the next ones. The control plane, which asks every cluster
    that flyteadmin knows too, goes on beside them.
    """
    control_planes = [spec for spec in specs if spec["control_plane"]]
    planes = [spec for spec in specs if not spec["control_plane"]]

    def own(spec: _Spec) -> _Observed:
        observed = _opened(spec, timeout, server_version)
        asked: dict[str, t.Any] = {"rules": rules, "exact": exact, "unprobed": unprobed, "flyteadmin": flyteadmin}
        return observed.complete(lambda kube: observe_control_plane(kube, spec["namespace"], timeout=timeout, **asked))

    def whole(spec: _Spec) -> _Observed:
        # The clusters that flyteadmin knows are asked then: of them each has a limit of its own.
        return in_threads(own, [spec], 1, seconds=2 * limit, late=_late)[0].probe()

    limit = PATIENCE * timeout
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        pending = pool.submit(in_threads, whole, control_planes, WIDE)
        observed: list[_Observed] = []
        for first in range(0, len(planes), _OPEN):
            opened = in_threads(lambda spec: _opened(spec, timeout, server_version), planes[first : first + _OPEN], WIDE, seconds=limit, late=_late)
            observed += in_threads(lambda found: found.complete(), opened, concurrency, seconds=limit, late=lambda found, why: _late(found.spec, why))
        observed += pending.result()
    by_name = {entry.spec["name"]: entry.found for entry in observed}
    choose_tokens(by_name.values())
    return {spec["name"]: by_name[spec["name"]] for spec in specs}


def choose_tokens(observed: t.Iterable[dict[str, t.Any]]) -> None:
    """Let the token of each data plane be the one that the control plane has stored, where several are there and it is one of them."""
    entries = list(observed)
    known: dict[str, t.Any] = next((entry["control_plane"] for entry in entries if entry["control_plane"]), {})
    credentials: dict[str, dict[str, str]] = known.get("credentials") or {}
    stored = {pair["token"] for pair in credentials.values()}
    terms = {term["uid"]: (term, credentials[name]["token"]) for name, term in (known.get("terms") or {}).items() if name in credentials}
    for entry in entries:
        for token in entry["tokens"]:
            if token["kind"] == BOUNDED and token["uid"] in terms and token["age"] is not None:
                term, own = terms[token["uid"]]
                left = left_of(term, _asked_at(token))
                token.update({"fingerprint": own, "lifetime": term["expires"] - term["issued"], "left": left} if left else {})
        in_use = [token for token in entry["tokens"] if token["fingerprint"] in stored]
        entry["token"] = in_use[0] if in_use else entry["token"]


def _asked_at(token: t.Mapping[str, t.Any]) -> datetime.datetime:
    """Return when a token was observed, by the clock of its API server."""
    return moment(token["created"]) + datetime.timedelta(seconds=token["age"])


@dataclasses.dataclass
class _Observed:
    """One cluster: what was found so far, and the connection where it answered."""

    spec: _Spec
    found: dict[str, t.Any]
    kube: Kube | None = None
    release: Release | None = None
    #: of its namespace, by their names
    secrets: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(repr=False, default_factory=dict)
    #: of a control plane: asks the clusters that flyteadmin knows
    probing: t.Callable[[], dict[str, t.Any]] | None = dataclasses.field(repr=False, default=None)

    def complete(self, control_plane: t.Callable[[Kube], tuple[dict[str, t.Any], t.Callable[[], dict[str, t.Any]]]] | None = None) -> _Observed:
        """Ask the rest of a cluster that answered the first question; its connection is closed then, and its Secrets are forgotten."""
        kube, self.kube = self.kube, None
        secrets, self.secrets = self.secrets, {}
        if kube is None:
            return self
        try:
            self.found.update(_cluster(kube, self.spec, self.release, secrets))
            if control_plane is not None:
                self.found["control_plane"], self.probing = control_plane(kube)
            self.found["reachable"] = True
            PROGRESS.say(self.spec["name"], "has answered")
        except Exception as error:  # pylint: disable=broad-except  # one cluster's failure, whatever it is
            self.found["error"] = failure_of(error)
        return self

    def probe(self) -> _Observed:
        """Ask the clusters that a control plane's flyteadmin knows, as it does."""
        probing, self.probing = self.probing, None
        if probing is None:
            return self
        try:
            self.found["control_plane"]["probes"] = probing()
        except Exception as error:  # pylint: disable=broad-except  # one cluster's failure, whatever it is
            self.found.update(error=failure_of(error), control_plane=None, reachable=False)
        return self


def _nothing() -> dict[str, t.Any]:
    return {
        "reachable": False, "error": None, "server": None, "kubernetes": None, "release": None, "token": None, "tokens": [], "missing": [],
        "deployments": None, "not_working": [], "namespaces": None, "new_namespaces": [], "identity": None, "rights": {}, "refresh_interval": None,
        "control_plane": None, "place": None, "restarts_due": [],
    }  # fmt: skip


def _late(spec: _Spec, why: Overdue) -> _Observed:
    """Return what is known of a cluster that was given up: a thread may still be writing what it found."""
    return _Observed(spec, {**_nothing(), "error": failure_of(why)})


def _opened(spec: _Spec, timeout: float, server_version: bool) -> _Observed:
    """Ask a cluster the first question: which release is there, and which Secrets."""
    found = _nothing()
    PROGRESS.say(spec["name"], "is asked what is there")
    try:
        kube = method_of(spec["access"]).connect(timeout)
        found["server"] = kube.server
        release, secrets = read_secrets(kube, spec["namespace"], spec["release"])
        found["release"] = release.public() if release else None
        found["kubernetes"] = _version(kube) if server_version else None
    except Exception as error:  # pylint: disable=broad-except  # one cluster's failure, whatever it is
        found["error"] = failure_of(error)
        PROGRESS.say(spec["name"], "does not answer")
        return _Observed(spec, found)
    return _Observed(spec, found, kube, release, secrets)


def _version(kube: Kube) -> str:
    with reading("the version of the API server", "Look at it: kubectl version"):
        return str(kube.get("/version")["gitVersion"])


def _cluster(kube: Kube, spec: _Spec, release: Release | None, secrets: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    namespace = spec["namespace"]
    found: dict[str, t.Any] = {
        "token": None, "tokens": [], "missing": [], "deployments": None, "not_working": [], "namespaces": None, "new_namespaces": [],
        "identity": identity_of(secrets.get(AUTH_SECRET), namespace),
        "rights": {} if spec["control_plane"] else observe_rights(kube, namespace, wanted=spec["rights"]),
    }  # fmt: skip
    found["place"] = _place(kube) if release is None or spec["control_plane"] else release.uid or None
    if release is None:
        return found
    if not spec["control_plane"]:
        tokens = tokens_of(secrets.values(), namespace, FLYTEADMIN, spec["token_secret"])
        if spec.get("ca_data"):
            # What flyteadmin has to trust: a proxy stands in front of the API server.
            tokens = [dataclasses.replace(token, ca_cert=spec["ca_data"]) for token in tokens]
        long_lived = [token.public(kube.now) for token in tokens]
        found["token"] = next(iter(long_lived), None)
        found["tokens"] = [*long_lived, *_bounded(kube, namespace, secrets, spec.get("ca_data"))]
    if spec["data_plane"]:
        if kube.find(CRD_PATH) is None:
            found["missing"].append("the FlyteWorkflow CRD")
        # A token is there only with its account: the token controller deletes it otherwise.
        if found["token"] is None and token_account_gone(kube, namespace):
            found["missing"].append("the ServiceAccount flyteadmin")
        with reading("the namespaces", "Look at them: kubectl get namespaces"):
            ages = kube.ages(NAMESPACES_PATH)
        found["namespaces"], found["new_namespaces"] = sorted(ages), sorted(name for name, age in ages.items() if age < NEW)
        if spec["propeller"]:
            found["not_working"] = not_working(kube, namespace, release.duties, secrets=secrets)
    found["refresh_interval"] = release.refresh_interval
    state = readiness(kube, namespace, release.deployments)
    found["deployments"], found["restarts_due"] = state.public(), state.restarts_due
    found["missing"] += state.missing
    return found


def _place(kube: Kube) -> str | None:
    """Return what tells this cluster from all others, by whatever address it is called; None where it is not shown."""
    try:
        return str(kube.get(f"{NAMESPACES_PATH}/kube-system")["metadata"]["uid"])
    except (KubeError, KeyError, TypeError):
        return None


def _bounded(kube: Kube, namespace: str, secrets: t.Mapping[str, t.Mapping[str, t.Any]], ca_data: str | None) -> list[dict[str, t.Any]]:
    """Return the Secrets that tokens are bound to, as tokens of which nobody here knows which they are."""
    bounds = bounds_of(secrets.values(), namespace, FLYTEADMIN)
    ca_cert = (ca_data or authority_of(kube, namespace)) if bounds else ""
    return [bound.public(ca_cert, kube.now) for bound in bounds]


def token_account_gone(kube: Kube, namespace: str) -> bool:
    """Return whether the account whose token flyteadmin uses is not there."""
    return kube.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/{FLYTEADMIN}") is None
