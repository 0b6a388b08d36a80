# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How names and numbers of a status are written: names are whatever somebody stored. No I/O."""

from __future__ import annotations

import typing as t
import unicodedata

from .._common.text import age

if t.TYPE_CHECKING:
    from .model import ClusterStatus, Share

#: control and format characters (they turn a line around, or steer a terminal), halves of characters, line breaks, unassigned and private ones
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
REPLACED = "\N{REPLACEMENT CHARACTER}"
#: what is put before many accents is none that anybody reads
_MOST_MARKS = 3
NOTHING = "–"


def clean(text: t.Any) -> str:
    """Return a text in which nothing is unseen: each such character is replaced by one that is seen."""
    found, marks = [], 0
    for letter in str(text):
        kind = unicodedata.category(letter)
        marks = marks + 1 if kind.startswith("M") else 0
        if marks <= _MOST_MARKS:
            found.append(REPLACED if kind in _UNSEEN else letter)
    return "".join(found)


def sentence(text: str) -> str:
    """Return a text that ends as a sentence does."""
    said = clean(text).strip()
    return said if not said or said.endswith((".", ")", ":")) else f"{said}."


def shortened(text: t.Any, most: int) -> str:
    """Return a text of at most so many columns, its middle left out where it is longer: names of clusters differ at both ends."""
    said = clean(text)
    if columns(said) <= most:
        return said
    head, tail = "", ""
    room = most - 1
    front, back = room - room // 2, room // 2
    for letter in said:
        if columns(head + letter) > front:
            break
        head += letter
    for letter in reversed(said):
        if columns(letter + tail) > back:
            break
        tail = letter + tail
    return f"{head}…{tail}"


def columns(text: str) -> int:
    """Return how many columns a text takes: letters of East Asia take two."""
    return sum(0 if unicodedata.category(letter).startswith("M") else 2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, width: int) -> str:
    """Return a text filled up to so many columns."""
    return text + " " * max(0, width - columns(text))


def percent(share: float) -> str:
    """Return a share of 1 as percent."""
    hundredths = 100 * share
    if 0 < hundredths < 1:
        return "<1 %" if hundredths < 0.1 else f"{hundredths:.1f} %"
    # Never 100 of what is less.
    return f"{min(round(hundredths), 99) if 99 < hundredths < 100 else round(hundredths)} %"


def share_text(share: Share) -> str:
    """Return what a label gives a cluster. There is no space in it: a YAML callback would break the line there."""
    return f"{clean(share.label)}={percent(share.share).replace(' ', '')}"


def number(value: int | None) -> str:
    """Return a number; what is not known is a dash."""
    return NOTHING if value is None else str(value)


def release_text(cluster: ClusterStatus) -> str:
    """Return the release and its revision."""
    found = cluster.release
    if not found:
        return NOTHING
    status = "" if found["status"] == "deployed" else f" {found['status']}"
    return clean(f"{found['name']} r{found['revision']}{status}")


def token_text(cluster: ClusterStatus) -> str:
    """Return the age of the token, and whether it is due."""
    return NOTHING if cluster.token_age is None else age(cluster.token_age) + (" due" if cluster.token_due else "")


def pods_text(cluster: ClusterStatus) -> str:
    """Return how many Deployments of the release are ready."""
    return NOTHING if cluster.deployments is None else f"{cluster.deployments_ready}/{cluster.deployments}"


def enabled_text(cluster: ClusterStatus) -> str:
    """Return whether flyteadmin places work there."""
    if not cluster.target:
        return NOTHING
    return NOTHING if cluster.configured is None else "no entry" if not cluster.configured else "yes" if cluster.enabled else "no"


def reached_text(cluster: ClusterStatus) -> str:
    """Return the version of Kubernetes, or that there was no answer."""
    if cluster.reachable is False:
        return "no answer"
    return clean(cluster.kubernetes) if cluster.kubernetes else NOTHING


def counts_text(counts: dict[str, int]) -> str:
    """Return how many clusters are in each state."""
    return ", ".join(f"{count} {state}" for state, count in counts.items())
