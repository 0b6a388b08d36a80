# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our label on a Helm release: a digest of the values that we gave it last. No I/O.

It is one of Helm's kind (``helm list --selector``), a label of Helm's record of the newest revision, which Helm hands on to the next one. Before Helm runs it
has both digests, of what is there and of what comes, so that a run that is killed in between leaves a release of ours.
"""

from __future__ import annotations

#: on Helm's record of the newest revision
LABEL = "flyte.multicluster/values"
#: of a digest: a label has at most 63 characters, and two digests
_DIGITS = 30


def label_value(*digests: str) -> str:
    """Return the label of a release that has one of these digests of values."""
    return ".".join(dict.fromkeys(digest[:_DIGITS] for digest in digests))


def is_ours(label: str | None, digest: str) -> bool:
    """Return whether a release has the values that we gave it last.

    :param label: the release's, None where it has none.
    :param digest: of its values.
    """
    return bool(label) and digest[:_DIGITS] in str(label).split(".")


def label_before(label: str | None, digest: str, wanted: str) -> str:
    """Return the label that a release has while Helm runs.

    :param label: the one that it has.
    :param digest: of its values.
    :param wanted: of those that Helm gives it. What is there and not ours does not become ours before that.
    """
    return label_value(digest, wanted) if is_ours(label, digest) else label_value(wanted)
