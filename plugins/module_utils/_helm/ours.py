# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a release's values are: as we gave them, changed by hand since, or somebody else's; and what of them a run would lose. No I/O."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .label import is_ours
from .parts import Used, what_is_used
from .overrides import without_replaced
from .paths import Leaf, emptied, entries, entry_path, entry_paths, is_any_below, is_below, leaves, moved, prefixes
from .shown_values import ORDER, Change, Shower, changes, differs, in_order, order_changes, shown_change, shown_entries
from .user_settings import placeholders
from .values import Values, lookup, merge

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .release import Layers

#: what of the values is flyteadmin's configuration, which has rules of its own for what the inventory does not have (_plan/removals.py)
CONFIGURATION = tuple(f"configmap.clusters.{key}" for key in ("labelClusterMap", "clusterConfigs", "defaultExecutionLabel"))
#: the guide gives it, and no template of the chart reads it
_UNREAD = ("flyteadmin.initContainerClusterSyncAdditionalVolumeMounts",)
_IN_LIST = re.compile(r"\[(?!\")")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a run makes of the values of a release. No secrets."""

    #: what changes
    changes: list[Change]
    #: what somebody changed by hand, and this run sets right: what is there, and what comes
    drift: list[Change]
    #: what somebody gave, and this run would take away
    losses: list[Change]
    #: what is taken out and makes no difference: no object of the release uses it
    unused: list[Change] = dataclasses.field(default_factory=list)


def judge(
    live: Values,
    layers: Layers,
    shower: Shower,
    *,
    label: str | None,
    digest: str,
    last: Mapping[str, t.Any] | None = None,
    drop: Sequence[str] = (),
) -> Verdict:
    """Return what a run makes of the values of a release.

    :param live: the values that it has.
    :param label: its label, None where it has none.
    :param digest: of its values.
    :param last: the values that we gave it last, where Helm has them still.
    :param drop: paths that the inventory gives up.
    """
    given = layers.given
    old, new = {**leaves(live), **emptied(live, layers.whole)}, leaves(given)
    differing = sorted(path for path in {*old, *new} if differs(old.get(path), new.get(path)))
    if is_ours(label, digest):
        return Verdict(changes(live, given, shower), [], [])
    before = leaves(last) if last is not None else None
    # Where it is not known what we gave it, all of it was given by hand.
    by_hand = None if before is None else {path for path in {*old, *before} if differs(old.get(path), before.get(path))}
    lost = [path for path, _leaf in _lost(live, layers, strict=label is None) if (by_hand is None or path in by_hand) and not is_any_below(path, drop)]
    drift = [path for path in differing if label is not None and (by_hand is None or path in by_hand) and path not in lost and path in new]
    coming, theirs, own = leaves(layers.whole), _used(live, layers).of(live), _own(live, layers)
    used = {**leaves(theirs), **emptied(theirs, layers.whole)}
    unused = [path for path in differing if path in old and path not in used and path not in new]
    found = [_with_reason(shown_change(path, old.get(path), new.get(path), shower), own, drop) for path in differing if path not in unused]
    orders = order_changes(live, given, shower)
    # A list that was changed by hand as a whole: of which entries were taken out, or moved.
    touched = [change for change in _lost_lists(live, layers, shower, strict=label is None) if _by_hand(change.path, live, last)]
    lists = [change for change in touched if not is_any_below(change.path, drop)]
    mended = [] if label is None else [one for one in orders if _by_hand(one.path, live, last) and one.path not in {change.path for change in lists}]
    return Verdict(
        in_order([*found, *(_with_reason(change, [], drop) for change in orders)]),
        in_order([*(shown_change(path, old.get(path), new.get(path), shower) for path in drift), *mended]),
        in_order([*(shown_change(path, old[path], new.get(path, coming.get(path)), shower) for path in lost), *lists]),
        [shown_change(path, old[path], None, shower) for path in unused],
    )


def _used(live: Values, layers: Layers) -> Used:
    """Return which values objects of the release use, as it is or as it comes."""
    used = what_is_used(merge([layers.defaults, layers.given]), data_plane=layers.data_plane)
    # What somebody turned on is said together with what it was given.
    return used if layers.data_plane else used.or_by(what_is_used(merge([layers.defaults, live]), data_plane=False))


def _own(live: Values, layers: Layers) -> list[str]:
    """Return the paths of what we give, and of the volume and mount of a release in whose place ours come."""
    if layers.data_plane:
        return _generated(layers)
    found = _generated(layers)
    for name, left in zip(("additionalVolumes", "additionalVolumeMounts"), without_replaced(live)):
        there = entry_paths(lookup(live, f"flyteadmin.{name}"), f"flyteadmin.{name}")
        found += [path for item, path in there if item not in left]
    return found


def _generated(layers: Layers) -> list[str]:
    """Return the paths of what we give. Helm replaces lists whole: ours carry along what is below them."""
    base, ours = leaves(merge([layers.defaults, layers.users])), leaves(layers.ours)
    return [path for path, leaf in ours.items() if differs(base.get(path), leaf) or not _IN_LIST.search(path)]


def _with_reason(change: Change, own: Sequence[str], drop: Sequence[str]) -> Change:
    """Return a change with why, where the inventory does not give the value."""
    reasons = (("no template of the chart reads it", _UNREAD), ("of this collection", own), ("given up by flyte_drop_values", drop))
    return next((dataclasses.replace(change, why=why) for why, paths in reasons if is_any_below(change.path, paths)), change)


def _lost(live: Values, layers: Layers, *, strict: bool) -> Iterator[tuple[str, Leaf]]:
    """Yield the values that a release has of somebody, and would not have any more.

    Those that the chart's files give are nobody's, and a placeholder is none. What we generate is ours.

    :param strict: whether what the inventory gives otherwise counts too.
    """
    used, coming, given = _used(live, layers).of(live), leaves(layers.whole), leaves(layers.given)
    cleared, lists = emptied(used, layers.whole), entries(layers.whole)
    theirs = {**leaves(used), **cleared}
    of_chart, own = leaves(merge([layers.defaults, layers.chart])), _own(live, layers)
    above = prefixes(coming)
    for path, leaf in sorted(theirs.items()):
        if leaf.value is None and path not in coming and path not in above:
            continue  # it takes away what nobody gives
        if path in above and ((leaf.value == [] and path in lists) or (leaf.value == {} and path not in cleared)):
            continue  # it gets more: of a list that is _lost_lists' business
        if not differs(leaf, coming.get(path)) or not differs(leaf, of_chart.get(path)):
            continue
        if is_any_below(path, [*own, *CONFIGURATION, *_UNREAD]) or _has_placeholder(leaf):
            continue
        if strict or path not in given:
            yield path, leaf


def _lost_lists(live: Values, layers: Layers, shower: Shower, *, strict: bool) -> Iterator[Change]:
    """Yield the lists of a release that somebody made shorter than what comes, or ordered otherwise: Helm would bring back what they took out.

    The parameters are those of :func:`_lost`, and what is nobody's, and ours, is the same.
    """
    used, own, of_chart = _used(live, layers).of(live), _generated(layers), merge([layers.defaults, layers.chart])
    theirs, coming, given, charts = (entries(tree) for tree in (used, layers.whole, layers.given, of_chart))
    old, new, nobodys = leaves(used), leaves(layers.whole), leaves(of_chart)
    for path in sorted(theirs.keys() & coming.keys()):
        if is_any_below(path, [*CONFIGURATION, *_UNREAD]) or (path in given and not strict):
            continue
        if theirs[path] == charts.get(path) and not any(differs(old.get(one), nobodys.get(one)) for one in {*old, *nobodys} if is_below(one, path)):
            continue
        of_ours = {name for name in coming[path] if all(is_any_below(one, own) for one in new if is_below(one, entry_path(path, name)))}
        users = [name for name in coming[path] if name not in of_ours]
        back = [name for name in users if name not in theirs[path]]
        if back:
            yield shown_entries(path, theirs[path], coming[path], shower, f"it would get {', '.join(back)}")
        elif moved(theirs, {path: users}):
            yield shown_entries(path, theirs[path], coming[path], shower, ORDER)


def _by_hand(path: str, live: Values, last: Mapping[str, t.Any] | None) -> bool:
    """Return whether somebody took entries out of a list, put some into it, or moved them; all of it where it is not known what we gave."""
    return last is None or entries(last).get(path) != entries(live).get(path)


def _has_placeholder(leaf: Leaf) -> bool:
    return bool(list(placeholders({"value": leaf.value})))
