# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a rotation: a second token stored, its readers started anew, it proven in use, and only then the first one deleted.

Each step looks again at what there is, so that it may be the first one after a run that was killed anywhere.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.control_plane import flyteadmin_clusters
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.credentials import Token, secrets_path, stored_credentials
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.errors import failure_of
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.probe import SETTLE, probe_all, settled_probe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.readers import left_behind, readers_of, start_anew
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.rotation import exchange, make_successor, require_accepted, retire
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.secrets import read_secret, shown
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.store import store
from ansible_collections.flyte.multicluster.plugins.module_utils._common.fingerprints import fingerprint
from ansible_collections.flyte.multicluster.plugins.module_utils._common.names import FLYTEADMIN
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.configuration import SECRET_NAME
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rotation import STEP, stored_checksum, terms_of
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.plugin_utils._canary_steps import prove_hosts
from ansible_collections.flyte.multicluster.plugins.plugin_utils._connections import api_ca, connected
from ansible_collections.flyte.multicluster.plugins.plugin_utils._probes import probed_there
from ansible_collections.flyte.multicluster.plugins.plugin_utils._steps import Work, ended, on_clusters

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.flyte.multicluster.plugins.module_utils._inventory.site import Cluster

#: where new tokens of data planes that only the control plane's network reaches wait for their proof
STAGING = f"{SECRET_NAME}-next"
_STAYS = "The former token is still valid; run rotate.yml again."


def store_tokens(work: Work) -> dict[str, t.Any]:
    """Make a second token in each given data plane, let the plane accept it as flyteadmin will use it, and only then store it."""
    turns, failed = _turns(work), {failure.host for failure in work.failures()}
    if work.known.site.control_plane.host in failed:
        return ended(Failure(host, STEP, "was not begun, since the control plane failed before", "Run rotate.yml again then.") for host in work.hosts)
    hosts = [host for host in work.hosts if host not in failed]
    open_turns = [host for host in hosts if not turns[host]["predecessor"]]
    if work.action.check_mode:
        return ended([], changed=bool(hosts), diff=_planned(work, open_turns), rotating={})
    try:
        overtaken = _overtaken(work, open_turns)
    except Exception as error:  # pylint: disable=broad-except  # the control plane's failure, whatever it is
        return ended([_head_failure(work, error)], rotating={})
    tokens, failures = _proven_tokens(work, [host for host in open_turns if host not in overtaken])
    failures += map(_moved, overtaken)
    finishing = {host: _finishing(turns[host]) for host in hosts if turns[host]["predecessor"]}
    if not tokens:
        return ended(failures, rotating=finishing)
    try:
        pairs = {work.known.site.cluster(host).name: (token.token, token.ca_cert) for host, token in tokens.items()}
        former = {work.known.site.cluster(host).name: turns[host]["current"]["fingerprint"] for host in tokens}
        stored, moved = exchange(_head(work), work.known.site.control_plane.namespace, SECRET_NAME, pairs, former)
    except Exception as error:  # pylint: disable=broad-except  # the control plane's failure, whatever it is
        return ended([*failures, _head_failure(work, error)], changed=True, rotating=finishing)
    lost = [host for host in tokens if work.known.site.cluster(host).name in moved]
    failures += map(_moved, lost)
    rotating = {host: _begun(turns[host], token) for host, token in tokens.items() if host not in lost}
    diff = {"before": shown(stored.before, stored.patch), "after": shown(stored.after(), stored.patch)}
    return ended(failures, changed=True, diff=diff, rotating={**finishing, **rotating})


def _turns(work: Work) -> dict[str, dict[str, t.Any]]:
    return t.cast("dict[str, dict[str, t.Any]]", work.plan["rotation"]["turns"])


def _overtaken(work: Work, hosts: list[str]) -> list[str]:
    """Return the data planes whose token is another one by now than it was planned for: what comes in its place would come for one that is gone."""
    site, turns = work.known.site, _turns(work)
    stored = stored_credentials(read_secret(_head(work), site.control_plane.namespace, SECRET_NAME)[1])
    return [host for host in hosts if (stored.get(site.cluster(host).name) or {}).get("token") != turns[host]["current"]["fingerprint"]]


def _moved(host: str) -> Failure:
    return Failure(host, STEP, "another run stored another token of it meanwhile", "Run rotate.yml again.")


def _begun(turn: Mapping[str, t.Any], token: Token) -> dict[str, t.Any]:
    """Return what the steps after this one have to know of a data plane: no secret."""
    return _known(token.secret, fingerprint(token.token), turn["current"], turn)


def _finishing(turn: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return _known(turn["current"]["secret"], turn["current"]["fingerprint"], turn["predecessor"], turn)


def _known(secret: str, new: str, former: Mapping[str, t.Any], turn: Mapping[str, t.Any]) -> dict[str, t.Any]:
    gone, *leftovers = ({key: token[key] for key in ("secret", "uid", "fingerprint")} for token in (former, *turn["leftovers"]))
    return {"secret": secret, "fingerprint": new, "former": gone, "leftovers": leftovers}


def _planned(work: Work, hosts: list[str]) -> dict[str, dict[str, str]]:
    """Return what would be stored, for a diff."""
    keys = {f"{work.known.site.cluster(host).name}_token": _turns(work)[host] for host in hosts}
    # Of a successor that ends nobody knows the token: another one is asked for.
    made = {key: (turn["successor"] or {}).get("fingerprint") for key, turn in keys.items()}
    after = {key: f"sha256:{token}" if token else "to be made" for key, token in made.items()}
    return {"before": {key: f"sha256:{turn['current']['fingerprint']}" for key, turn in keys.items()}, "after": after}


def _head(work: Work) -> Kube:
    site = work.known.site
    return connected(site, site.control_plane, work.read)


def _head_failure(work: Work, error: Exception) -> Failure:
    said = failure_of(error)
    return Failure(work.known.site.control_plane.host, STEP, said["message"], f"{said['hint']} {_STAYS}".strip())


def _endpoints(work: Work) -> dict[str, str]:
    """Return what flyteadmin calls now, by cluster name."""
    return {entry["name"]: str(entry.get("endpoint") or "") for entry in work.known.live.get("clusterConfigs") or []}


def _proven_tokens(work: Work, hosts: list[str]) -> tuple[dict[str, Token], list[Failure]]:
    """Return the new token of each host that its data plane accepts, and what kept the others."""
    site, turns, endpoints = work.known.site, _turns(work), _endpoints(work)
    timeout, terms = site.settings["flyte_request_timeout"], terms_of(site)
    authorities = {cluster.host: api_ca(cluster, work.read).get("ca_data") for cluster in work.clusters(hosts)}

    def one(kube: Kube, cluster: Cluster) -> Token | Failure:
        turn = turns[cluster.host]
        token = make_successor(kube, cluster.namespace, FLYTEADMIN, turn["current"], turn["name"], terms=terms, timeout=timeout)
        token = dataclasses.replace(token, ca_cert=authorities[cluster.host] or token.ca_cert)
        if cluster.probe_from == "none":
            require_accepted(kube, token.token)
        if cluster.probe_from == "controller":
            asked = {"rules": work.known.rights.needed, "timeout": timeout}
            return _judged(cluster.host, token, settled_probe(endpoints[cluster.name], token.token, token.ca_cert, **asked))
        return token

    found = on_clusters(work, hosts, one, seconds=SETTLE + 4 * timeout)
    failures = [dataclasses.replace(entry, step=STEP, remedy=f"{entry.remedy} {_STAYS}") for entry in found.values() if isinstance(entry, Failure)]
    tokens = {host: entry for host, entry in found.items() if not isinstance(entry, Failure)}
    unreached = _unreached(work, {host: token for host, token in tokens.items() if site.cluster(host).probe_from == "control_plane"})
    return {host: token for host, token in tokens.items() if host not in unreached}, [*failures, *unreached.values()]


def _judged(host: str, token: Token, probe: Mapping[str, t.Any]) -> Token | Failure:
    return token if probe["ok"] else Failure(host, STEP, f"the new token is not taken: {probe['error']}", str(probe["hint"] or ""))


def _unreached(work: Work, tokens: Mapping[str, Token]) -> dict[str, Failure]:
    """Return the data planes that do not take their new token from the control plane's network: from a Secret of its own, which flyteadmin does not read."""
    if not tokens:
        return {}
    site, endpoints = work.known.site, _endpoints(work)
    names = {site.cluster(host).name: host for host in tokens}
    namespace = site.control_plane.namespace
    try:
        head = _head(work)
        store(head, namespace, STAGING, {name: (tokens[host].token, tokens[host].ca_cert) for name, host in names.items()}, [], create_namespace=False)
        try:
            probes = probed_there(work.action, work.known, {name: endpoints[name] for name in names}, secret=STAGING)
        finally:
            head.delete(secrets_path(namespace, STAGING))
    except Exception as error:  # pylint: disable=broad-except  # it concerns these planes only, whatever it is
        return {host: dataclasses.replace(_head_failure(work, error), host=host) for host in tokens}
    found = {host: _judged(host, tokens[host], probes[name]) for name, host in names.items()}
    return {host: dataclasses.replace(entry, remedy=f"{entry.remedy} {_STAYS}") for host, entry in found.items() if isinstance(entry, Failure)}


def restart_readers(work: Work) -> dict[str, t.Any]:
    """Start flyteadmin and syncresources anew, one after the other, and wait until no pod runs that was started before."""
    if not _rotating(work):
        return ended([])
    try:
        changed = _started_anew(work, _head(work))
    except Exception as error:  # pylint: disable=broad-except  # the control plane's failure, whatever it is
        return ended([_head_failure(work, error)], changed=True)
    return ended([], changed=changed, restarted=True)


def _started_anew(work: Work, head: Kube) -> bool:
    """Start what reads the Secret anew where it was not yet, one after the other; return whether something was.

    :raises KubeError: it does not run with what is stored now in time.
    """
    namespace, wait = work.known.site.control_plane.namespace, work.known.site.settings["flyte_wait_timeout"]
    started = [start_anew(head, namespace, name, lambda: _checksum(head, namespace), wait=wait) for name in readers_of(head, namespace)]
    return any(started)


def _rotating(work: Work) -> dict[str, dict[str, t.Any]]:
    return (work.outcomes.of("rotate_stored") or {}).get("rotating") or {}


def _checksum(head: Kube, namespace: str) -> str:
    """Return the checksum of what the control plane's Secret has now, of the clusters that flyteadmin knows."""
    return stored_checksum(flyteadmin_clusters(head, namespace), stored_credentials(read_secret(head, namespace, SECRET_NAME)[1]))


def prove(work: Work) -> dict[str, t.Any]:
    """Show that the new tokens are in use: every pod that reads them was started after they were stored, and each data plane takes what is stored."""
    rotating = _rotating(work)
    if not rotating or not (work.outcomes.of("rotate_restarted") or {}).get("restarted"):
        return ended([], proven=[])
    try:
        failures = _unproven(work, rotating)
    except Exception as error:  # pylint: disable=broad-except  # the control plane's failure, whatever it is
        return ended([_head_failure(work, error)], proven=[])
    hosts = [host for host in rotating if host not in failures]
    failures |= prove_hosts(work, hosts)
    kept = [dataclasses.replace(failure, step=STEP, remedy=f"{failure.remedy} {_STAYS}".strip()) for failure in failures.values()]
    return ended(kept, proven=[host for host in hosts if host not in failures])


def _unproven(work: Work, rotating: Mapping[str, Mapping[str, t.Any]]) -> dict[str, Failure]:
    site, head = work.known.site, _head(work)
    namespace = site.control_plane.namespace
    # A run beside this one may have stored the token of another data plane since: whoever comes first starts what reads them anew for both.
    _started_anew(work, head)
    data = read_secret(head, namespace, SECRET_NAME)[1]
    section = flyteadmin_clusters(head, namespace)
    checksum = stored_checksum(section, stored_credentials(data))
    behind = {name: problem for name in readers_of(head, namespace) if (problem := left_behind(head, namespace, name, checksum))}
    if behind:
        said = "; ".join(f"{name}: {problem}" for name, problem in behind.items())
        return {host: Failure(host, STEP, f"its new token is not in use: {said}", "") for host in rotating}
    names = {site.cluster(host).name: host for host in rotating}
    moved = [name for name, host in names.items() if fingerprint(data.get(f"{name}_token", b"")) != rotating[host]["fingerprint"]]
    configs = [entry for entry in section.get("clusterConfigs") or [] if entry["name"] in names]
    elsewhere = [plane.name for plane in site.data_planes if plane.probe_from != "controller"]
    asked = {"timeout": site.settings["flyte_request_timeout"], "rules": work.known.rights.needed}
    private = {entry["name"]: str(entry["endpoint"]) for entry in configs if site.cluster(names[entry["name"]]).probe_from == "control_plane"}
    probes = {**probe_all(configs, data, unprobed=elsewhere, **asked), **probed_there(work.action, work.known, private)}
    wrong = {names[name]: Failure(names[name], STEP, str(probe["error"]), str(probe["hint"] or "")) for name, probe in probes.items() if not probe["ok"]}
    return {**wrong, **{names[name]: dataclasses.replace(_moved(names[name]), remedy="") for name in moved}}


def delete_former(work: Work) -> dict[str, t.Any]:
    """Delete the former token Secrets of the data planes whose new token is proven in use, after a last look at what is stored."""
    rotating, site = _rotating(work), work.known.site
    proven = (work.outcomes.of("rotate_proven") or {}).get("proven") or []
    if not proven:
        return ended([])
    try:
        stored = stored_credentials(read_secret(_head(work), site.control_plane.namespace, SECRET_NAME)[1])
    except Exception as error:  # pylint: disable=broad-except  # the control plane's failure, whatever it is
        return ended([_head_failure(work, error)])
    safe = [host for host in proven if (stored.get(site.cluster(host).name) or {}).get("token") == rotating[host]["fingerprint"]]

    def one(kube: Kube, cluster: Cluster) -> bool:
        known = rotating[cluster.host]
        deleted = [retire(kube, cluster.namespace, token["secret"], token["uid"]) for token in (known["former"], *known["leftovers"])]
        return any(deleted)

    found = on_clusters(work, safe, one)
    failures = [dataclasses.replace(entry, step=STEP) for entry in found.values() if isinstance(entry, Failure)]
    done = [host for host in safe if not isinstance(found[host], Failure)]
    lines = [_line(host, rotating[host]) for host in done]
    return ended(failures, changed=any(found[host] is True for host in done), lines=lines, rotated=done)


def _line(host: str, entry: Mapping[str, t.Any]) -> str:
    former, more = entry["former"], ", and so is ".join(["", *(token["secret"] for token in entry["leftovers"])])
    return f"{host}: {entry['secret']} ({entry['fingerprint'][:8]}) is in use; {former['secret']} ({former['fingerprint'][:8]}) is deleted{more}"


def end_batch(work: Work) -> dict[str, t.Any]:
    """Return what all batches gave until now: the next one registers its results under the same names."""
    before = work.outcomes.of("rotate_result") or {}
    retired = work.outcomes.of("rotate_retired") or {}
    merged = {key: [*(before.get(key) or []), *(retired.get(key) or [])] for key in ("lines", "rotated")}
    changed = bool(before.get("changed")) or work.outcomes.changed
    return ended(work.failures(), changed=changed, **merged)
