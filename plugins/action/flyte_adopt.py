# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an inventory of an installation that somebody made. The documentation is that of the module of the same name."""

from __future__ import annotations

import os
import pathlib
import typing as t

from ansible_collections.flyte.multicluster.plugins.module_utils._adopt.texts import HOSTS, VAULT
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Failure
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.show import failure_table
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import InventoryAction, Refused, refuse_without
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt import Adoption
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_accesses import Accesses
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_files import Vault, present, text_before, write_files
from ansible_collections.flyte.multicluster.plugins.plugin_utils._adopt_texts import CONTROL_FILE, PLANES_FILE, Adopted
from ansible_collections.flyte.multicluster.plugins.plugin_utils._known import as_rows

_LIBRARIES = ("kubernetes", "requests")


class ActionModule(InventoryAction):
    """Reads clusters, flyteadmin and AWS; writes files on the controller."""

    ARGUMENTS: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "to": {"type": "path"},
        "force": {"type": "bool", "default": False},
        "vault_id": {"type": "str"},
        "contexts": {"type": "list", "elements": "str", "default": []},
        "eks_clusters": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Adopt."""
        refuse_without(*_LIBRARIES)
        if not arguments["to"]:
            raise Refused("flyte_adopt_to is required: the folder that the inventory is written to, for example -e flyte_adopt_to=inventories/production.")
        folder = pathlib.Path(os.path.abspath(os.path.expanduser(arguments["to"])))
        vault = Vault(self._loader, arguments["vault_id"])
        self._refuse_overwriting(folder, [HOSTS, VAULT, CONTROL_FILE, PLANES_FILE], force=arguments["force"])
        accesses = Accesses(self.task_vars["groups"], self.variables, arguments["contexts"], arguments["eks_clusters"])
        adopted = Adoption(self, accesses).run()
        self._refuse_overwriting(folder, adopted.texts, force=arguments["force"])
        changed = self._written(folder, adopted, vault)
        failures = [Failure(cluster.host, "observe", str((cluster.error or {})["message"]), str((cluster.error or {})["hint"])) for cluster in adopted.dead]
        return {
            "changed": bool(changed),
            "failures": as_rows(failures),
            "lines": [*adopted.lines, *self._about_files(folder, adopted, changed)],
            "files": [str(folder / name) for name in (*adopted.texts, *([VAULT] if adopted.vault else []))],
            **({"table": failure_table(failures)} if failures else {}),
            "diff": [
                {"before_header": name, "after_header": name, "before": before, "after": adopted.texts[name]}
                for name, before in changed.items()
                if name != VAULT
            ],
        }

    def _refuse_overwriting(self, folder: pathlib.Path, names: t.Iterable[str], *, force: bool) -> None:
        there = [] if force else present(folder, names)
        if there:
            raise Refused(f"{', '.join(there)} exists: choose another folder, or -e flyte_adopt_force=true overwrites it.")

    def _written(self, folder: pathlib.Path, adopted: Adopted, vault: Vault) -> dict[str, str]:
        """Write what differs; return its names, each with the text before."""
        before = {name: text_before(folder / name) for name in adopted.texts}
        changed = {name: text for name, text in before.items() if text != adopted.texts[name]}
        texts = {name: adopted.texts[name] for name in changed}
        if adopted.vault and not vault.holds(folder / VAULT, adopted.vault):
            changed[VAULT] = ""
            # Before what refers to it.
            texts = {VAULT: vault.encrypted(adopted.vault), **texts}
        if not self.check_mode:
            write_files(folder, texts, private=VAULT)
        return changed

    def _about_files(self, folder: pathlib.Path, adopted: Adopted, changed: t.Mapping[str, str]) -> list[str]:
        lines = [f"{folder / name}: {'would be written' if self.check_mode else 'written'}" for name in changed]
        if adopted.vault:
            lines.append(f"{adopted.secrets} secret(s) are in {VAULT} alone, encrypted")
        return [*lines, f"see what is still to be done: ansible-playbook -i {folder / HOSTS} flyte.multicluster.site --check --diff"]
