# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hostile answers, made from good ones: each is one cluster's, or flyteadmin's, failure with what to do, never another exception, without a secret."""

from __future__ import annotations

import base64
import collections
import gzip
import io
import json
import typing as t

import pytest
import requests
import yaml
from ansible_collections.flyte.multicluster.plugins.module_utils._common.times import ServerClock
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import client as _client
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import observe as _observe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import probe as _probe
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import client as _admin
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import label_changes, label_report, launch, listing, metadata
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.journal import FileJournal
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import Settings
from ansible_collections.flyte.multicluster.plugins.module_utils._labels.placement import Placement
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.complete import unfinished
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.planner import Chart, make_plan
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import failure_table, plan_lines
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.verify import cluster_failures
from api_server import (
    ALL_SECRETS,
    CONFIG_MAPS,
    RECORDS,
    SECRETS,
    TOKENS,
    WORKING_MANIFEST,
    Answers,
    all_secrets,
    control_plane,
    encoded,
    helm_record,
    token_secret,
    working_plane,
)
from conftest import REPOSITORY, Inventory, site_of
from fuzzing import EXAMPLES, ODD, SECRET, holds, mutated, without_secret
from hypothesis import strategies as st
from status_sites import said_of_status

HUB, HOSTILE, GOOD = "controlplane", "dataplane_1", "dataplane_2"
#: what failures have to be of: an answer that is changed where nobody asks for it tests nothing
AIMED_AT = ("Helm's record flyte/", "the Secrets in the namespace", "the Deployments", "the namespaces")
RULES = "POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews"


class FakeKube(Kube):
    """Answers from a table, as the client does that decodes what came; without sockets."""

    def __init__(self, answers: Answers, name: str) -> None:  # pylint: disable=super-init-not-called
        self._answers, self._name, self._time = answers, name, ServerClock()

    @property
    def server(self) -> str:
        return f"https://{self._name}"

    def request(self, method: str, path: str, *, query: t.Any = None, **_more: t.Any) -> t.Any:
        whole = path + ("?" + requests.compat.urlencode(query) if query else "")  # type: ignore[attr-defined]
        keys = (f"{method} {path}", whole, path) if method == "GET" else (f"{method} {path}",)
        found = next((self._answers[key] for key in keys if key in self._answers), 404 if method == "GET" else {})
        found = found({}) if callable(found) else found
        if isinstance(found, int):
            raise _client._api_error(method, self.server + path, found, b'{"message": "said by the table"}', f"Bearer {SECRET}")
        return _client._decoded(method, self.server + path, found if isinstance(found, bytes) else json.dumps(found).encode())


def plane() -> Answers:
    secrets = {TOKENS: {"items": [token_secret(data=encoded(token=SECRET, ca__crt="its-ca"))]}, f"{SECRETS}/flyte-core-admin-auth": {"data": encoded(x=SECRET)}}
    return working_plane(**{RECORDS: {"items": [_record(_content())]}, **secrets})


def hub() -> Answers:
    pairs = encoded(dataplane_1_token=SECRET, dataplane_1_cacert="c", a_token=SECRET, a_cacert="c", other=SECRET)
    return {**plane(), **control_plane("https://a", **{f"{SECRETS}/cluster-credentials": {"data": pairs}, RECORDS: {"items": [_record(_content())]}})}


def _content() -> dict[str, t.Any]:
    found = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(helm_record(WORKING_MANIFEST)["data"]["release"]))))
    return {**found, "config": {"db": {"password": SECRET}}}


def _record(content: t.Any, change: t.Callable[[bytes], bytes] = bytes) -> dict[str, t.Any]:
    return helm_record(raw=base64.b64encode(change(gzip.compress(json.dumps(content).encode()))))


_BYTES: dict[str, t.Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "cut off": lambda raw: raw[: len(raw) // 2],
    "no gzip": lambda raw: raw[10:],
    "nothing": lambda raw: b"",
    "no JSON": lambda raw: gzip.compress(b"{"),
    "flipped": lambda raw: raw[:20] + bytes([raw[20] ^ 255]) + raw[21:],
}
_WHOLE = st.sampled_from([401, 403, 404, 409, 500, 503, 302, b"", b"<html>", b"[]", b"null", b'{"items": [', b"\xff\xfe", b"[" * 5000, b"1e999", b"9" * 5000])


@st.composite
def answers(draw: st.DrawFn, base: Answers) -> Answers:
    """Return the answers of a cluster of which one or two are not as they should be."""
    found = dict(base)
    # An observation reads Helm's record, the tokens and the other Secrets by one request: what is changed of each of them has to be in its answer.
    found[ALL_SECRETS] = lambda headers: all_secrets(found, headers)
    for _number in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from([*found, RULES]))
        kind = draw(st.integers(0, 4))
        if path == RECORDS and kind < 3:
            content = draw(mutated(_content()))
            record = _record(content, draw(st.sampled_from(list(_BYTES.values()))))
            found[path] = {"items": [record]}
        elif path == f"{CONFIG_MAPS}/config" and kind < 3:
            section = yaml.safe_load(base[path]["data"]["clusters.yaml"])
            found[path] = {"data": {"clusters.yaml": yaml.safe_dump(draw(mutated(section)))}}
        elif kind == 4:
            found[path] = draw(_WHOLE)
        else:
            whole = found.get(path, {"status": {"resourceRules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}})
            whole = whole({}) if callable(whole) else whole
            found[path] = draw(mutated(whole)) if isinstance(whole, (dict, list)) else draw(st.sampled_from(ODD))
    return found


def _spec(name: str, served: Answers) -> dict[str, t.Any]:
    return {
        "name": name, "access": {"served": served, "name": name}, "namespace": "flyte", "release": "flyte-core-data", "control_plane": name == HUB,
        "data_plane": name != HUB, "token_secret": "flyteadmin-token", "propeller": True, "rights": False,
    }  # fmt: skip


class _Method:
    def __init__(self, access: dict[str, t.Any]) -> None:
        self._access = access

    def connect(self, _timeout: float) -> Kube:
        return FakeKube(self._access["served"], self._access["name"])


def test_a_thousand_answers_of_clusters_are_one_clusters_failure(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of(inventory)
    came: collections.Counter[str] = collections.Counter()
    named: collections.Counter[str] = collections.Counter()
    monkeypatch.setattr(_observe, "method_of", _Method)
    serving: dict[str, Answers] = {}
    monkeypatch.setattr(_probe, "Kube", lambda access, **_more: FakeKube(serving[HOSTILE], access["host"]))

    def check(given: tuple[bool, Answers]) -> None:
        of_hub, served = given
        serving.update({HUB: served if of_hub else hub(), HOSTILE: plane() if of_hub else served, GOOD: plane()})
        found = _observe.observe([_spec(name, table) for name, table in serving.items()], concurrency=4, timeout=20, rules=[])
        broken = found[HUB if of_hub else HOSTILE]
        assert all(entry["reachable"] for entry in found.values() if entry is not broken), found
        came["found" if broken["reachable"] else "failure"] += 1
        if not broken["reachable"]:
            error = broken["error"]
            assert error["message"] and error["hint"] and "cannot be understood" not in error["message"], error
            named.update(what for what in AIMED_AT if what in error["message"])
        text = json.dumps(found)  # as a module's result goes to Ansible
        without_secret(text)
        if found[HUB]["reachable"]:
            without_secret("\n".join(_said(site, json.loads(text))))

    holds(check, st.booleans().flatmap(lambda of_hub: st.tuples(st.just(of_hub), answers(hub() if of_hub else plane()))))
    assert sum(came.values()) >= EXAMPLES and min(came["found"], came["failure"]) > EXAMPLES / 10, came
    assert all(named[what] >= EXAMPLES / 200 for what in AIMED_AT), named


def _said(site: t.Any, observed: dict[str, t.Any]) -> t.Iterator[str]:
    plan = make_plan(site, observed, chart=Chart("/c", "flyte-core", "v1"), digest=lambda cluster, configuration: "f", aws=None)
    yield from plan_lines(plan.rows)
    failures = [*plan.failures, *cluster_failures(site, observed), *unfinished(site, observed)]
    assert all(failure.host and failure.problem and failure.remedy for failure in failures), failures
    yield "\n".join(failure_table(failures))
    yield from said_of_status(site, observed)


# -- flyteadmin


def _exchanges() -> dict[str, list[t.Any]]:
    """Return the good recorded answers, by method and the first parts of the path."""
    found: dict[str, list[t.Any]] = collections.defaultdict(list)
    for name in ("flyteadmin-exchanges", "flyteadmin-auth-exchanges"):
        for entry in json.loads((REPOSITORY / f"tests/unit/exchanges/{name}.json").read_text(encoding="utf-8"))["exchanges"]:
            if entry["response"]["status"] == 200:
                body = entry["response"]["body"]
                body = {**body, "access_token": SECRET} if isinstance(body, dict) and "access_token" in body else body
                found[_kind(entry["request"]["method"], entry["request"]["path"])].append(body)
    return found


def _kind(method: str, path: str) -> str:
    parts = path.partition("?")[0].strip("/").split("/")
    return f"{method} {'/'.join(parts[:3])} {len(parts)}"


GOOD_ANSWERS = _exchanges()
_TEXTS = [
    b"", b"<html><title>Login</title></html>", b"[]", b"null", b'"x"', b"{", b"[" * 5000, b"\xff", b'{"error": "x"}',
]  # fmt: skip
#: what holds the token, and is not what was asked for
_TOKEN_TEXTS = [f'["{SECRET}"]'.encode(), SECRET.encode(), *_TEXTS]


@st.composite
def admin_answers(draw: st.DrawFn) -> dict[str, tuple[int, dict[str, str], bytes]]:
    """Return what flyteadmin, or something in its place, answers to each kind of request: one or two kinds not as they should be."""
    kinds = sorted(GOOD_ANSWERS)
    odd = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3))
    found = {}
    for kind in kinds:
        body = draw(st.sampled_from(GOOD_ANSWERS[kind]))
        status, headers = 200, {"Content-Type": "application/json"}
        if kind in odd:
            way = draw(st.integers(0, 3))
            status = draw(st.sampled_from([200, 200, 400, 401, 403, 404, 409, 500, 501])) if way else 200
            if way == 3:
                texts = _TOKEN_TEXTS if kind.startswith("POST oauth2") and status == 200 else _TEXTS
                found[kind] = (status, draw(st.sampled_from([headers, {}, {"Content-Type": "text/html"}])), draw(st.sampled_from(texts)))
                continue
            body = draw(mutated(body))
        found[kind] = (status, headers, json.dumps(body).encode())
    return found


_LAUNCH = {
    "project": "team1", "domain": "development", "launch_plan": "example.training_workflow", "version": None, "inputs": {}, "labels": {}, "name": "f1",
    "execution_cluster_label": None, "known_labels": None, "expect_cluster": ["dataplane_1"], "console_url": None, "wait": True, "wait_timeout": 0,
    "abort_on_timeout": True,
}  # fmt: skip
_LISTING = {"projects": ["team1"], "domains": None, "cluster": "dataplane_1", "phases": ["RUNNING"], "console_url": None, "concurrency": 2}
_CHANGES = {
    "labels": [{"project": "team1", "domain": domain, "workflow": None, "label": label} for domain, label in (("staging", "label1"), (None, "l"))],
    "state": "present", "purge": ["project1"], "known_labels": ["label1", "l"], "concurrency": 2, "journal_rows": None, "gather": True, "backups": False,
}  # fmt: skip


def test_a_thousand_answers_of_flyteadmin_are_its_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
    served: dict[str, tuple[int, dict[str, str], bytes]] = {}
    came: collections.Counter[str] = collections.Counter()

    def request(_session: t.Any, method: str, url: str, **_more: t.Any) -> requests.Response:
        answer = requests.Response()
        path = "/" + url.partition("//")[2].partition("/")[2]
        status, headers, body = served.get(_kind(method, path), (404, {}, b"404 page not found"))
        answer.status_code, answer.raw, answer.url = status, io.BytesIO(body), url
        answer.headers.update(headers)
        return answer

    monkeypatch.setattr(requests.Session, "request", request)
    monkeypatch.setattr(_admin.time, "sleep", lambda _seconds: None)
    placement = Placement({"label1": [{"id": "dataplane_1", "weight": 1}]}, frozenset(["dataplane_1"]), None)
    journal = FileJournal(str(tmp_path), "https://flyte")
    with_login = {"client_id": "client", "client_secret": f"{SECRET}-own", "token_url": None}
    runs: list[t.Callable[[Settings], t.Any]] = [
        lambda settings: label_report.run({"project": "team1", "domain": "development", "workflow": None}, settings, placement),
        lambda settings: listing.run(_LISTING, settings),
        lambda settings: launch.run(_LAUNCH, settings, check_mode=False, placement_of=lambda: placement),
        lambda settings: label_changes.run(
            _CHANGES, settings, check_mode=False, warn=lambda _text: None, placement_of=lambda: placement, journal=journal
        ),
        lambda settings: metadata.wants_tokens({"url": settings.url, "timeout": 1.0, "retry_for": 0.0}),
    ]

    def check(given: tuple[dict[str, t.Any], int, bool]) -> None:
        served.clear()
        served.update(given[0])
        settings = Settings.from_params({"url": "http://flyte", "retry_for": 0.0, **(with_login if given[2] else {})}, {})
        try:
            text = json.dumps(runs[given[1]](settings))
            came["answered"] += 1
        except AdminError as error:
            text = str(error)
            came["failure"] += 1
            assert error.message and error.hint, (error.message, error.hint)
        without_secret(text)

    holds(check, st.tuples(admin_answers(), st.integers(0, len(runs) - 1), st.booleans()))
    assert sum(came.values()) >= EXAMPLES and min(came["answered"], came["failure"]) > EXAMPLES / 10, came
