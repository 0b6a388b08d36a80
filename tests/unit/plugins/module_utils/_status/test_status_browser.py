# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page in a real browser, at 2 and at 100 clusters: it asks nobody, nothing stands on top of anything, and the filter works."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.flyte.multicluster.plugins.module_utils._status.page import page
from browser import MISSING, Browser, binary
from conftest import _SITE
from status_sites import hostile, large, small, status_of_site

pytestmark = pytest.mark.skipif(binary() is None, reason=MISSING)

#: texts of the picture that meet, and those that leave the box that they stand in
_PICTURE = """
(() => {
  const texts = [...document.querySelectorAll("svg text")].map((text) => [text, text.getBoundingClientRect()]);
  const found = [];
  texts.forEach(([one, a], place) => {
    const box = one.parentNode.querySelector("rect");
    const b = box ? box.getBoundingClientRect() : null;
    const within = (b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
    if (b && !within(b)) { found.push("leaves its box: " + one.textContent); }
    texts.slice(place + 1).forEach(([other, c]) => {
      if (Math.min(a.right, c.right) - Math.max(a.left, c.left) > 1 && Math.min(a.bottom, c.bottom) - Math.max(a.top, c.top) > 1.5) {
        found.push("meet: " + one.textContent + " | " + other.textContent);
      }
    });
  });
  return found;
})()
"""
#: parts of the page that meet, or are wider than their place
_PAGE = """
(() => {
  const found = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) { found.push("the page is wider than its window: " + root.scrollWidth); }
  document.querySelectorAll("td, th, .todo > li, .states li").forEach((cell) => {
    if (cell.scrollWidth > cell.clientWidth + 1) { found.push("too narrow: " + cell.textContent); }
  });
  const all = document.querySelectorAll("h1, h2, header p, .states li, .todo, .tools, .scroll, figcaption, footer");
  const parts = [...all].map((part) => [part, part.getBoundingClientRect()]);
  parts.forEach(([one, a], place) => parts.slice(place + 1).forEach(([other, b]) => {
    if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1) {
      found.push("meet: " + one.textContent.slice(0, 40) + " | " + other.textContent.slice(0, 40));
    }
  }));
  return found;
})()
"""
#: texts whose colour has too little contrast to the ground that they stand on (WCAG 2.1, 1.4.3)
_CONTRAST = """
(() => {
  const light = (colour) => {
    const linear = (part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => linear(part / 255));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const box = at.tagName === "g" ? at.querySelector("rect") : null;
      const colour = box ? getComputedStyle(box).fill : getComputedStyle(at).backgroundColor;
      if (colour && colour !== "none" && !/, 0\\)$/.test(colour)) { return colour; }
    }
    return "rgb(255, 255, 255)";
  };
  const found = new Set();
  document.querySelectorAll("h1, h2, p, li, a, span, td, th, small, button, figcaption, footer, svg text").forEach((element) => {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) { return; }
    const style = getComputedStyle(element), one = light(element.tagName === "text" ? style.fill : style.color), other = light(ground(element));
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) { found.add(element.tagName + "." + element.getAttribute("class") + " " + ratio.toFixed(2)); }
  });
  return [...found];
})()
"""
_ROWS = "[...document.querySelectorAll('#clusters tbody tr')].filter((row) => !row.hidden).map((row) => row.cells[0].firstChild.textContent)"
_COUNT = "document.getElementById('count').textContent"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """The pages of the sites."""
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for make in (small, large, hostile):
        inventory = {
            host: {**copy.deepcopy(_SITE), "flyte_kube_context": host, "flyte_eks_cluster": host} for host in ("controlplane", "dataplane_1", "dataplane_2")
        }
        found[make.__name__] = folder / f"{make.__name__}.html"
        found[make.__name__].write_text(page(status_of_site(make(inventory))), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Browser]:
    """One browser for all tests: it takes a second to start."""
    found = Browser(str(binary()), tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("name", "width", "dark"), [("small", 1280, False), ("large", 1440, True), ("large", 1440, False), ("hostile", 1280, False), ("large", 400, False)]
)
def test_the_page_shows(browser: Browser, pages: dict[str, pathlib.Path], name: str, width: int, dark: bool) -> None:
    browser.show(pages[name], width=width, dark=dark)
    kept = os.environ.get("FLYTE_STATUS_PICTURES")
    if kept:
        pathlib.Path(kept, f"{name}-{width}-{'dark' if dark else 'light'}.png").write_bytes(browser.picture())
    assert browser.run("document.documentElement.className") == "js"  # its script ran
    assert browser.run(_PICTURE) == [] and browser.run(_PAGE) == [] and browser.run(_CONTRAST) == []
    own = pages[name].as_uri()
    assert [url for url in browser.requests if url != own and not url.startswith("data:")] == [] and browser.said == []
    # All of it is there: what could be asked for was asked for by now.
    assert browser.run("performance.getEntriesByType('resource').length") == 0


def test_nothing_that_a_name_brought_in_ran(browser: Browser, pages: dict[str, pathlib.Path]) -> None:
    browser.show(pages["hostile"])
    assert browser.run("[document.scripts.length, document.images.length, document.querySelectorAll('svg').length]") == [1, 0, 1]


def test_the_filter(browser: Browser, pages: dict[str, pathlib.Path]) -> None:
    browser.show(pages["large"])
    assert browser.run(_COUNT) == "102 clusters" and browser.run("document.querySelectorAll('svg .dim').length") == 0
    browser.press("/")
    assert browser.run("document.activeElement.id + document.activeElement.value") == "search"
    browser.type("us-east-2 POOL-07")
    rows = browser.run(_ROWS)
    assert rows and all(name.startswith("us-east-2") for name in rows) and browser.run(_COUNT) == f"{len(rows)} of 102 clusters"
    names = "[...document.querySelectorAll('svg [data-clusters]:not(.dim) text.name')].map((text) => text.textContent)"
    assert all(name.startswith("us-east-2") for name in browser.run(names)) and browser.run("document.querySelectorAll('svg .link.dim').length") > 40
    # What is left of the picture is in sight.
    boxes = "['svg [data-clusters]:not(.dim)', '.picture'].map((part) => document.querySelector(part).getBoundingClientRect())"
    assert browser.run(f"(([a, b]) => a.top >= b.top && a.bottom <= b.bottom)({boxes})") is True
    assert [
        label
        for label in browser.run("[...document.querySelectorAll('#labels tbody tr:not([hidden]) th')].map((cell) => cell.textContent)")
        if label == "pool-07"
    ]
    browser.press("Escape")
    assert browser.run(_COUNT) == "102 clusters" and browser.run("document.querySelectorAll('svg .dim').length") == 0
    browser.run("document.querySelector('.tools button[data-state=drained]').click()")
    assert browser.run(_ROWS) == ["eu-west-1-04", "us-east-2-04", "ap-south-1-04", "us-west-2-04"]
    assert browser.run("document.querySelector('.tools button[data-state=drained]').getAttribute('aria-pressed')") == "true"
    browser.run("document.querySelector('.tools button[data-state=bad]').click()")
    assert len(browser.run(_ROWS)) == 7 and browser.run("[...document.querySelectorAll('.todo > li')].filter((item) => !item.hidden).length") >= 3


def test_the_order(browser: Browser, pages: dict[str, pathlib.Path]) -> None:
    browser.show(pages["large"])
    press = "[...document.querySelectorAll('#clusters thead button')].find((button) => button.textContent.startsWith({})).click()"
    browser.run(press.format(json.dumps("State")))
    assert browser.run(_ROWS)[:3] == ["eu-west-1-10", "us-east-2-15", "ap-south-1-20"]
    browser.run(press.format(json.dumps("Running")))
    browser.run(press.format(json.dumps("Running")))
    counts = browser.run("[...document.querySelectorAll('#clusters tbody tr')].map((row) => Number(row.cells[9].dataset.sort))")
    assert counts == sorted(counts, reverse=True) and counts[0] > 30
    assert browser.run("document.querySelectorAll('#clusters thead [aria-sort=descending]').length") == 1


def test_what_belongs_together_is_shown_together(browser: Browser, pages: dict[str, pathlib.Path]) -> None:
    browser.show(pages["small"])
    browser.run("[...document.querySelectorAll('svg .node')].find((node) => node.textContent.includes('label1')).dispatchEvent(new MouseEvent('mouseenter'))")
    kept = "[...document.querySelectorAll('svg [data-clusters]:not(.dim) text.name')].map((text) => text.textContent)"
    assert sorted(browser.run(kept)) == ["dataplane_1", "dataplane_2"] and browser.run("document.querySelectorAll('svg .link.hot').length") == 2
    browser.run("[...document.querySelectorAll('svg .node')].find((node) => node.textContent.includes('label1')).dispatchEvent(new MouseEvent('mouseleave'))")
    assert browser.run("document.querySelectorAll('svg .dim, svg .hot').length") == 0


def test_it_can_be_read_without_its_picture(browser: Browser, pages: dict[str, pathlib.Path]) -> None:
    browser.show(pages["small"])
    assert (
        browser.run("document.querySelector('svg').getAttribute('role') + document.querySelector('#picture-title').textContent")
        == "img3 labels lead to 3 clusters"
    )
    rows = browser.run("[...document.querySelectorAll('#labels tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText))")
    assert rows[1] == ["label1", "dataplane_1 70 %\ndataplane_2 30 %", "team1/development"]
    # Whatever scrolls can be reached by keyboard, every control has a name, and every column a heading.
    assert browser.run("[...document.querySelectorAll('.scroll, .todo')].every((part) => part.tabIndex === 0 && part.getAttribute('aria-label'))")
    assert browser.run("[...document.querySelectorAll('input, button')].every((part) => part.getAttribute('aria-label') || part.textContent)")
    assert browser.run("document.documentElement.lang") == "en" and browser.run("document.querySelectorAll('h1').length") == 1
