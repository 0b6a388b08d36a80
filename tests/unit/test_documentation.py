# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation is whole: every variable, every kind of failure, and examples that the modules take."""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import typing as t

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.flyte.multicluster.plugins.module_utils._helm.shown_values import Change
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.approval import document, encoded
from ansible_collections.flyte.multicluster.plugins.module_utils._plan.rows import Row
from conftest import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs" / "site"))
sys.path.insert(0, str(REPOSITORY / "tests" / "checks"))

import clean_environment  # noqa: E402
import pages  # noqa: E402

TROUBLESHOOTING = (REPOSITORY / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
GALAXY = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))
PLUGINS = sorted((REPOSITORY / "plugins").rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PLUGINS}


def test_every_variable_is_on_its_page() -> None:
    page = pages.variables()
    assert [name for name in pages.options() if f"- **`{name}`** (" not in page] == []
    assert "  - **`project`** (str; required)" in page, "suboptions too"


def calls(name: str) -> list[ast.Call]:
    """Return all calls of a class of errors."""
    nodes = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in nodes if (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) == name]


def literal(node: ast.Call, position: int) -> str | None:
    """Return an argument that is written out."""
    found = node.args[position] if position < len(node.args) else None
    return found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else None


def test_every_step_that_fails_has_its_entry() -> None:
    # "verify: pods" is of the step verify.
    steps = {step.partition(":")[0] for node in calls("Failure") if (step := literal(node, 1))}
    assert len(steps) >= 5
    headings = set(re.findall(r"^### (\w+)$", TROUBLESHOOTING, re.MULTILINE))
    assert steps - headings == set(), "a heading for each step that the closing table may name"


def test_every_kind_of_error_has_its_entry() -> None:
    kinds = {kind for node in calls("KubeError") if (kind := literal(node, 0))}
    assert {"config", "unreachable", "api"} <= kinds
    assert [kind for kind in sorted(kinds) if f"| `{kind}` |" not in TROUBLESHOOTING] == []


def test_every_error_of_ours_is_among_the_messages() -> None:
    """A class of errors that the page of messages does not know would leave its messages out."""
    classes = [node.name for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and _is_error(node)]
    raised = {name for name in classes if any(isinstance(node.args[0] if node.args else None, (ast.Constant, ast.JoinedStr)) for node in calls(name))}
    assert raised - set(pages.SAID) == set(), "add it to SAID in docs/site/pages.py"
    # Those of Python itself are caught, and said in our words; those of Ansible are shown.
    thrown = [node.exc for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    foreign = {node.func.id for node in thrown if isinstance(node.func, ast.Name) and node.args} - set(classes) - set(vars(builtins)) - set(pages.SAID)
    assert {name for name in foreign if re.match("_?[A-Z]", name)} == set(), "add it to SAID in docs/site/pages.py"
    found = pages.messages()
    assert any("Preflight was skipped" in text for text in found["The plan and its steps"]), "those of playbooks too"
    assert all(found.values()) and sum(map(len, found.values())) > 200


def _is_error(node: ast.ClassDef) -> bool:
    return any(getattr(base, "id", "").endswith(("Error", "Exception", "Fault")) for base in node.bases)


MODULES = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))


def tasks_of(module: str) -> list[dict[str, t.Any]]:
    """Return the tasks of a module's examples that run it."""
    text = importlib.import_module(f"ansible_collections.flyte.multicluster.plugins.modules.{module}").EXAMPLES
    found = [inner for entry in yaml.safe_load(text) for inner in (entry.get("tasks") or [entry])]
    return [task for task in found if f"flyte.multicluster.{module}" in task]


def spec_of(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the argument spec that a documentation says."""
    kept = ("type", "elements", "choices", "required", "aliases", "default")
    return {
        name: {key: option[key] for key in kept if key in option} | ({"options": spec_of(option["suboptions"])} if "suboptions" in option else {})
        for name, option in options.items()
    }


def documentation_of(module: str) -> tuple[dict[str, t.Any], list[str]]:
    """Return all options of a module and what it requires, those of its fragments too."""
    found = yaml.safe_load(importlib.import_module(f"ansible_collections.flyte.multicluster.plugins.modules.{module}").DOCUMENTATION)
    options, required = dict(found.get("options") or {}), list(found.get("requirements") or [])
    for name in found.get("extends_documentation_fragment") or []:
        fragment, _dot, part = name.removeprefix("flyte.multicluster.").partition(".")
        owner = importlib.import_module(f"ansible_collections.flyte.multicluster.plugins.doc_fragments.{fragment}").ModuleDocFragment
        more = yaml.safe_load(getattr(owner, (part or "DOCUMENTATION").upper()))
        required += more.get("requirements") or []
        for key, option in (more.get("options") or {}).items():
            both = {**(option.get("suboptions") or {}), **(options.get(key, {}).get("suboptions") or {})}
            options[key] = {**option, **options.get(key, {}), **({"suboptions": both} if both else {})}
    return options, required


@pytest.mark.parametrize("module", MODULES)
def test_a_module_takes_its_examples(module: str) -> None:
    tasks = tasks_of(module)
    assert tasks
    validator = ArgumentSpecValidator(spec_of(documentation_of(module)[0]))
    for task in tasks:
        given = task[f"flyte.multicluster.{module}"] or {}
        # What is a template is known at run time only.
        result = validator.validate({key: value for key, value in given.items() if not (isinstance(value, str) and "{{" in value)})
        missing = [text for text in result.error_messages if not (text.startswith("missing required arguments") and _is_templated(given, text))]
        assert missing == [], (task, missing)


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_needs_are_the_floors_of_the_collection(module: str) -> None:
    """Python's too: each says which ones it does not support."""
    lines = [line for line in (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    floors = {*lines, *(f"{name}{version}" for name, version in GALAXY["dependencies"].items()), "python>=3.11"}
    needed = {text.replace(" ", "") for text in documentation_of(module)[1]}
    assert "python>=3.11" in needed and needed <= floors


def test_nothing_is_newer_than_the_collection() -> None:
    paths = [path for folder in ("plugins", "roles") for path in (REPOSITORY / folder).rglob("*.*") if path.suffix in (".py", ".yml")]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    added = {version for text in texts.values() for version in re.findall(r"^ *version_added: *(\S+)$", text, re.MULTILINE)}
    ours = [int(part) for part in GALAXY["version"].split(".")]
    assert added and [version for version in added if [int(part) for part in version.split(".")] > ours] == []
    documented = [path for path in texts if path.parent.name in ("modules", "inventory", "callback") or path.name in ("trust_policy.yml", "argument_specs.yml")]
    assert len(documented) > 30 and [path.name for path in documented if "version_added: " not in texts[path]] == []


def test_every_version_that_is_said_to_work_has_a_row_in_the_workflows() -> None:
    """Each ansible-core, the floors exactly, and what README and execution environment say."""
    rows = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))["jobs"]["units"]["strategy"]["matrix"]["include"]
    minors = sorted({int(row["core"].split(".")[1]) for row in rows})
    floor = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    assert floor == f">=2.{minors[0]}.0" and minors == list(range(minors[0], minors[-1] + 1))
    assert f"ansible-core 2.{minors[0]} to 2.{minors[-1]}, Python 3.11 or newer" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
    environment = (REPOSITORY / "execution-environment.yml").read_text(encoding="utf-8")
    assert f"ansible-core>=2.{minors[0]},<2.{minors[-1] + 1}" in environment
    oldest = clean_environment.OLDEST
    pinned = {library for library in oldest.libraries if "==" in library}
    assert any((row["core"], row["ansible"], set(row["libraries"].split())) == (oldest.ansible_core, oldest.ansible, pinned) for row in rows)


def test_the_repository_has_one_address() -> None:
    """Who gives it another one changes galaxy.yml, and is told of all other places."""
    names = ("galaxy.yml", "docs/docsite/links.yml", "CONTRIBUTING.md", "MAINTAINING.md", "README.md", "docs/site/pages.py")
    texts = [(REPOSITORY / name).read_text(encoding="utf-8") for name in names] + [path.read_text(encoding="utf-8") for path in PAGES]
    found = {address for text in texts for address in re.findall(r"[\w.-]+/flyte-multicluster\b(?!-)", text) if not address.startswith((".", "-"))}
    assert found - {"cache/flyte-multicluster"} == {GALAXY["repository"].removeprefix("https://github.com/")}


def _is_templated(given: dict[str, t.Any], text: str) -> bool:
    return all(name.strip() in given for name in text.partition(":")[2].split(","))


def _of_roles() -> set[str]:
    """Return the variables of the collection's prefix that single roles have."""
    specs = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (REPOSITORY / "roles").glob("*/meta/argument_specs.yml")]
    return {name for spec in specs for name in spec["argument_specs"]["main"]["options"] if name.startswith("flyte_")}


PAGES = [*sorted((REPOSITORY / "docs").glob("*.md")), REPOSITORY / "README.md"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_a_page_names_is_there(path: pathlib.Path) -> None:
    """Variables, playbooks, files and steps: what is renamed is renamed in the documents."""
    text = path.read_text(encoding="utf-8")
    known = {*pages.options(), *_of_roles(), *MODULES, "flyte_control_plane", "flyte_data_planes", "flyte_multicluster"}
    named = {name for name in re.findall(r"(?<![\w/.-])(flyte_[a-z_]+[a-z])(?![\w…*-])", text) if not name.startswith("flyte_todo")}
    unknown = {name for name in named - known if not any(other.startswith(name) for other in known)}
    assert unknown == set()
    folders = ("playbooks", "roles", *(f"plugins/{kind}" for kind in ("callback", "filter", "inventory")))
    callable_ = {file.stem for folder in folders for file in (REPOSITORY / folder).glob("*")}
    assert set(re.findall(r"flyte\.multicluster\.(?!flyte_|git\b)([a-z]+)\b", text)) - callable_ == set()


def _anchors(path: pathlib.Path) -> set[str]:
    """Return the names of a page's headings, as GitHub and the site's Markdown make them."""
    headings: list[str] = re.findall(r"^#{1,6} +(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


_FOLDERS = ("docs", "roles", "tests/lab", "benchmarks/results")
DOCUMENTS = [*REPOSITORY.glob("*.md"), *(path for folder in _FOLDERS for path in (REPOSITORY / folder).rglob("*.md"))]


def test_every_link_leads_somewhere() -> None:
    """Pictures too, and the headings that links name."""
    dead = []
    links = [(path, link) for path in DOCUMENTS for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")) if "://" not in link]
    for path, link in links:
        name, _hash, heading = link.partition("#")
        target = path.parent / name if name else path
        # The first two are made for the site; its first page is copied beside the others.
        there = name in ("variables.md", "messages.md") or target.exists() or (path.parent.name == "site" and (path.parents[1] / name).exists())
        if not there or (heading and heading not in _anchors(target)):
            dead.append(f"{path.relative_to(REPOSITORY)}: {link}")
    assert len(links) > 80 and dead == []
    here = re.compile(rf"{re.escape(GALAXY['repository'])}/(?:blob|tree)/main/([^)\s]+)")
    named = {name for path in DOCUMENTS for name in here.findall(path.read_text(encoding="utf-8"))}
    assert named and [name for name in named if not (REPOSITORY / name).exists()] == []


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not on this machine")
def test_a_plan_becomes_the_comment_of_a_merge_request_as_the_page_says(tmp_path: pathlib.Path) -> None:
    """With doubles of gh and glab, which write down what they would send."""
    row = Row("hub", "controlplane", "Helm release flyte-core", "values differ", changes=(Change("a.text", "`x`\n```\n", "ü \"q\" $HOME %s \\n"),))
    plan = document([row], ["hub: removed: 1 of 9 labels: x"], {"hub": "https://hub"})
    (tmp_path / "plan.json").write_text(encoded(plan), encoding="utf-8")
    bodies = {"gh": "cat", "glab": 'printf "%s\\n" "$5"'}
    for name, body in bodies.items():
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$@" | head -n 1 >{name}.arguments\n{body} >{name}.sent\n', encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    commands = [line for line in (REPOSITORY / "docs" / "plan.md").read_text(encoding="utf-8").splitlines() if line.startswith("jq ")]
    assert len(commands) == len(bodies)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PR": "7", "MR": "8", "LC_ALL": "C.UTF-8"}
    for command in commands:
        subprocess.run(["/bin/sh", "-euc", command], cwd=tmp_path, env=environment, check=True, timeout=30)
    wanted = "\n".join(["```", *plan["text"], "```", ""])
    assert {name: (tmp_path / f"{name}.sent").read_text(encoding="utf-8") for name in bodies} == dict.fromkeys(bodies, wanted)
    # No value ends the block in which it stands.
    assert sum(line.lstrip().startswith("```") for line in wanted.splitlines()) == 2
    said = {name: (tmp_path / f"{name}.arguments").read_text(encoding="utf-8") for name in bodies}
    assert said["gh"] == "pr comment 7 --body-file -\n" and said["glab"] == "mr note 8 --message ```\n"


def _commands() -> list[str]:
    """Return the ansible-playbook commands of all pages, each once."""
    blocks = [block for path in PAGES for block in re.findall(r"^```\w*\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    found = {re.sub(r"\s+", " ", match[1]).strip() for line in lines if (match := re.match(r"[^#]*?((?:\.venv/bin/)?ansible-playbook [^#]+)", line))}
    return sorted(found)


@pytest.mark.parametrize("command", _commands())
def test_a_command_of_a_page_is_taken(command: str, tmp_path: pathlib.Path) -> None:
    """As it stands, with the README's inventory, but for what it would do: the integration tests run the playbooks."""
    (inventory,) = re.findall(r"^```yaml\n(all:\n.*?)^```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for name in ("inventory", "accesses.yml", "inventories/production/hosts.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(inventory, encoding="utf-8")
    program, *arguments = shlex.split(command)
    here = program.startswith(".venv/")
    arguments = [argument for argument in arguments if argument != "--ask-vault-pass"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    answer = subprocess.run(
        [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), *arguments, "--list-tasks"],
        cwd=REPOSITORY if here else tmp_path,
        env=environment if here else {**environment, "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".collections")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0 and "TAGS:" in answer.stdout and "WARNING" not in answer.stderr, answer.stdout + answer.stderr
