# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An installation as a person makes it from the guide, with kubectl, helm and flytectl, the guide's own names and its faults. Nothing of this collection."""

from __future__ import annotations

import json
import pathlib
import subprocess
import time
import typing as t

import binaries
import yaml
from lab import Lab
from lab_chart import chart_folder

DB_PASSWORD, OAUTH_SECRET, MAIL_PASSWORD = "Hand-made-db-pw-1", "hand-made-oauth-2", "hand-made-mail-3"
SECRETS = (DB_PASSWORD, OAUTH_SECRET, MAIL_PASSWORD)
ACCOUNT = "123456789012"
_TOKEN = """
apiVersion: v1
kind: Secret
metadata:
  name: {name}
  namespace: flyte
  annotations: {{kubernetes.io/service-account.name: flyteadmin}}
type: kubernetes.io/service-account-token
"""
_SUBJECTS = ["system:serviceaccount:flyte:flytepropeller", "system:serviceaccount:*:default"]
#: what is not Flyte's, besides a policy, an inline policy, a role and a provider: a statement, and an account of one of the clusters
ADMINS = {"Sid": "Admins", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
STRANGER = "system:serviceaccount:monitoring:grafana"
_OTHERS = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"


class ByHand:
    """A person at a terminal."""

    def __init__(self, lab: Lab, folder: pathlib.Path) -> None:
        self.lab, self.folder = lab, folder
        folder.mkdir()
        self.chart = chart_folder(folder / "chart")
        self.environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "KUBECONFIG": str(lab.kubeconfig)}

    def run(self, program: str, *arguments: str, text: str = "") -> str:
        """Run a program of the lab, and return what it printed."""
        command = [str(binaries.find(program)), *arguments]
        answer = subprocess.run(command, env=self.environment, input=text, capture_output=True, text=True, timeout=120, check=False)
        assert answer.returncode == 0, f"{program} {arguments}: {answer.stdout}{answer.stderr}"
        return answer.stdout

    def kubectl(self, context: str, *arguments: str, text: str = "") -> str:
        """Run kubectl."""
        return self.run("kubectl", "--context", context, *arguments, text=text)

    def helm(self, context: str, *arguments: str) -> str:
        """Run Helm."""
        return self.run("helm", "--kube-context", context, "-n", "flyte", *arguments)

    def file(self, name: str, content: t.Any) -> str:
        """Write a file as YAML, and return its path."""
        path = self.folder / name
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return str(path)

    def install(self) -> None:
        """Follow the guide from its beginning to its end."""
        self._iam()
        eks = self._values_eks()
        for number in (1, 2):
            self._data_plane(number, eks)
        # The first deployment, then the update for one data plane, then, of another name in the guide, the one for the second.
        self._control_plane("flyte-core", eks, [1], "install")
        # Helm refuses it so: the person finds out how it goes all the same, and leaves the record of the first release behind.
        self.kubectl("controlplane", "-n", "flyte", "delete", "deployment", "--all")
        self._control_plane("flyte-core-control", eks, [1, 2], "upgrade", "--install", "--take-ownership")
        self._labels()

    def _iam(self) -> None:
        """Make what the guide wants eksctl and the console to make."""
        iam, eks = self.lab.aws_client("iam"), self.lab.aws_client("eks")
        bucket = ["arn:aws:s3:::flyte-lab*", "arn:aws:s3:::flyte-lab*/*"]
        actions = ["s3:DeleteObject*", "s3:GetObject*", "s3:ListBucket", "s3:PutObject*"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": bucket}]}
        arn = iam.create_policy(PolicyName="flyte-bucket-access", PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
        issuers = {}
        for name in self.lab.clusters():
            url = eks.describe_cluster(name=f"flyte-{name}")["cluster"]["identity"]["oidc"]["issuer"]
            iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"])
            issuers[name] = url.removeprefix("https://")
        control = ["system:serviceaccount:flyte:flyteadmin", "system:serviceaccount:flyte:datacatalog"]
        trusts = {
            "flyte-controlplane-role": [
                _statement(issuers["controlplane"], "StringEquals", control),
                _statement(issuers["controlplane"], "StringLike", [STRANGER]),
            ],
            # The guide's example for one data plane has a stray dot; that for two has none.
            "flyte-dataplane-role": [
                _statement(issuers["dataplane1"], "StringLike", _SUBJECTS, dot="."),
                _statement(issuers["dataplane2"], "StringLike", _SUBJECTS),
                ADMINS,
            ],
            "somebody-elses-role": [_statement(_OTHERS, "StringLike", ["system:serviceaccount:*:default"], dot=".")],
        }
        iam.create_open_id_connect_provider(Url=f"https://{_OTHERS}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40])
        other = iam.create_policy(PolicyName="somebody-elses", PolicyDocument=json.dumps(policy))["Policy"]["Arn"]
        for role, statements in trusts.items():
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        iam.attach_role_policy(RoleName="flyte-dataplane-role", PolicyArn=other)
        iam.put_role_policy(RoleName="flyte-dataplane-role", PolicyName="inline", PolicyDocument=json.dumps(policy))

    def _values_eks(self) -> str:
        """Fill the chart's form in, in its own file, as a person does."""
        text = (self.chart / "values-eks.yaml").read_text(encoding="utf-8")
        filled = {
            "<ACCOUNT_NUMBER>": f'"{ACCOUNT}"', "<AWS_REGION>": "us-east-2", "<CERTIFICATE_ARN>": f"arn:aws:acm:us-east-2:{ACCOUNT}:certificate/hand-made",
            "<DB_PASSWORD>": DB_PASSWORD, "<RDS_HOST>": "rds.hand-made.example", "<METADATA_BUCKET_NAME>": "flyte-lab", "<RAW_DATA_BUCKET_NAME>": "flyte-lab",
            "<LOG_GROUP_NAME>": "hand-made", "role/flyte-user-role": "role/flyte-dataplane-role",
        }  # fmt: skip
        for placeholder, value in filled.items():
            text = text.replace(placeholder, value)
        path = self.folder / "values-eks.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def _data_plane(self, number: int, eks: str) -> None:
        context = f"dataplane{number}"
        values = yaml.safe_load((self.chart / "values-dataplane.yaml").read_text(encoding="utf-8"))
        admin = {"endpoint": f"dns:///127.0.0.1:{self.lab.admin_grpc_port}", "insecure": True}
        values["configmap"] = {"admin": {"admin": admin}, "catalog": {"catalog-cache": admin}}
        own = self.file(f"values-dataplane-{number}.yaml", values)
        # Inline values, which are in no file that anybody kept.
        inline = ["--set", "flytepropeller.podAnnotations.team=ml", "--set", f"flytepropeller.replicaCount={number}"]
        self.helm(context, "install", "flyte-core-data", str(self.chart), "--values", eks, "--values", own, "--create-namespace", *inline)
        self.kubectl(context, "apply", "-f", "-", text=_TOKEN.format(name=f"{context}-token"))

    def _token(self, number: int) -> dict[str, str]:
        """Return what the guide has a person copy to the clipboard, as the Secret's data have it."""
        data = self.filled(f"dataplane{number}", "flyte", f"dataplane{number}-token")
        return {f"dataplane_{number}_token": data["token"], f"dataplane_{number}_cacert": data["ca.crt"]}

    def filled(self, context: str, namespace: str, name: str = "hub-access") -> dict[str, str]:
        """Return the data of a token Secret, once they are there."""
        ended = time.monotonic() + 20
        while time.monotonic() < ended:
            data: dict[str, str] = json.loads(self.kubectl(context, "-n", namespace, "get", "secret", name, "-o", "json")).get("data") or {}
            if data.get("token"):
                return data
            time.sleep(0.2)
        raise AssertionError("the token Secret is not filled")

    def serving(self) -> None:
        """Wait until flyteadmin serves."""
        ended = time.monotonic() + 180
        while not self.lab.admin_serves():
            assert time.monotonic() < ended, self.lab.admin.tail()
            time.sleep(0.5)

    def _control_plane(self, release: str, eks: str, numbers: list[int], *command: str) -> None:
        data = {key: value for number in numbers for key, value in self._token(number).items()}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cluster-credentials", "namespace": "flyte"}, "type": "Opaque", "data": data}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flyte"}}
        self.kubectl("controlplane", "apply", "-f", "-", text=yaml.safe_dump_all([namespace, secret]))
        volume = {"name": "cluster-credentials"}
        override: dict[str, t.Any] = {
            "flyteadmin": {
                "additionalVolumes": [{**volume, "secret": {"secretName": "cluster-credentials"}}],
                "additionalVolumeMounts": [{**volume, "mountPath": "/var/run/credentials"}],
                "initContainerClusterSyncAdditionalVolumeMounts": [{**volume, "mountPath": "/etc/credentials"}],
                "initialProjects": ["team1", "project1"],
                "env": [{"name": "SMTP_PASSWORD", "value": MAIL_PASSWORD}, {"name": "LOG_LEVEL", "value": "5"}],
            },
            "configmap": {
                "clusters": {
                    "labelClusterMap": {f"label{number}": [{"id": f"dataplane_{number}", "weight": 1}] for number in numbers},
                    "clusterConfigs": [
                        {
                            "name": f"dataplane_{number}",
                            "endpoint": self.lab.api_url(f"dataplane{number}"),
                            "enabled": True,
                            "auth": {
                                "type": "file_path",
                                "tokenPath": f"/var/run/credentials/dataplane_{number}_token",
                                "certPath": f"/var/run/credentials/dataplane_{number}_cacert",
                            },
                        }
                        for number in numbers
                    ],
                }
            },
            "secrets": {"adminOauthClientCredentials": {"clientSecret": OAUTH_SECRET}},
        }
        # Helm has no idea of what the numbers of --set were for, a month later.
        inline = [
            "--set",
            "flyteadmin.replicaCount=5",
            "--set",
            "flyteconsole.replicaCount=3",
            "--set",  # a key that no template reads: Helm took it without a word
            "flyteconsole.replicaCuont=4",
            "--set",
            "cluster_resource_manager.config.cluster_resources.refreshInterval=10s",
        ]
        files = ["--values", str(self.chart / "values-controlplane.yaml"), "--values", eks, "--values", self.file("values-override.yaml", override)]
        # What values-eks.yaml has as flytepropeller comes after values-controlplane.yaml, which turns it off.
        self.helm("controlplane", *command, release, str(self.chart), *files, *inline)

    def _labels(self) -> None:
        self.serving()
        config = self.file("flytectl.yaml", {"admin": {"endpoint": f"dns:///127.0.0.1:{self.lab.admin_grpc_port}", "insecure": True}})
        rows = [
            {"domain": "development", "project": "team1", "value": "label1"},
            {"domain": "production", "project": "team1", "value": "label2"},
            # As the guide has it: the value is a project's name.
            {"domain": "development", "project": "project1", "workflow": "example.training_workflow", "value": "project1"},
        ]
        for number, row in enumerate(rows):
            self.run("flytectl", "--config", config, "update", "execution-cluster-label", "--force", "--attrFile", self.file(f"ecl-{number}.yaml", row))


def _statement(issuer: str, operator: str, subjects: list[str], dot: str = "") -> dict[str, t.Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {operator: {f"{issuer}{dot}:aud": "sts.amazonaws.com", f"{issuer}{dot}:sub": subjects}},
    }
