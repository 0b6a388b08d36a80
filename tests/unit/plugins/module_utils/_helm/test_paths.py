# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values by key path, and what differs between them as a person may see it."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.paths import emptied, entries, is_below, leaves, prefixes, texts_at, unknown_paths
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import Change, Shower, changes
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.values import digest

KEY = "the uid of a record"


def lines(before: dict[str, t.Any], after: dict[str, t.Any], *secret: str, key: str | None = KEY) -> list[str]:
    return [line for change in changes(before, after, Shower(key, secret)) for line in change.lines()]


def test_a_value_that_differs_is_named_by_its_path() -> None:
    assert lines({"flyteadmin": {"replicaCount": 5, "same": 1}}, {"flyteadmin": {"replicaCount": 2, "same": 1.0}}) == ["flyteadmin.replicaCount: 5 -> 2"]
    assert lines({"a": {"b": "x"}}, {"a": {"c": True}}) == ["a.b: x -> (not set)", "a.c: (not set) -> true"]
    assert lines({"a": None}, {"a": ""}) == ['a: null -> ""']
    assert lines({"a": 1}, {"a": True}) == ["a: 1 -> true"]
    assert lines({"a": {"eks.amazonaws.com/role-arn": "x"}}, {"a": {"eks.amazonaws.com/role-arn": "y"}}) == ['a["eks.amazonaws.com/role-arn"]: x -> y']


def test_a_text_is_another_value_than_what_it_looks_like() -> None:
    for value in (5, 1.5, True, None, ["a"], {"a": 1}):
        text = json.dumps(value)
        for before, after in ((value, text), (text, value)):
            (change,) = changes({"l": [{"name": "x", "v": before}]}, {"l": [{"name": "x", "v": after}]}, Shower(KEY))[:1] or [None]
            assert change and change.before != change.after, value
    assert lines({"a": "5"}, {"a": 5}) == ['a: "5" -> 5'] and lines({"a": '"5"'}, {"a": "5"}) == ['a: ""5"" -> "5"']
    assert lines({"a": "(not set)"}, {}) == ['a: "(not set)" -> (not set)']
    # What is a text in any case stands as it is.
    assert lines({"a": "5m"}, {"a": "x y"}) == ["a: 5m -> x y"]
    (secret,) = changes({"password": "4711"}, {"password": 4711}, Shower(KEY))
    assert secret.before != secret.after and "4711" not in f"{secret}"


def test_keys_are_those_that_helm_makes_of_them() -> None:
    tree = {"a": {True: "x", 2: "y", 1000.0: "w", 1.5: "z", "on": "text"}}
    assert list(leaves(tree)) == ["a.true", "a.2", "a.1000", 'a["1.5"]', "a.on"]
    assert digest(tree) == digest({"a": {"true": "x", "2": "y", "1000": "w", "1.5": "z", "on": "text"}})


def test_an_empty_mapping_in_the_place_of_something_else_is_found() -> None:
    there = {"env": [{"name": "A"}], "n": 1, "none": [], "gone": None, "text": "", "off": False, "m": {"x": 1, "deep": {"l": ["a"]}}}
    given: dict[str, t.Any] = {"env": {}, "n": {}, "none": {}, "gone": {}, "text": {}, "off": {}, "m": {"x": {}, "deep": {"l": {}}}, "more": {}}
    assert list(emptied(given, there)) == ["env", "n", "m.x", "m.deep.l"] and emptied({"m": {}}, there) == {}


def test_an_entry_whose_name_could_be_a_number_is_another_one() -> None:
    numbered, named = [{"x": 1}, {"x": 2}], [{"name": "0", "x": 1}, {"name": "1", "x": 2}]
    assert list(leaves({"l": named})) == ["l['0'].x", "l['1'].x"] and len(lines({"l": numbered}, {"l": named})) == 4
    assert list(leaves({"l": [{"name": "a].b[c", "x": 1}]})) == ["l['a].b[c'].x"]
    assert entries({"l": named}) == {"l": ["0", "1"]}


def test_of_two_long_values_that_begin_alike_what_differs_is_shown() -> None:
    (line,) = lines({"a": "x" * 500 + "one"}, {"a": "x" * 500 + "two"})
    assert line == f"a: …{'x' * 20}one -> …{'x' * 20}two"


def test_what_is_empty_is_no_value() -> None:
    assert lines({"a": {}, "b": 1}, {"b": 1}) == []
    assert lines({"a": {"b": {}}}, {"a": {"b": {"c": 1}}}) == ["a.b.c: (not set) -> 1"]
    assert lines({"a": []}, {}) == ["a: [] -> (not set)"]  # a list takes the place of the chart's


@pytest.mark.parametrize(
    ("entries", "paths"),
    [
        ([{"name": "a", "x": 1}, {"name": "b", "x": 2}], ["l[a].x", "l[b].x"]),
        ([{"id": "a", "weight": 1}], ["l[a].id", "l[a].weight"]),
        ([{"name": "v", "mountPath": "/1"}, {"name": "v", "mountPath": "/2"}], ["l[/1].name", "l[/1].mountPath", "l[/2].name", "l[/2].mountPath"]),
        ([{"key": "aa", "value": "x"}, {"key": "ab", "value": "y"}], ["l[aa].value", "l[ab].value"]),
        ([{"name": "scratch", "emptyDir": {}}], ["l[scratch].emptyDir"]),
        ([{"name": "regcred"}, {"name": "other"}], ["l[regcred]", "l[other]"]),
        ([{"key": "aa"}], ["l[aa]"]),
        ([{}, {"x": {"y": {}}}], ["l[0]", "l[1].x.y"]),
        ([{"production": [{"projectQuotaCpu": {"value": 5}}]}, {"staging": []}], ["l[production][projectQuotaCpu].value", "l[staging]"]),
        ([{"x": 1}, {"x": 2}], ["l[0].x", "l[1].x"]),
        ([{"name": "a"}, {"x": 2}], ["l[name]", "l[x]"]),
        (["a", "b"], ["l"]),
        ([{"a": 1}, "b"], ["l"]),
    ],
)
def test_entries_of_lists_have_their_own_names(entries: list[t.Any], paths: list[str]) -> None:
    assert list(leaves({"l": entries})) == paths


def test_an_entry_that_moved_differs_by_its_place_alone() -> None:
    first, second = {"name": "a", "x": 1}, {"name": "b", "x": 2}
    assert lines({"l": [first, second]}, {"l": [second, first]}) == ["l: a, b -> b, a (the order of its entries)"]
    assert lines({"l": [first]}, {"l": [second, {**first, "x": 3}]}) == ["l[a].x: 1 -> 3", "l[b].x: (not set) -> 2"]
    assert lines({"l": [first, second]}, {"l": [second, {**first, "x": 3}]}) == ["l: a, b -> b, a (the order of its entries)", "l[a].x: 1 -> 3"]
    # One that comes between them moves nothing, and what has no names differs by what stands at each number.
    assert lines({"l": [first, second]}, {"l": [first, {"name": "c", "x": 3}, second]}) == ["l[c].x: (not set) -> 3"]
    assert lines({"l": [{"x": 1}, {"x": 2}]}, {"l": [{"x": 2}, {"x": 1}]}) == ["l[0].x: 1 -> 2", "l[1].x: 2 -> 1"]
    assert lines({"l": ["a", "b"]}, {"l": ["b", "a"]}) == ['l: ["a", "b"] -> ["b", "a"]']
    assert lines({"l": [{"p": [first, second]}]}, {"l": [{"p": [second, first]}]}) == ["l[p]: a, b -> b, a (the order of its entries)"]


def test_an_entry_with_nothing_but_a_name_differs() -> None:
    assert lines({"l": [{"name": "good"}]}, {"l": [{"name": "evil"}]}) == ['l[evil]: (not set) -> {"name": "evil"}', 'l[good]: {"name": "good"} -> (not set)']
    assert lines({"v": [{"name": "scratch", "emptyDir": {}}]}, {}) == ["v[scratch].emptyDir: {} -> (not set)"]
    # Its name is in the path: it is no secret, whatever it sounds like.
    assert lines({"imagePullSecrets": [{"name": "db-secret"}]}, {}) == ['imagePullSecrets[db-secret]: {"name": "db-secret"} -> (not set)']
    mounts = [{"name": "v", "mountPath": "/1"}, {"name": "v", "mountPath": "/2"}]
    assert lines({"m": mounts}, {"m": [{**mount, "name": "w"} for mount in mounts]}) == ["m[/1].name: v -> w", "m[/2].name: v -> w"]


def test_removing_the_first_entry_shifts_no_other() -> None:
    templates = [{"key": "aa", "value": "x"}, {"key": "ab", "value": "y"}]
    assert lines({"templates": templates}, {"templates": templates[1:]}) == ["templates[aa].value: x -> (not set)"]


def test_a_path_is_below_another_at_a_whole_key_only() -> None:
    assert is_below("a.b", "a") and is_below("a[x].c", "a") and is_below("a", "a") and not is_below("ab", "a")
    assert prefixes(["a.b[x].c"]) == {"a", "a.b", "a.b[x]"}


SECRET = "hunter2"


@pytest.mark.parametrize(
    "values",
    [
        {"userSettings": {"dbPassword": SECRET}},
        {"db": {"admin": {"database": {"password": 4711}}}},
        {"secrets": {"adminOauthClientCredentials": {"clientSecret": SECRET}}},
        {"secrets": {"x": {"inner": SECRET}}},
        {"flyteadmin": {"env": [{"name": "DB_PASSWORD", "value": SECRET}]}},
        {"a": {"text": f"db:\n  password: {SECRET}\n"}},
        {"a": {"text": f'{{"password": "{SECRET}"}}'}},
        {"a": {"args": [f"--password={SECRET}"]}},
        {"a": {"url": f"postgres://{SECRET}@host/db"}},
        {"a": {"url": f"postgres://me:{SECRET}@host/db"}},
        {"a": {"header": f"Authorization: Basic {SECRET}{SECRET}"}},
        {"a": {"pem": f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----"}},
        {"a": {"xml": f"<c><password>{SECRET}</password></c>"}},
        {"a": {"hook": f"https://hooks.slack.com/services/T0/B0/{SECRET}"}},
        {"a": {"bot": f"xoxb-1234567890-{SECRET}"}},
        {"marked": {"below": SECRET}},
        {"apiKey": SECRET},
    ],
    ids=repr,
)
@pytest.mark.parametrize("key", [KEY, None])
def test_a_secret_is_never_shown(values: dict[str, t.Any], key: str | None) -> None:
    for found in (lines(values, {}, "marked", key=key), lines({}, values, "marked", key=key)):
        assert found and not any(SECRET in line or "4711" in line for line in found), found
        assert any("secret:" in line for line in found), found


def test_a_private_key_in_base64_is_one() -> None:
    for lines_of in (base64.b64encode, base64.encodebytes):
        key = lines_of(b"-----BEGIN EC PRIVATE KEY-----\n" + b"hunter2 " * 20 + b"\n-----END EC PRIVATE KEY-----\n").decode()
        for cut in range(4):
            (line,) = [line for line in lines({}, {"a": {"text": f"x {key[: len(key) - cut]}"}}) if "secret:" in line]
            assert base64.b64encode(b"hunter2 ").decode()[:8] not in "".join(lines({}, {"a": {"text": f"x {key[: len(key) - cut]}"}})), line
    certificate = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----\n").decode()
    assert lines({}, {"a": {"ca": certificate}}) == [f"a.ca: (not set) -> {certificate}"]


def test_fingerprints_tell_secrets_apart_only_with_the_records_key() -> None:
    before, after = {"dbPassword": "one"}, {"dbPassword": "two"}
    (change,) = changes(before, after, Shower(KEY))
    assert change.before != change.after and str(change.before).startswith("secret:")
    (other,) = changes(before, after, Shower("another record"))
    assert other.before != change.before
    (hidden,) = changes(before, after, Shower(None))
    assert hidden.before == hidden.after == "secret:(not shown)"


def test_what_is_no_secret_is_shown_though_it_stands_beside_one() -> None:
    values = {"secrets": {"adminOauthClientCredentials": {"enabled": True, "clientId": "me", "secretName": "s"}}, "tokenUrl": "https://x/y"}
    volumes = {"additionalVolumes": [{"name": "cluster-credentials", "secret": {"secretName": "cluster-credentials"}}]}
    found = lines({}, {**values, **volumes})
    assert not any("secret:" in line for line in found), found
    assert "additionalVolumes[cluster-credentials].secret.secretName: (not set) -> cluster-credentials" in found


def test_long_texts_are_a_line_diff() -> None:
    before = "".join(f"line {number}\n" for number in range(30))
    assert lines({"a": {"template": before}}, {"a": {"template": before.replace("line 7\n", "line seven\n")}}) == [
        "a.template:",
        "  @@ -7,3 +7,3 @@",
        "   line 6",
        "  -line 7",
        "  +line seven",
        "   line 8",
    ]
    (line,) = lines({"a": "x" * 500}, {"a": "y"})
    assert len(line) < 250 and "(500 characters)" in line


def test_a_change_is_plain_data() -> None:
    assert Change("a", None, "1").as_dict() == {"path": "a", "before": None, "after": "1"}


def test_paths_that_somebody_gave_lead_to_something() -> None:
    tree = {"a": {"b": ["x", "y"], "c": {"d": 1}}, "env": [{"name": "DSN", "value": "z"}]}
    assert texts_at(tree, ["a.b", "env[DSN]", "a.c"]) == ["x", "y", "z"] and texts_at(tree, ["a.x"]) == []
    assert unknown_paths(["a", "a.b", "a.b[0]", "a.bb", "env[DSN].value", "env"], {}, tree) == ["a.b[0]", "a.bb"]
