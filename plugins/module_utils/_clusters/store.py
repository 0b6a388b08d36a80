# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the credentials of data planes in the control plane's Secret: gathers all of them at once, merges, writes only what differs."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.fingerprints import credentials_checksum, fingerprint
from .access import access_of, method_of
from .backups import keep
from .bounded import BOUNDED, Terms, authority_of, find_bound, in_use, make_bound, request_token, term_claimed
from .client import Kube
from .credentials import Token, ensure_token, find_tokens, merge_patch, stored_credentials
from .each import PATIENCE, each
from .generations import unused_name
from .probe import SETTLE, settled_probe
from .secrets import Stored, merge_into, read_secret, shown

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class PartialFailure(Exception):
    """Some clusters failed; the others are merged."""

    def __init__(self, failed: list[dict[str, t.Any]], result: dict[str, t.Any]) -> None:
        super().__init__("; ".join(f"{entry['name']}: {entry['error']}. {entry['hint']}" for entry in failed))
        self.result = result


@dataclasses.dataclass
class _Gathered:
    """What one data plane gave. ``pair`` holds secrets."""

    name: str
    pair: tuple[str, str] | None = None
    minted: bool = False
    error: dict[str, t.Any] | None = None
    probe: dict[str, t.Any] | None = None


def _gather(cluster: Mapping[str, t.Any], params: Mapping[str, t.Any], before: Mapping[str, bytes], check_mode: bool) -> _Gathered:
    gathered = _Gathered(cluster["name"])
    if cluster["token"]:
        gathered.pair = (cluster["token"].strip(), cluster["ca_data"])
    else:
        token = _ensured(cluster, params, before, check_mode)
        gathered.minted = token is None or token.changed
        # A proxy in front of an API server has another CA than the one that the token Secret names.
        gathered.pair = (token.token, cluster["ca_data"] or token.ca_cert) if token else None
    if cluster["endpoint"] and gathered.pair:
        gathered.probe = settled_probe(cluster["endpoint"], *gathered.pair, rules=params["rules"], timeout=params["timeout"])
    return gathered


def _failed(cluster: Mapping[str, t.Any], why: Mapping[str, t.Any]) -> _Gathered:
    return _Gathered(cluster["name"], error={"name": cluster["name"], "error": why["message"], "hint": why["hint"]})


def _ensured(cluster: Mapping[str, t.Any], params: Mapping[str, t.Any], before: Mapping[str, bytes], check_mode: bool) -> Token | None:
    kube = method_of(access_of(cluster)).connect(params["timeout"])
    stored = before.get(f"{cluster['name']}_token", b"")
    text = stored.decode("ascii", "replace")
    name = unused_name(cluster["token_secret"], text)
    terms = Terms(cluster["token_kind"], cluster["token_lifetime"], cluster["token_least"])
    if terms.kind == BOUNDED or term_claimed(text):
        bounded = _bounded(kube, cluster, text, name, terms, check_mode)
        if bounded or terms.kind == BOUNDED:
            return bounded
    names = cluster["namespace"], cluster["service_account"], name
    # The one that is stored counts where it is still one: a rotation may have been stopped with two of them.
    return ensure_token(kube, *names, timeout=params["wait_timeout"], check_mode=check_mode, stored=[fingerprint(stored)] if stored else [])


def _bounded(kube: Kube, cluster: Mapping[str, t.Any], stored: str, name: str, terms: Terms, check_mode: bool) -> Token | None:
    """Return the token that is stored where it is bound to a Secret and still holds, or is a long-lived one of this account; else a bounded one, where
    such are made."""
    namespace, account = cluster["namespace"], cluster["service_account"]
    found = find_bound(kube, namespace, account)
    used = in_use(stored, found, kube.now)
    if used:
        return Token(used.secret, stored, authority_of(kube, namespace), used.created, uid=used.uid, replaces=used.replaces)
    if terms.kind != BOUNDED:
        return None
    there = [token for token in find_tokens(kube, namespace, account, name) if token.token == stored]
    if there or check_mode:
        return there[0] if there else None
    # One that a killed run made, or whose token has ended, serves as well.
    return request_token(kube, namespace, account, found[0] if found else make_bound(kube, namespace, account, name), terms)


def store(
    kube: Kube,
    namespace: str,
    name: str,
    pairs: Mapping[str, tuple[str, str]],
    gone: Iterable[str],
    *,
    create_namespace: bool,
    before: Mapping[str, bytes] | None = None,
) -> Stored:
    """Merge credentials into the Secret.

    :param pairs: cluster name to token and CA.
    :param gone: names of clusters whose keys have to go.
    :param before: the data that the pairs were found by: a token that another run stored since then, a rotation for example, is newer and stays.
    """
    absent = list(gone)

    def patch_of(data: Mapping[str, bytes]) -> dict[str, str | None]:
        newer = {cluster for cluster in pairs if before is not None and data.get(f"{cluster}_token") != before.get(f"{cluster}_token")}
        return merge_patch(data, {cluster: pair for cluster, pair in pairs.items() if cluster not in newer}, absent)

    return merge_into(kube, namespace, name, patch_of, create_namespace=create_namespace)


def run(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Gather, merge and write; return the module's result."""
    kube = method_of(params).connect(params["timeout"])
    namespace, name = params["namespace"], params["name"]
    before = read_secret(kube, namespace, name)[1]
    wanted = [cluster for cluster in params["clusters"] if cluster["state"] == "present"]
    gone = [cluster["name"] for cluster in params["clusters"] if cluster["state"] == "absent"]
    limit = params["wait_timeout"] + SETTLE + PATIENCE * params["timeout"]
    gathered = each(lambda cluster: _gather(cluster, params, before, check_mode), wanted, concurrency=params["concurrency"], seconds=limit, failed=_failed)
    pairs = {item.name: item.pair for item in gathered if item.pair}
    stored = Stored(before, merge_patch(before, pairs, gone))
    if stored.patch and not check_mode:
        if params["backups"] and any(key in before for key in stored.patch):
            keep(kube, namespace, "credentials", before)
        stored = store(kube, namespace, name, pairs, gone, create_namespace=params["create_namespace"], before=before)
    result = _result(stored, gathered)
    if result["failed_clusters"] and not params["allow_partial"]:
        raise PartialFailure(result["failed_clusters"], result)
    return result


def _result(stored: Stored, gathered: list[_Gathered]) -> dict[str, t.Any]:
    """Return the module's result: fingerprints only."""
    after = stored.after()
    # In check mode, tokens that would be made have no fingerprint yet; that they would be there is what counts.
    planned = {item.name: {"token": "to be made", "ca_cert": "to be made"} for item in gathered if item.minted and not item.pair}
    credentials = {**stored_credentials(after), **planned}
    keys = set(stored.patch) | {f"{name}_{suffix}" for name in planned for suffix in ("token", "cacert")}
    return {
        "changed": bool(stored.patch or planned or any(item.minted for item in gathered)),
        "credentials": credentials,
        "checksum": credentials_checksum(credentials),
        "changed_keys": sorted(keys),
        "minted": sorted(item.name for item in gathered if item.minted),
        "failed_clusters": [item.error for item in gathered if item.error],
        "probes": {item.name: item.probe for item in gathered if item.probe},
        "diff": {"before": shown(stored.before, keys), "after": {**shown(after, keys), **{key: "to be made" for key in keys if key not in stored.patch}}},
    }
