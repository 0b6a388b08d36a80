# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Properties that hold for a thousand generated inputs in ``make test``, and for as many as fit into ``FLYTE_FUZZ_SECONDS`` seconds by hand."""

from __future__ import annotations

import base64
import copy
import os
import random
import time
import typing as t

import hypothesis
from hypothesis import strategies as st

EXAMPLES = 1000
#: stands in every secret of a generated input
SECRET = "hush-4711-hush"
#: as base64 of it, in the three ways in which it may lie in its triples
_ENCODED = [base64.b64encode(b"x" * shift + SECRET.encode()).decode()[4:-4] for shift in range(3)]
_PROFILE = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
)

NASTY = [
    "", " ", "<<", "=", "null", "~", "1e3", "0x10", "a" * 300, "a\nb", "\x00", "\x7f", "ä", "a\u0308", "{{ x }}", "{{", "%s", "{0}", "../..", "-",
    "a/b", "a:b",
    "http://[", "https://h:99999999", "https://u:p/w@d@h", "dns:///h:1", "[::1]:1", "arn:aws:iam::1:role/x", "\ud800", "'", '"', "\\", "|", "*",
]  # fmt: skip
#: what JSON and YAML can hold in the place of what is expected
ODD: list[t.Any] = [
    None, True, False, 0, -1, 1, 10**30, 10**400, 1.5, float("nan"), float("inf"), -0.0, [], {}, [None], [[]], [{}], {"": None}, {"a": {"b": [1]}}, *NASTY,
]  # fmt: skip
#: each time another object: one that somebody changes would be another input the next time
odd = (st.sampled_from(ODD) | st.text(max_size=8)).map(copy.deepcopy)


def holds(check: t.Callable[[t.Any], None], strategy: st.SearchStrategy[t.Any]) -> None:
    """Check a property; always the same inputs, and then others for as long as somebody wants."""
    ended = time.monotonic() + float(os.environ.get("FLYTE_FUZZ_SECONDS", "0"))
    seed = 0
    while True:
        hypothesis.seed(seed)(_PROFILE(hypothesis.given(strategy)(check)))()
        if time.monotonic() >= ended:
            return
        seed = random.SystemRandom().randrange(1 << 32)


def without_secret(text: str) -> None:
    """Fail where a secret stands in a text."""
    assert not any(form in text for form in (SECRET, *_ENCODED)), text


def _places(tree: t.Any, path: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, tree: t.Any) -> t.Any:
    """Return data with something in it left out, replaced, wrapped or doubled, at up to three places."""
    tree = copy.deepcopy(tree)
    for _number in range(draw(st.integers(0, 3))):
        places = list(_places(tree))
        path = places[draw(st.integers(0, len(places) - 1))]
        change = draw(st.sampled_from(["drop", "replace", "wrap", "nest", "double"]))
        if not path:
            if change == "replace":
                return draw(odd)
            continue
        parent = tree
        for key in path[:-1]:
            parent = parent[key]
        key = path[-1]
        if change == "drop":
            del parent[key]
        elif change == "replace":
            parent[key] = draw(odd)
        elif change == "wrap":
            parent[key] = draw(st.sampled_from([lambda value: [value], lambda value: {"x": value}, str]))(parent[key])
        elif change == "nest":
            parent[key] = [] if isinstance(parent, dict) else {}
            for _depth in range(draw(st.sampled_from([3, 200]))):
                parent[key] = [parent[key]]
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(parent[key]))
        else:
            parent[draw(st.sampled_from(NASTY))] = copy.deepcopy(parent[key])
    return tree
