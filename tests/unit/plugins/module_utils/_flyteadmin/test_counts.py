# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many executions run, and how many of the last day failed, by cluster."""

from __future__ import annotations

import datetime
import typing as t
import urllib.parse

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin import counts as _counts
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.counts import counted
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.errors import AdminError
from scripted import Scripted, as_json, clean_environment, client  # noqa: F401  pylint: disable=unused-import

NOW = datetime.datetime(2026, 11, 28, 15, 0, tzinfo=datetime.timezone.utc)
PLACE = [("team1", "development")]


def execution(cluster: str, created: str = "2026-11-28T14:00:00.123456789Z") -> dict[str, t.Any]:
    metadata = {"system_metadata": {"execution_cluster": cluster, "namespace": "team1-development"}}
    identity = {"project": "team1", "domain": "development", "name": "f0"}
    return {"id": identity, "spec": {"metadata": metadata}, "closure": {"phase": "RUNNING", "created_at": created}}


def answer(*executions: dict[str, t.Any], token: str = "") -> t.Any:
    return as_json(200, {"executions": list(executions), "token": token})


def asked(server: Scripted) -> list[dict[str, str]]:
    return [dict(urllib.parse.parse_qsl(path.partition("?")[2])) for _method, path, _headers, _body in server.seen]


def test_by_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_counts, "OPEN", ("RUNNING",))
    old = execution("dataplane_1", "2026-11-27T14:59:59Z")
    # One question after the other: the answers come in the order of the script.
    with Scripted(
        answer(execution("dataplane_1"), execution("dataplane_2"), token="1"), answer(execution("dataplane_1")), answer(execution(""), old)
    ) as server:
        admin = client(server.url)
        admin._concurrency = 1
        found = counted(admin, PLACE, NOW)
        assert (found.running, found.failed, found.more) == ({"dataplane_1": 2, "dataplane_2": 1}, {"": 1}, [])
        first, second, third = asked(server)
    assert first["filters"] == "value_in(phase,RUNNING)" and third["filters"] == "value_in(phase,FAILED;TIMED_OUT)"
    assert first["sort_by.direction"] == "DESCENDING" and second["token"] == "1" and "token" not in first


def test_what_is_older_than_a_day_ends_the_pages() -> None:
    with Scripted(answer(), answer(execution("a"), execution("a", "2026-11-01T00:00:00Z"), token="1"), answer()) as server:
        admin = client(server.url)
        admin._concurrency = 1
        assert counted(admin, PLACE, NOW).failed == {"a": 1} and len(server.seen) == 2


def test_pages_without_an_end_are_not_read_for_ever() -> None:
    with Scripted(*(answer(execution("a", "no date"), token=str(number)) for number in range(1, 50))) as server:
        found = counted(client(server.url), PLACE, NOW)
        assert found.more == ["team1/development"] and found.running == {"a": 20} and len(server.seen) == 42


def test_a_page_that_comes_again_is_an_error() -> None:
    with Scripted(answer(execution("a"), token="1")) as server, pytest.raises(AdminError, match="the same one again"):
        counted(client(server.url), PLACE, NOW)


def test_an_answer_that_is_none_is_an_error() -> None:
    for wrong in (as_json(200, {"executions": [{"id": 1}]}), as_json(500, {}), (200, {}, b"<html>")):
        with Scripted(wrong) as server, pytest.raises(AdminError):
            counted(client(server.url, retry_for=0), PLACE, NOW)
