# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values have the shape of the chart's own, and a values file is plain data: what is neither is said with its place, and without its text."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shape import shape_of, shape_problems
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import parse
from conftest import REPOSITORY

CHART: dict[str, t.Any] = {
    "flyteadmin": {"replicaCount": 1, "enabled": True, "podAnnotations": {}, "initialProjects": ["flytesnacks"], "additionalVolumes": [], "secrets": {}},
    "flytepropeller": {"podEnv": {}, "image": {"tag": "v1"}},
    "cluster_resource_manager": {"templates": [{"key": "a", "value": "b"}]},
    "storage": {"custom": None},
}
STAND_IN = REPOSITORY / "tests" / "lab" / "chart" / "flyte-core"
WRONG: list[tuple[dict[str, t.Any], str, str]] = [
    ({"flyteadmin": "hunter2"}, "flyteadmin", "is text, and has to be a mapping"),
    ({"flyteadmin": ["hunter2"]}, "flyteadmin", "is a list, and has to be a mapping"),
    ({"flyteadmin": {"podAnnotations": 5}}, "flyteadmin.podAnnotations", "is a number, and has to be a mapping"),
    ({"flyteadmin": {"additionalVolumes": {"name": "x"}}}, "flyteadmin.additionalVolumes", "is a mapping, and has to be a list"),
    ({"flyteadmin": {"additionalVolumes": [{}, "hunter2"]}}, "flyteadmin.additionalVolumes[1]", "is text, and has to be a mapping"),
    ({"flyteadmin": {"additionalVolumeMounts": [None]}}, "flyteadmin.additionalVolumeMounts[0]", "is empty, and has to be a mapping"),
    ({"flyteadmin": {"initialProjects": "team1"}}, "flyteadmin.initialProjects", "is text, and has to be a list"),
    ({"flyteadmin": {"initialProjects": [{"name": "x"}]}}, "flyteadmin.initialProjects[0]", "is a mapping, and has to be text"),
    ({"flyteadmin": {"replicaCount": [1]}}, "flyteadmin.replicaCount", "is a list, and has to be a number"),
    ({"flyteadmin": {"replicaCount": float("nan")}}, "flyteadmin.replicaCount", "is nan, which Helm cannot hand on"),
    ({"storage": {"custom": [{"limit": float("-inf")}]}}, "storage.custom[0].limit", "is -inf, which Helm cannot hand on"),
    ({"flyteadmin": {"enabled": "false"}}, "flyteadmin.enabled", "is the text 'false', and has to be true or false"),
    ({"flytepropeller": {"image": {"tag": {}}}}, "flytepropeller.image.tag", "is a mapping, and has to be text"),
    ({"flytepropeller": {"podEnv": "hunter2"}}, "flytepropeller.podEnv", "is text, and has to be a mapping"),
    ({"cluster_resource_manager": {"templates": ["hunter2"]}}, "cluster_resource_manager.templates[0]", "is text, and has to be a mapping"),
    (
        {"cluster_resource_manager": {"config": {"cluster_resources": {"customData": [{"production": {"quota": 1}}]}}}},
        "cluster_resource_manager.config.cluster_resources.customData[0].production",
        "is a mapping, and has to be a list",
    ),
    (
        {"cluster_resource_manager": {"config": {"cluster_resources": {"customData": [{"production": ["hunter2"]}]}}}},
        "cluster_resource_manager.config.cluster_resources.customData[0].production[0]",
        "is text, and has to be a mapping",
    ),
    ({"configmap": {"namespace_config": {"namespace_mapping": {"template": []}}}}, "configmap.namespace_config.namespace_mapping.template", "is a list"),
    ({"mine": {"nodes": {True: "x"}}}, "mine.nodes.True", "has a key that YAML makes bool of: put it in quotes"),
    ({"flyteadmin": {"podAnnotations": {"a/b": True}}}, "flyteadmin.podAnnotations.a/b", "has to be text, put it in quotes: Kubernetes"),
    ({"flytepropeller": {"nodeSelector": {"dedicated": 1}}}, "flytepropeller.nodeSelector.dedicated", "has to be text, put it in quotes"),
    ({"flytepropeller": {"podEnv": [{"name": "A", "value": "1"}, {"name": "B", "value": 1}]}}, "flytepropeller.podEnv[1].value", "has to be text"),
    ({"mine": [{None: "x"}]}, "mine[0].None", "has a key that YAML makes NoneType of"),
]


@pytest.mark.parametrize(("values", "path", "said"), WRONG, ids=[f"{path}-{said[:12]}" for _values, path, said in WRONG])
def test_another_shape_than_the_charts_is_said_with_its_path_and_without_its_value(values: dict[str, t.Any], path: str, said: str) -> None:
    found = list(shape_problems(values, shape_of(CHART)))
    assert [where for where, _problem in found] == [path] and found[0][1].startswith(said) and "hunter2" not in str(found)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"flyteadmin": None, "flytepropeller": {"image": None}},
        {"flyteadmin": {"replicaCount": 3, "podAnnotations": {"a": "b"}, "initialProjects": [], "additionalVolumes": [{"name": "x"}], "secrets": {"a": 1}}},
        {"flyteadmin": {"replicaCount": "{{ .Values.x }}", "initialProjects": [1]}},
        {"flytepropeller": {"podEnv": [{"name": "A", "value": "b"}], "image": {"tag": 1.2}}},
        {"storage": {"custom": {"anything": [1]}}, "mine": "whatever", "other": {1: ["x"]}},
    ],
)
def test_what_the_chart_takes_is_taken(values: dict[str, t.Any]) -> None:
    assert not list(shape_problems(values, shape_of(CHART)))


@pytest.mark.parametrize("name", ["values-eks.yaml", "values-gcp.yaml", "values-controlplane.yaml", "values-dataplane.yaml"])
def test_the_charts_own_files_have_the_shape_of_its_values(name: str) -> None:
    defaults, own = (parse((STAND_IN / file).read_text(encoding="utf-8")) for file in ("values.yaml", name))
    assert not list(shape_problems(own, shape_of(defaults)))


_BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "\n".join(f"{name}: &{name} [{','.join(['*' + before] * 10)}]" for before, name in zip("abcdefg", "bcdefgh"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: hunter2\n---\nb: 2", "line 2: a second document"),
        ("a: !vault hunter2", "line 1: the YAML tag '!vault' is none that Helm takes"),
        ("a: !!binary aHVudGVyMg==", "the YAML tag '!!binary'"),
        ("a: !!python/object/apply:os.system [true]", "the YAML tag '!!python/object/apply:os.system'"),
        ("a: &a [*a]", "line 1: it contains itself"),
        ("a: &a\n  <<: *a", "it contains itself"),
        (_BOMB, "its aliases ('*…') make more than 200000 values"),
        ("x: hunter2\na: 1\na: 2", "line 3: the key 'a' stands twice"),
        ("a: {b: [{c: 1, c: 2}]}", "the key 'c' stands twice"),
        ("- hunter2", "no YAML mapping"),
        ("hunter2", "no YAML mapping"),
        ("$ANSIBLE_VAULT;1.1;AES256\n6875", "encrypted by Ansible Vault, and read by Helm as it is"),
        ("a: [hunter2", "no YAML: line "),
        ("a: hunter2\x00", "no YAML: "),
        ("? [hunter2]\n: b", "no YAML: line 1: found unhashable key"),
        ("a: " + "[" * 5000, "no YAML: "),
        ("a: " + "[" * 150 + "]" * 150, "nested more than 100 levels deep"),
        ("a: *hunter", "no YAML: line 1: found undefined alias"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_that_is_no_plain_mapping_is_refused_without_its_text(text: str, said: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse(text, strict=True)
    assert said in str(raised.value) and "hunter2" not in str(raised.value)


def test_what_helm_reads_is_read() -> None:
    assert parse("", strict=True) == {} and parse("# nothing\n---\n", strict=True) == {}
    text = "base: &base {a: 1}\none: {<<: *base, a: 2}\ntwo: *base\nday: 2020-01-01\nnumber: 1e3\nport: !!str 80\n"
    found = parse(text, strict=True)
    assert found == {"base": {"a": 1}, "one": {"a": 2}, "two": {"a": 1}, "day": "2020-01-01", "number": 1000.0, "port": "80"}
    # flyteadmin's own files are read as they are: what another parser took is no reason to see nothing in them.
    assert parse("a: 1\na: 2") == {"a": 2}
