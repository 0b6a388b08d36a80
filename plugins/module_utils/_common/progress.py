# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each cluster is doing, said by whatever is at work to the callback that shows it.

Steps run in processes of their own. Where the callback C(progress) is enabled, it names a file in the environment, which they inherit; each
thing that is said is one line that is appended at once. Without it, saying something costs a look at the environment.
"""

from __future__ import annotations

import json
import os
import time
import typing as t

from .redaction import SECRETS

#: names the file
VARIABLE = "FLYTE_MULTICLUSTER_PROGRESS"
#: a line that is longer is not sure to be appended at once
MOST = 1000


class Progress:
    """Says what clusters are doing."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        #: inventory hosts of names that somebody else has for clusters
        self.hosts: t.Mapping[str, str] = {}

    def say(self, cluster: str, what: str) -> None:
        """Say what a cluster is doing from now on; nothing where it is what was said before, or where nobody listens."""
        path = os.environ.get(VARIABLE)
        if not path or self._last.get(cluster) == what:
            return
        self._last[cluster] = what
        line = json.dumps({"time": time.time(), "cluster": self.hosts.get(cluster, cluster)[:200], "what": SECRETS.text(what)[:400]})
        try:
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return  # the run has ended, or this is another machine
        try:
            os.write(file, f"{line}\n".encode()[: 4 * MOST])
        except OSError:
            pass  # nothing depends on it
        finally:
            os.close(file)


#: what this process says
PROGRESS = Progress()
