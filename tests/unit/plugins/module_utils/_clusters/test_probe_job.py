# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Job that tries a private endpoint: its spec holds no credential, it is removed whatever happens, and its script says what curl found."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._clusters import probe_job
from ansible_collections.flyte.multicluster.plugins.module_utils._rights.templates import flyteadmin_rules, synced_of_chart
from api_server import PODS, SECRETS, ApiServer, encoded

RIGHTS = flyteadmin_rules(synced_of_chart(provider_files=True).rules, syncs=True)
FEWER = flyteadmin_rules(synced_of_chart(provider_files=False).rules, syncs=True)
JOBS = "/apis/batch/v1/namespaces/flyte/jobs"
SECRET = f"{SECRETS}/cluster-credentials"
STORED = {SECRET: {"data": encoded(a_token="the-token-of-a", a_cacert="the-ca", b_token="t\n", b_cacert="c")}}


def ended(message: str, code: int = 0) -> dict[str, t.Any]:
    return in_state({"terminated": {"exitCode": code, "message": message}}, "Succeeded")


def in_state(state: dict[str, t.Any], phase: str) -> dict[str, t.Any]:
    return {"items": [{"status": {"phase": phase, "containerStatuses": [{"name": "probe", "state": state}]}}]}


def run(server: ApiServer, *names: str, check_mode: bool = False, **changes: t.Any) -> dict[str, dict[str, t.Any]]:
    clusters = [{"name": name, "endpoint": "https://10.0.0.1/"} for name in names or ("a",)]
    base = {"namespace": "flyte", "secret": "cluster-credentials", "clusters": clusters, "image": "curl:1", "wait_timeout": 0.3, "rules": RIGHTS}
    base |= {"openshift_pods": False, "timeout": 5}
    return t.cast("dict[str, dict[str, t.Any]]", probe_job.run({**base, "concurrency": 4, **server.access, **changes}, check_mode)["probes"])


def job_of(server: ApiServer) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads(next(body for method, path, _headers, body in server.seen if (method, path) == ("POST", JOBS))))


def test_a_job_is_made_read_and_removed() -> None:
    with ApiServer({**STORED, PODS: ended("end\n")}) as server:
        found = run(server)
        job = job_of(server)
        deleted = [path for method, path, _headers, _body in server.seen if method == "DELETE"]
    assert found == {"a": {"ok": True, "error": None, "hint": None, "kind": None, "denied": [], "excess": []}}
    assert deleted == [f"{JOBS}/{job['metadata']['name']}?propagationPolicy=Background"]
    pod, text = job["spec"]["template"]["spec"], json.dumps(job)
    assert "the-token-of-a" not in text and encoded(x="the-token-of-a")["x"] not in text
    assert pod["volumes"][0]["secret"]["items"] == [{"key": "a_token", "path": "token"}, {"key": "a_cacert", "path": "ca.crt"}]
    assert (pod["containers"][0]["image"], job["spec"]["backoffLimit"], pod["restartPolicy"]) == ("curl:1", 0, "Never")
    assert job["spec"]["ttlSecondsAfterFinished"] and pod["automountServiceAccountToken"] is False and pod["securityContext"]["runAsUser"] == 65534
    environment = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
    assert environment["ENDPOINT"] == "https://10.0.0.1" and "- serviceaccounts patch default" in environment["RIGHTS"].splitlines()
    assert "- namespaces create -" in environment["RIGHTS"].splitlines()


def test_openshift_chooses_the_user_itself() -> None:
    with ApiServer({**STORED, PODS: ended("end")}) as server:
        run(server, openshift_pods=True)
        context = job_of(server)["spec"]["template"]["spec"]["securityContext"]
    assert "runAsUser" not in context and context["runAsNonRoot"]


def test_a_secret_that_cannot_serve_needs_no_job() -> None:
    with ApiServer({**STORED, PODS: ended("end")}) as server:
        found = run(server, "b", "c")
        assert f"POST {JOBS}" not in server.asked
        assert run(server, check_mode=True) == {} and f"POST {JOBS}" not in server.asked
    assert "white space" in found["b"]["error"] and "has no key of it" in found["c"]["error"]


@pytest.mark.parametrize(
    ("pods", "said"),
    [
        ({"items": []}, "did not end within 0.3 s: it has no pod"),
        (in_state({"waiting": {"reason": "ErrImagePull"}}, "Pending"), "probe: ErrImagePull"),
        (ended("", 127), "ended with exit code 127 and said nothing"),
        (ended("denied create namespaces\n"), "broke off"),
        ({"items": [{"status": 7}]}, "the pod of the Job flyte/"),
        (403, "403"),
    ],
)
def test_a_job_that_says_nothing_is_said_and_removed(pods: t.Any, said: str) -> None:
    with ApiServer({**STORED, PODS: pods}) as server:
        found = run(server)["a"]
        assert server.asked[-1].startswith(f"DELETE {JOBS}/")
    assert not found["ok"] and said in found["error"] and found["hint"] and found["kind"] == "job"


def test_a_job_that_cannot_be_made_is_that_clusters_failure() -> None:
    with ApiServer({**STORED, f"POST {JOBS}": 403}) as server:
        found = run(server)["a"]
    assert not found["ok"] and "403" in found["error"] and found["hint"]


# -- the script, with a real shell and a real curl

NEEDS_CURL = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")


def script(tmp_path: pathlib.Path, endpoint: str, **files: str) -> dict[str, t.Any]:
    """Run what the container runs; return what it means."""
    for name, text in {"token": "the-token-of-a", "ca.crt": "", **files}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    params = {"secret": "s", "namespace": "flyte", "image": "x", "wait_timeout": 5, "rules": FEWER, "openshift_pods": False, "timeout": 5}
    container = probe_job.job("x", {"name": "a", "endpoint": endpoint}, params)["spec"]["template"]["spec"]["containers"][0]
    own = {"FILES": str(tmp_path), "SCRATCH": str(tmp_path), "RESULT": str(tmp_path / "result")}
    environment = {**{entry["name"]: entry["value"] for entry in container["env"]}, **own, "PATH": os.environ["PATH"]}
    answer = subprocess.run(container["command"], env=environment, capture_output=True, text=True, check=False, timeout=60)
    message = (tmp_path / "result").read_text(encoding="utf-8")
    assert answer.returncode == 0 and not answer.stdout and not answer.stderr and "the-token-of-a" not in message, (answer, message)
    return probe_job.verdict(message, endpoint)


class Answering:
    """An API server as curl sees it: it answers 201 and, to a person's browser and to curl's own name, with white space; it denies one right."""

    def __init__(self, denied: tuple[str, str] | None = None) -> None:
        self.asked = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Answers reviews."""

            def do_POST(self) -> None:
                """Answer one."""
                wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["spec"]["resourceAttributes"]
                known = self.headers["Authorization"] == "Bearer the-token-of-a"
                outer.asked += 1
                self.send_response(201 if known else 401)
                self.end_headers()
                self.wfile.write(json.dumps({"status": {"allowed": (wanted["verb"], wanted["resource"]) != denied}}).encode())

            def log_message(self, format: str, *args: t.Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@NEEDS_CURL
def test_what_the_script_says(tmp_path: pathlib.Path) -> None:
    with Answering(denied=("create", "namespaces")) as server:
        found = script(tmp_path, server.url)
        assert found["denied"] == ["create namespaces"] and found["kind"] == "rights" and server.asked == 8
    (tmp_path / "result").unlink()
    with Answering() as server:
        assert script(tmp_path, server.url)["ok"]
        (tmp_path / "result").unlink()
        found = script(tmp_path, server.url, token="another")
        assert found["error"] == f"{server.url} answers the control plane with HTTP 401" and "not accepted" in found["hint"]
    (tmp_path / "result").unlink()
    found = script(tmp_path, "http://127.0.0.1:1")
    assert "does not answer from the control plane: curl: (7)" in found["error"] and "flyte_api_endpoint" in found["hint"]
