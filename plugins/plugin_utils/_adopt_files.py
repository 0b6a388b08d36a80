# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an adopted inventory. What has secrets in it is encrypted in memory: no file ever has them in plain text."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, match_encrypt_secret
from ansible_collections.flyte.multicluster.plugins.module_utils._common.files import text_of
from ansible_collections.flyte.multicluster.plugins.module_utils._common.written import write
from ansible_collections.flyte.multicluster.plugins.plugin_utils._action import Refused

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS = "--vault-id LABEL@prompt, --vault-id LABEL@FILE, --vault-password-file FILE or --ask-vault-pass"


class Vault:
    """The vault secret of this run of Ansible."""

    def __init__(self, loader: t.Any, vault_id: str | None) -> None:
        """Choose what to encrypt with, as ansible-vault does.

        :param loader: of Ansible, which has the secrets that its options gave.
        :param vault_id: the label of the one to use; None takes the first.
        :raises Refused: there is none.
        """
        # Ansible has no public way to them: the same attribute is what all its commands use.
        secrets = loader._vault.secrets  # pylint: disable=protected-access
        if not secrets:
            raise Refused(f"There is no vault password, and secrets are written only encrypted: give one by {_OPTIONS}.")
        try:
            self._id, self._secret = match_encrypt_secret(secrets, vault_id)
        except (AnsibleError, TypeError) as error:
            known = ", ".join(str(name) for name, _secret in secrets)
            raise Refused(f"flyte_adopt_vault_id = {vault_id!r}: there is no vault password of that label, there is {known}.") from error
        self._given_id = vault_id
        self._lib = VaultLib(secrets)

    def encrypted(self, text: str) -> str:
        """Return a text encrypted."""
        return t.cast(bytes, self._lib.encrypt(text, secret=self._secret, vault_id=self._given_id)).decode()

    def holds(self, path: pathlib.Path, text: str) -> bool:
        """Return whether a file is this text, encrypted."""
        try:
            return t.cast(bytes, self._lib.decrypt(path.read_bytes())).decode() == text
        except (OSError, ValueError, AnsibleError):
            return False


def present(folder: pathlib.Path, names: t.Iterable[str]) -> list[str]:
    """Return those files that are there already."""
    return [str(folder / name) for name in names if (folder / name).exists() or (folder / name).is_symlink()]


def text_before(path: pathlib.Path) -> str:
    """Return the text of a file, nothing where there is none that can be read."""
    try:
        return text_of(str(path))
    except (OSError, ValueError):
        return ""


def write_files(folder: pathlib.Path, texts: Mapping[str, str], *, private: str) -> None:
    """Write files, each whole or not at all. None of them holds a secret in plain text.

    :param private: the name of the one that is for its owner alone, encrypted as it is.
    :raises Refused: one cannot be written.
    """
    try:
        for name, text in texts.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            write(str(target), text, 0o600 if name == private else 0o644)
    except OSError as error:
        raise Refused(f"flyte_adopt_to = {str(folder)!r}: {error.filename} cannot be written: {error.strerror}.") from error
