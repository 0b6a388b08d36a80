# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Helm's records as a run reads them before it changes a release: values, manifest, our label; and what we gave it last."""

from __future__ import annotations

import base64
import gzip
import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.client import Kube, KubeError
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.records import read_record, write_label
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters.releases import find_release
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.label import LABEL, label_value
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest
from api_server import RECORDS, SECRETS, ApiServer, helm_record

RELEASE = {"name": "flyte-core-data", "revision": 3, "secret": "sh.helm.release.v1.flyte-core-data.v3"}


def record(revision: int, values: t.Any, label: str | None = None) -> tuple[str, dict[str, t.Any]]:
    """Return the path of a record, and the record."""
    content = {"config": values, "manifest": "---\nkind: X\n", "chart": {"metadata": {"name": "flyte-core", "version": "v1"}}}
    raw = base64.b64encode(gzip.compress(json.dumps(content).encode()))
    name = f"sh.helm.release.v1.flyte-core-data.v{revision}"
    labels = {"version": str(revision), **({LABEL: label} if label else {})}
    found = {"metadata": {"name": name, "uid": f"uid-{revision}", "labels": labels}, "data": {"release": base64.b64encode(raw).decode()}}
    return f"{SECRETS}/{name}", found


def read(*records: tuple[str, dict[str, t.Any]]) -> tuple[t.Any, list[str]]:
    with ApiServer(dict(records)) as server:
        return read_record(Kube(server.access), "flyte", RELEASE), server.asked


def test_a_record_has_what_was_given_and_a_key_that_only_its_readers_know() -> None:
    found, asked = read(record(3, {"a": 1}))
    assert (found.values, found.manifest, found.label, found.key, found.last) == ({"a": 1}, "---\nkind: X\n", None, "uid-3", None)
    assert asked == [f"GET {SECRETS}/sh.helm.release.v1.flyte-core-data.v3"] and found.digest == digest({"a": 1})
    assert "uid-3" not in repr(found)
    assert read(record(3, None))[0].values == {}
    assert read()[0] is None


def test_of_a_release_as_we_gave_it_no_other_record_is_read() -> None:
    found, asked = read(record(3, {"a": 1}, label_value(digest({"a": 1}))), record(2, {"a": 0}))
    assert found.last is None and len(asked) == 1


def test_of_one_that_was_changed_by_hand_what_we_gave_is_found() -> None:
    label = label_value(digest({"a": 1}))
    found, _asked = read(record(3, {"a": 3}, label), record(2, {"a": 2}, label), record(1, {"a": 1}))
    assert found.last == {"a": 1} and found.values == {"a": 3}
    assert read(record(3, {"a": 3}, label), record(1, {"a": 1}))[0].last is None  # Helm does not have it any more
    assert read(record(3, {"a": 3}, label), record(2, {"a": 2}))[0].last is None


@pytest.mark.parametrize("values", [[1], "text"])
def test_a_record_that_is_none_is_said(values: t.Any) -> None:
    with pytest.raises(KubeError, match=r"Helm's record flyte/sh\.helm\.release\.v1\.flyte-core-data\.v3"):
        read(record(3, values))
    path, broken = record(3, {})
    broken["data"] = {"release": "AAAA"}
    with pytest.raises(KubeError, match="cannot be read"):
        read((path, broken))


def test_a_damaged_older_record_keeps_no_run_from_going_on() -> None:
    path, broken = record(2, {})
    broken["data"] = {"release": "AAAA"}
    assert read(record(3, {"a": 3}, "other"), (path, broken))[0].last is None


def test_our_label_is_observed_and_written() -> None:
    labelled = helm_record()
    labelled["metadata"]["labels"][LABEL] = "digest"
    path = f"{SECRETS}/{labelled['metadata']['name']}"
    with ApiServer({RECORDS: {"items": [labelled]}, f"PATCH {path}": {"kind": "Secret"}, f"PATCH {SECRETS}/gone": 404, f"PATCH {SECRETS}/kept": 403}) as server:
        kube = Kube(server.access)
        found = find_release(kube, "flyte", "flyte-core-data")
        assert found is not None and found.given == found.public()["given"] == "digest"
        assert write_label(kube, "flyte", labelled["metadata"]["name"], "other")
        assert json.loads(server.seen[-1][3]) == {"metadata": {"labels": {LABEL: "other"}}}
        assert not write_label(kube, "flyte", "gone", "other")
        with pytest.raises(KubeError):
            write_label(kube, "flyte", "kept", "other")
