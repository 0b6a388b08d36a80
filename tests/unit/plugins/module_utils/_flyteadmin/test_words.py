# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What errors say to do, in the words of a module and in those of the inventory."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.hints import PHRASES, Phrase, named
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.settings import ADMIN_OPTIONS
from ansible_collections.flyte.multicluster.plugins.module_utils._flyteadmin.words import INVENTORY_VARIABLES, in_inventory_words
from conftest import REPOSITORY
from scripted import Scripted, as_json, client

#: options of the client that the user of the playbooks has no variable for
WITHOUT_VARIABLE = {"retry_for"}
PACKAGE = REPOSITORY / "plugins" / "module_utils" / "_flyteadmin"


def test_every_option_of_the_client_has_its_variable() -> None:
    assert set(ADMIN_OPTIONS) - set(INVENTORY_VARIABLES) == WITHOUT_VARIABLE


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.of_module[:40])
def test_every_phrase_names_variables_in_the_place_of_options(phrase: Phrase) -> None:
    said = named(phrase.of_module, str)
    options = re.findall(r"\{(\w+)\}", phrase.of_module)
    found = in_inventory_words(f"GET https://x: 401: {said} And more.")
    assert options and found.startswith("GET https://x: 401: ") and found.endswith(" And more.")
    for option in re.findall(r"\{(\w+)\}", phrase.of_inventory):
        assert re.search(rf"\b{INVENTORY_VARIABLES[option]}\b", found)
    # What names an option by accident (a token, as a word) is in the template as it is.
    assert found.count("flyte_") >= len(re.findall(r"\{\w+\}", phrase.of_inventory))
    assert not [option for option in options if "_" in option and re.search(rf"(?<!\w){option}(?!\w)", found)]
    assert in_inventory_words(found) == found


def test_what_flyteadmin_says_stays_as_it_is() -> None:
    said = "POST https://x/token: no token: 401 invalid_client: client_id or client_secret is wrong, see url and token_url."
    assert in_inventory_words(f"{said} Check client_id and client_secret.") == f"{said} Check flyte_client_id and flyte_client_secret."


def test_the_hint_of_a_real_error_is_translated() -> None:
    with Scripted(as_json(401, {"code": 16, "message": "no client_id"})) as server, pytest.raises(Exception, match="set client_id") as caught:
        client(server.url).label_rows()
    assert in_inventory_words(str(caught.value)).endswith(
        "401, code 16: no client_id flyteadmin wants a token: set flyte_client_id and flyte_client_secret, or flyte_admin_token."
    )


def _texts(node: ast.AST) -> list[str]:
    keys = {id(part.slice) for part in ast.walk(node) if isinstance(part, ast.Subscript)}
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in keys]


def _unregistered(path: pathlib.Path) -> list[str]:
    """Return what errors of the client say about its options without a registered phrase."""
    found = []
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.endswith("Error"):
            hints = [text for keyword in call.keywords if keyword.arg == "hint" for text in _texts(keyword.value)]
            # In a message, a name with an underscore is an option's; a token may be just a token.
            messages = [text for argument in call.args for text in _texts(argument)]
            found += [text for text in hints for option in ADMIN_OPTIONS if re.search(rf"\b{option}\b", text)]
            found += [text for text in messages for option in ADMIN_OPTIONS if "_" in option and re.search(rf"(?<!\w){option}(?!\w)", text)]
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in PACKAGE.glob("*.py")))
def test_no_error_names_an_option_without_a_registered_phrase(name: str) -> None:
    assert _unregistered(PACKAGE / name) == []


def test_an_unregistered_hint_would_be_found(tmp_path: pathlib.Path) -> None:
    (tmp_path / "x.py").write_text("raise AdminError('client_cert is odd.', hint=f'{x[\"url\"]} Check proxy.')", encoding="utf-8")
    assert _unregistered(tmp_path / "x.py") == [" Check proxy.", "client_cert is odd."]
