# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of a live release's values are the user's own, and which of them are secrets."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.secret_values import Secrets
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.texts import Literal, literal, values_text, vault_text, yaml_of
from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.values import (
    effective,
    identities_of,
    own_values,
    resolved,
    shared,
    without_generated,
    without_identities,
    without_shared,
)
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import merge, parse

DEFAULTS: dict[str, t.Any] = {"flyteadmin": {"replicaCount": 1, "env": []}, "console": {"enabled": True}, "text": "default"}
BASE: dict[str, t.Any] = {"flyteadmin": {"replicaCount": 2, "serviceAccount": {"create": True}}, "text": "chart's", "extra": {"a": {"b": 1}}}


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(BASE, id="the chart's files as they are"),
        pytest.param(merge([BASE, {"flyteadmin": {"replicaCount": 5}, "db": {"host": "db.example.com"}}]), id="inline values on top"),
        pytest.param({}, id="none of the chart's files"),
        pytest.param({"flyteadmin": {"replicaCount": 2}}, id="a part of them"),
        pytest.param({"flyteadmin": {"env": None}, "text": None, "extra": {"a": {"b": 1, "c": [1]}}}, id="null"),
        pytest.param({"flyteadmin": "nothing", "extra": 1, "console": {"enabled": False}}, id="other kinds"),
        pytest.param({"flyteadmin": {"replicaCount": 2.0, "serviceAccount": {"create": 1}}}, id="numbers that are equal to others"),
    ],
)
def test_own_values_on_top_of_the_chart_make_what_there_was(live: dict[str, t.Any]) -> None:
    own = own_values(live, BASE, DEFAULTS)
    assert _without_null(merge([DEFAULTS, BASE, own])) == _without_null(merge([DEFAULTS, live]))


def _without_null(values: t.Any) -> t.Any:
    """Return values as Helm takes them: what is null is dropped, and an empty mapping of what is not there means nothing."""
    if not isinstance(values, dict):
        return values
    return {key: item for key, value in values.items() if value is not None and (item := _without_null(value)) != {}}


def test_only_what_differs_is_the_users_own() -> None:
    live = merge([BASE, {"flyteadmin": {"replicaCount": 5}}])
    assert own_values(live, BASE, DEFAULTS) == {"flyteadmin": {"replicaCount": 5}}
    assert own_values(BASE, BASE, DEFAULTS) == {}


def test_what_the_inventory_says_elsewhere_is_taken_out() -> None:
    live = {
        "flyteadmin": {
            "additionalVolumes": [{"name": "cluster-credentials", "secret": {"secretName": "cluster-credentials"}}],
            "additionalVolumeMounts": [{"name": "cluster-credentials", "mountPath": "/var/run/credentials"}, {"name": "mine", "mountPath": "/mine"}],
            "podAnnotations": {"flyte.multicluster/credentials-checksum": "x"},
        },
        "configmap": {"clusters": {"labelClusterMap": {"l": []}, "clusterConfigs": [{"name": "a"}]}, "console": {"BASE_URL": "/c"}},
    }
    before = copy.deepcopy(live)
    assert without_generated(live) == {
        "flyteadmin": {"additionalVolumeMounts": [{"name": "mine", "mountPath": "/mine"}]},
        "configmap": {"console": {"BASE_URL": "/c"}},
    }
    assert live == before
    # Two mounts at one path are none that Kubernetes takes.
    other = {
        "flyteadmin": {"additionalVolumes": [{"name": "c"}, {"name": "d"}], "additionalVolumeMounts": [{"name": "c", "mountPath": "/var/run/credentials"}]}
    }
    assert without_generated(other) == {"flyteadmin": {"additionalVolumes": [{"name": "d"}]}}


CUSTOM = "cluster_resource_manager.config.cluster_resources.customData"


def _custom(role: str, cpu: str = "5") -> dict[str, t.Any]:
    data = [{domain: [{"projectQuotaCpu": {"value": cpu}}, {"defaultIamRole": {"value": role}}]} for domain in ("production", "development")]
    return {"cluster_resource_manager": {"config": {"cluster_resources": {"customData": data}}}, "userSettings": {"accountNumber": "123456789012"}}


def test_quotas_of_the_chart_are_not_repeated_for_a_role() -> None:
    base = _custom("arn:aws:iam::{{ .Values.userSettings.accountNumber }}:role/flyte-user-role")
    live = _custom("arn:aws:iam::{{ .Values.userSettings.accountNumber }}:role/flyte-dataplane-role")
    assert "cluster_resource_manager" not in without_identities(live, base, "defaultIamRole")
    assert without_identities(_custom("x", "9"), base, "defaultIamRole") == _custom("x", "9")
    assert without_identities({}, base, "defaultIamRole") == {}
    role = "arn:aws:iam::123456789012:role/flyte-dataplane-role"
    assert identities_of(live, "defaultIamRole") == {"production": role, "development": role} and identities_of(live, "gsa") == {}
    assert (
        resolved("{{ .Values.gone }}", live) is None
        and resolved(7, live) is None
        and resolved("a{{.Values.userSettings.accountNumber}}", live) == "a123456789012"
    )


def test_what_makes_no_difference_is_not_written() -> None:
    own = {"db": {"host": "h", "unused": 1}, "ours": {"wins": 1, "keeps": 2}, "null": None, "list": [1]}
    given = {"db": {"host": "h"}, "ours": {"wins": "ours", "keeps": 2}, "null": None, "list": [1, 2]}
    without = {"ours": {"wins": "ours"}, "null": "chart's", "list": [2]}
    assert effective(own, given, without) == {"db": {"host": "h"}, "ours": {"keeps": 2}, "null": None, "list": [1]}


def test_what_all_data_planes_have_alike_is_written_once() -> None:
    one: dict[str, t.Any] = {"a": {"x": 1, "y": 2}, "b": [1], "c": 3}
    two: dict[str, t.Any] = {"a": {"x": 1, "y": 3}, "b": [2], "d": {}}
    common = shared([one, two])
    assert common == {"a": {"x": 1}}
    for values in (one, two):
        assert merge([common, without_shared(values, common)]) == values
    assert shared([one]) == one and without_shared(one, one) == {}


VALUES: dict[str, t.Any] = {
    "userSettings": {"dbPassword": "s3cret-of-db", "rdsHost": "db.example.com", "redisHostKey": "redis-key-1"},
    "db": {"admin": {"database": {"host": "db.example.com", "username": "flyteadmin", "passwordPath": "/etc/db/pass.txt", "password": 12345678}}},
    "common": {"databaseSecret": {"name": "db-pass", "secretManifest": {"kind": "Secret", "stringData": {"pass.txt": "other-db-pass"}, "type": "Opaque"}}},
    "secrets": {
        "adminOauthClientCredentials": {"enabled": True, "clientId": "flytepropeller", "secretName": "flyte-secret-auth", "clientSecret": "oauth-secret"}
    },
    "flyteadmin": {
        "env": [{"name": "SMTP_PASSWORD", "value": "mail-secret"}, {"name": "LOG", "value": "debug"}],
        "url": "postgres://user:in-the-url@db.example.com/x",
        "note": "the password is s3cret-of-db, as everybody knows",
        "template": "{{ .Values.userSettings.dbPassword }}",
        "config": "database:\n  password: in-a-text\n",
    },
    "auth": {"tokenUrl": "https://idp.example.com/token", "useAuth": True},
    "form": {"password": "<DB_PASSWORD>", "empty_password": ""},
}
HIDDEN = ("s3cret-of-db", "redis-key-1", "12345678", "other-db-pass", "oauth-secret", "mail-secret", "in-the-url", "in-a-text")


def test_secrets_are_taken_apart_wherever_they_stand() -> None:
    secrets = Secrets()
    secrets.learn(VALUES)
    plain, hidden = secrets.apart(VALUES, "controlplane")
    text = values_text(plain, ["About."]) + yaml_of(literal(hidden))
    assert not [secret for secret in HIDDEN if secret in text], text
    assert all(any(secret in str(value) for value in secrets.variables.values()) for secret in HIDDEN)
    # What only names something stays readable.
    for shown in (
        "db-pass",
        "flytepropeller",
        "flyte-secret-auth",
        "/etc/db/pass.txt",
        "rdsHost",
        "<DB_PASSWORD>",
        "https://idp.example.com/token",
        "username: flyteadmin",
    ):
        assert shown in values_text(plain, []), shown
    # A list is replaced whole by Helm, so that all of it stands beside the secret in it.
    assert hidden["flyteadmin"]["env"] == [
        {"name": "SMTP_PASSWORD", "value": "{{ vault_flyte_controlplane_flyteadmin_env_smtp_password_value }}"},
        {"name": "LOG", "value": "debug"},
    ]
    filled = _filled(hidden, secrets.variables)
    assert merge([plain, filled]) == VALUES


def test_secrets_of_stores_arguments_and_files() -> None:
    values = {
        "storage": {"s3": {"accessKey": "minio-user", "secretKey": "miniostorage9", "region": "us-east-1"}},
        "auth": {"tokenEncryptionKey": "c2VjcmV0LWtleQ", "cookieHashKeySecretName": "cookie_hash_key"},
        "args": ["--db-password", "in-a-list", "--password-file", "/etc/pass"],
        "command": "run --db-password in-a-command",
        "file": "a: 1\npassword: |\n  in-a-block\n",
        "registry": {"auths": {"registry.example.com": {"auth": "dXNlcjpwYXNz"}}},
        "git": "clone with ghp_abcdefghijklmnopqrst01",
    }
    secrets = Secrets()
    secrets.learn(values)
    plain, hidden = secrets.apart(values, "controlplane")
    assert plain == {"storage": {"s3": {"region": "us-east-1"}}, "auth": {"cookieHashKeySecretName": "cookie_hash_key"}}
    assert hidden["args"] == ["--db-password", "{{ vault_flyte_controlplane_args_1 }}", "--password-file", "/etc/pass"]
    shown = yaml_of(literal(hidden))
    found = ("minio-user", "miniostorage9", "c2VjcmV0LWtleQ", "in-a-list", "in-a-command", "in-a-block", "dXNlcjpwYXNz", "ghp_")
    assert not [secret for secret in found if secret in shown]
    assert merge([plain, _filled(hidden, secrets.variables)]) == values


def _filled(value: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    """Return values as Ansible makes them of references."""
    if isinstance(value, dict):
        return {key: _filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    return variables.get(value.removeprefix("{{ ").removesuffix(" }}"), value) if isinstance(value, str) else value


def test_one_secret_is_one_variable_and_marked_paths_are_secrets() -> None:
    secrets = Secrets(marked=["harmless.key"])
    secrets.learn({"a": {"password": "the-same-one"}, "harmless": {"key": "marked-one"}})
    first = secrets.reference("the-same-one", "one", "a", "password")
    assert secrets.reference("the-same-one", "two", "b") == first == "{{ vault_flyte_one_a_password }}"
    assert secrets.holds("marked-one") and not secrets.holds("harmless") and not secrets.holds("the-same-oneness")
    other = Secrets()
    assert other.reference("x1", "h", "a-b") != other.reference("x2", "h", "a_b")


def test_a_weak_password_does_not_hide_everything() -> None:
    secrets = Secrets()
    secrets.learn({"password": "flyte", "namespace": "flyte-system"})
    assert secrets.holds("flyte") and not secrets.holds("flyteadmin") and not secrets.holds("") and not secrets.holds(None)


@pytest.mark.parametrize(
    "text",
    [
        "1e3",
        "y",
        "No",
        "1:20",
        "2020-01-01",
        "0x1F",
        "null",
        "~",
        "",
        " padded ",
        "a: b",
        "# no",
        "{{ .Values.x }}",
        "two\nlines\n",
        "tab\there",
        "é",
        "'",
        "*a",
        "012",
    ],
)
def test_what_is_written_reads_the_same_to_helm(text: str) -> None:
    values = {"key": text, "list": [text, {"deep": text}], "y": 1, "n": {"1e3": 2}}
    assert parse(values_text(values, ["About it."]), strict=True) == values


def test_numbers_keep_their_kind() -> None:
    assert yaml_of({"a": 2.0, "b": 0.5, "c": True, "d": None, "e": 1e21}) == "a: 2\nb: 0.5\nc: true\nd: null\ne: 1.0e+21\n"


def test_braces_of_helm_are_no_templates_of_ansible() -> None:
    found = literal({"a": "{{ .Values.b }}", "b": "{{ vault_flyte_x }}", "c": ["{% x %}", "plain"]})
    assert isinstance(found["a"], Literal) and not isinstance(found["b"], Literal) and isinstance(found["c"][0], Literal)
    assert '!unsafe "{{ .Values.b }}"' in yaml_of(found)
    assert vault_text({"vault_flyte_x": "pass{{word"}) == '---\nvault_flyte_x: !unsafe "pass{{word"\n'
