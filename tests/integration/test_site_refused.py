# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bad inventories of each provider are refused before any change: everything on every cluster, in IAM, in flyteadmin and on disk is as before.

What is refused needs no site of that provider: nothing of it is made. On a site that is built.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

import pytest
from conftest import Result, SiteUnderTest, differing

pytestmark = pytest.mark.built_site

SECRET = "planted-secret-4711"
HUB, ONE, TWO = "controlplane", "dataplane_1", "dataplane_2"
_ACCOUNT = "{}@a-project.iam.gserviceaccount.com"
_OF: dict[str, dict[str, t.Any]] = {
    "gcp": {
        "flyte_gcp_control_plane_service_account": _ACCOUNT.format("control-plane"),
        "flyte_gcp_data_plane_service_account": _ACCOUNT.format("data-plane"),
        "flyte_gcp_domain_service_accounts": {domain: _ACCOUNT.format(f"tasks-{domain}") for domain in ("development", "staging", "production")},
        "flyte_user_settings": {"dbHost": "db.lab.example", "dbPassword": SECRET, "hostName": "flyte.lab.example"},
        "flyte_buckets": ["flyte-lab"],
    },
    "generic": {},
    "aws": {},
}
_Fault = tuple[str, str, t.Any]
#: of each provider, host, variable and value of faults that are said together
TOGETHER: dict[str, list[_Fault]] = {
    "gcp": [
        (HUB, "flyte_gcp_control_plane_service_account", "nobody"),
        (HUB, "flyte_gcp_domain_service_accounts", {"prodction": _ACCOUNT.format("tasks-prod")}),
        (HUB, "flyte_aws_region", "us-east-2"),
        (HUB, "flyte_iam_mode", "pod_identity"),
        (HUB, "flyte_user_settings", {"dbHost": f"postgres://me:{SECRET}@db", "dbPassword": SECRET}),
        (HUB, "flyte_lables", {}),
        (ONE, "flyte_eks_cluster", "flyte-dataplane1"),
        (ONE, "flyte_data_plane_role_arn", "arn:aws:iam::123456789012:role/x"),
        (ONE, "flyte_raw_data_bucket", "raw/../x"),
        (ONE, "flyte_cluster_enable", False),
        (ONE, "flyte_api_endpoint", f"https://bob:{SECRET}/w@d@h"),
        (TWO, "flyte_namespace", "a\x1b[2Jb"),
        (TWO, "flyte_cluster_name", "dаtaplane_2"),
    ],
    "generic": [
        (HUB, "flyte_buckets", ["flyte-lab"]),
        (HUB, "flyte_labels", {"GPU": [{"cluster": ONE, "weight": 1}]}),
        (HUB, "flyte_default_execution_label", "labl1"),
        (HUB, "flyte_admin_url", "http://127.0.0.999"),
        (HUB, "flyte_token_secret", "flyte-secret-auth"),
        (HUB, "flyte_admin_proxy", f"http://me:{SECRET}/@proxy"),
        (ONE, "flyte_kube_api_key", f"{SECRET}\nmore"),
        (ONE, "flyte_kube_client_qps", "1_0"),
        (ONE, "flyte_release_name", ""),
        (TWO, "flyte_log_links", [{"name": "logs", "uri": f"https://me:{SECRET}@h/{{podName}}"}]),
        (TWO, "flyte_dataplane_rbac", "least"),
    ],
    "aws": [
        (HUB, "flyte_iam_policy_name", "${aws:username}"),
        (HUB, "flyte_control_plane_role_arn", "notanarn"),
        (HUB, "flyte_gcp_data_plane_service_account", _ACCOUNT.format("data-plane")),
        (ONE, "flyte_user_settings", {"bucketName": "another", "dbPassword": 4711}),
        (ONE, "flyte_eks_region", "eu-west-1b"),
        (TWO, "flyte_eks_cluster", "a b"),
    ],
}
#: what is found out after the inventory itself: provider, host, variable, value, and what is said
LATER: list[tuple[str, str, str, t.Any, str]] = [
    ("gcp", HUB, "flyte_user_settings", {"dbHots": "x", "dbPassword": SECRET}, "flyte_user_settings.dbHots: is read by none of the chart's values"),
    ("gcp", HUB, "flyte_user_settings", {"dbHost": "db", "dbPassword": ""}, "controlplane: userSettings.dbPassword: is empty"),
    ("gcp", HUB, "flyte_gcp_data_plane_service_account", _ACCOUNT.format("x-account").replace("a-", "b-"), "userSettings.googleProjectId = '<PROJECT-ID>'"),
    ("generic", HUB, "flyte_user_settings", {"dbPassword": SECRET}, "flyte_user_settings.dbPassword: is read by none of the chart's values"),
    ("generic", ONE, "flyte_values", {"flytepropeller": SECRET}, "dataplane_1: flyte_values.flytepropeller: is text, and has to be a mapping"),
    ("generic", ONE, "flyte_values", {"flytepropeller": {"nodeSelector": {"dedicated": True}}}, ".nodeSelector.dedicated: has to be text"),
    ("generic", ONE, "flyte_values_files", ["/dev/zero"], "dataplane_1: flyte_values_files = '/dev/zero'"),
    ("generic", TWO, "flyte_kube_context", "no-such", "none of its contexts has the name no-such"),
    ("generic", HUB, "flyte_chart_ref", "/dev/zero", "controlplane: flyte_chart_ref = '/dev/zero'"),
    ("generic", HUB, "flyte_helm_binary", "/bin/cat", "controlplane: flyte_helm_binary = '/bin/cat'"),
]


def _of_provider(site: SiteUnderTest, provider: str) -> SiteUnderTest:
    """Return the site as one of another provider."""
    other = site.changed_copy()
    if provider != "aws":
        for name in [name for name in other.variables if name.startswith(("flyte_aws_", "flyte_iam_", "flyte_buckets", "flyte_user_settings"))]:
            del other.variables[name]
        for group in other.inventory["all"]["children"].values():
            for host in group["hosts"].values():
                host.pop("flyte_eks_cluster")
    other.variables.update({"flyte_provider": provider, **_OF[provider]})
    return other


def _put(site: SiteUnderTest, host: str, name: str, value: t.Any) -> None:
    # What is one host's own stands there, the rest with all.
    of_host = name.startswith(("flyte_api_", "flyte_kube", "flyte_cluster_", "flyte_eks_", "flyte_namespace", "flyte_release", "flyte_values", "flyte_log_"))
    groups = site.inventory["all"]["children"].values()
    place = next(group["hosts"][host] for group in groups if host in group["hosts"]) if host != HUB or of_host else site.variables
    place[name] = value


def _everything(site: SiteUnderTest) -> dict[str, t.Any]:
    """Return what anybody could change: objects, IAM, labels and files."""
    found: dict[str, t.Any] = {"labels": site.labels()}
    for name in site.lab.clusters():
        cluster = site.cluster(name)
        namespaces = tuple(item["metadata"]["name"] for item in cluster.get("/api/v1/namespaces")["items"] if not item["metadata"]["name"].startswith("kube-"))
        found.update({f"{name} {path}": version for path, version in cluster.snapshot(namespaces).items()})
    iam = site.lab.aws_client("iam")
    found["IAM"] = json.dumps([iam.list_roles()["Roles"], iam.list_policies(Scope="Local")["Policies"]], sort_keys=True, default=str)
    files = [path for path in site.folder.rglob("*") if path.is_file() and not path.name.startswith("inventory-") and "tmp" not in path.parts]
    return {**found, **{str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}}


def _refused(site: SiteUnderTest, playbook: str = "site.yml", *arguments: str) -> Result:
    found = site.run(*arguments, playbook=playbook, timeout=120)
    assert found.code != 0 and "Nothing was changed." in found.output, found.output
    for nonsense in ("Traceback", "object has no attribute", "which is a bug", "no message", "VARIABLE IS NOT DEFINED", "\x1b[2J", SECRET):
        assert nonsense not in found.output, (nonsense, found.output)
    return found


@pytest.mark.parametrize("provider", list(TOGETHER))
def test_faults_of_an_inventory_are_said_together(site: SiteUnderTest, provider: str) -> None:
    before, other = _everything(site), _of_provider(site, provider)
    for fault in TOGETHER[provider]:
        _put(other, *fault)
    found = _refused(other)
    missing = [(host, name) for host, name, _value in TOGETHER[provider] if f"{host}: {name}" not in found.flat and f": {name}" not in found.flat]
    assert not missing, (missing, found.output)
    assert not differing(before, _everything(site))


def test_what_is_found_out_later_changes_nothing_either(site: SiteUnderTest) -> None:
    before = _everything(site)
    for provider, host, name, value, said in LATER:
        other = _of_provider(site, provider)
        _put(other, host, name, value)
        found = _refused(other)
        assert said in found.flat, (said, found.output)
    assert not differing(before, _everything(site))


def test_one_cluster_by_another_name_is_refused(site: SiteUnderTest, tmp_path: pathlib.Path) -> None:
    """The control plane's cluster for a data plane would get its release over flyteadmin's; another data plane's, a second flytepropeller."""
    before, alias = _everything(site), tmp_path / "another"
    alias.symlink_to(site.lab.kubeconfig)
    for context, first in (("controlplane", HUB), ("dataplane1", ONE)):
        other = _of_provider(site, "generic")
        for name, value in (("flyte_kubeconfig", str(alias)), ("flyte_kube_context", context), ("flyte_api_endpoint", "https://another.example")):
            _put(other, TWO, name, value)
        found = _refused(other)
        assert f"dataplane_2: flyte_namespace = 'flyte': is the namespace of {first} in this cluster" in found.flat, found.output
    assert not differing(before, _everything(site))


@pytest.mark.parametrize("playbook", ["rotate.yml", "remove.yml", "verify.yml", "status.yml"])
def test_other_playbooks_refuse_it_too(site: SiteUnderTest, playbook: str) -> None:
    before, other = _everything(site), _of_provider(site, "gcp")
    _put(other, ONE, "flyte_kubeconfg", SECRET)
    _put(other, HUB, "flyte_domains", ["development", "no"])
    found = _refused(other, playbook, "-e", "cluster=dataplane_1")
    assert "dataplane_1: flyte_kubeconfg: is no variable of this collection. Did you mean 'flyte_kubeconfig'?" in found.flat, found.output
    assert "controlplane: flyte_domains = 'no': is a number, a date or a word" in found.flat, found.output
    assert not differing(before, _everything(site))
