# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that become keys of flyteadmin's configuration: what every YAML parser on the way has to take for the same text. No I/O.

Helm writes them, flyteadmin's Go parser reads them. ``1e3`` is text for the one and a number for the other, which then ends; of a key of more
than a thousand characters the section that is read back is empty, and flyteadmin serves its own cluster alone. Keys are read in small letters, as the names of
labels are keys; those of clusters are values and stay as they are.
"""

from __future__ import annotations

import re
import typing as t

#: as long as the value of a Kubernetes label or the name of a Service may be
MOST = 63
_NAME = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?", re.ASCII)
#: what some version of YAML takes for a number, a date or a time of day
_NUMBER = re.compile(r"[0-9][0-9_]*(\.[0-9_]*)?(e[-+]?[0-9]+)?|0x[0-9a-f_]+|0o?[0-7_]+|0b[01_]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*", re.IGNORECASE)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})


def key_problem(name: t.Any) -> str:
    """Return why this can be the name neither of a label nor of a cluster, nothing where it can."""
    if not isinstance(name, str):
        return f"has to be text, and YAML makes {type(name).__name__} of it: put it in quotes, or take a name that begins with a letter."
    if len(name) > MOST or not _NAME.fullmatch(name):
        return f"has to be at most {MOST} letters, digits, '.', '_' and '-', beginning and ending with a letter or digit."
    if reads_otherwise(name):
        return "is a number, a date or a word like 'true' for some YAML parser on its way to flyteadmin: take another name, with a letter in front."
    return ""


def label_problem(name: t.Any) -> str:
    """Return why this cannot be the name of a label, nothing where it can."""
    problem = key_problem(name)
    if not problem and name != name.lower():
        problem = f"has to be in small letters, here and in execution cluster labels ({name.lower()!r}): flyteadmin makes them of it in labelClusterMap alone."
    return problem


def reads_otherwise(name: str) -> bool:
    """Return whether some YAML parser takes this text for a number, a date or a word like ``true``, where it stands without quotes."""
    return name.lower() in _WORDS or bool(_NUMBER.fullmatch(name))
