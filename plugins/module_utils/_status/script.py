# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script of the page: filter, order, and what belongs together in the picture. Without it the page is whole. Its policy allows exactly this text."""

SCRIPT = """
(function () {
  "use strict";
  var all = function (selector, root) { return Array.prototype.slice.call((root || document).querySelectorAll(selector)); };
  document.documentElement.classList.add("js");
  var rows = all("#clusters tbody tr"), labels = all("#labels tbody tr"), todo = all(".todo > li");
  var search = document.getElementById("search"), count = document.getElementById("count"), chips = all(".tools button[data-state]");
  var nodes = all("svg [data-clusters]"), parts = all("svg [data-label]"), links = all("svg .link");
  var text = function (element) { return element.textContent.toLowerCase(); };
  var texts = new Map();
  rows.concat(labels).forEach(function (row) { texts.set(row, text(row)); });
  var ids = function (value) { return (value || "").split(" ").filter(Boolean); };

  function dim(keptNodes, keptLabels) {
    nodes.forEach(function (node) { node.classList.toggle("dim", !keptNodes[node.dataset.node]); });
    parts.forEach(function (part) {
      var shown = keptLabels[part.dataset.label] && (part.dataset.node === undefined || keptNodes[part.dataset.node]);
      part.classList.toggle("dim", !shown);
    });
  }
  function everything() { var found = {}; nodes.forEach(function (n) { found[n.dataset.node] = true; }); return found; }
  function everyLabel() { var found = {}; parts.forEach(function (p) { found[p.dataset.label] = true; }); return found; }

  function filter() {
    var words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    var states = chips.filter(function (chip) { return chip.getAttribute("aria-pressed") === "true"; }).map(function (chip) { return chip.dataset.state; });
    var fits = function (row) { return words.every(function (word) { return texts.get(row).indexOf(word) >= 0; }); };
    var visible = {}, shown = 0;
    rows.forEach(function (row) {
      var kept = fits(row) && (!states.length || states.indexOf(row.dataset.state) >= 0);
      row.hidden = !kept;
      if (kept) { visible[row.dataset.cluster] = true; shown += 1; }
    });
    var any = function (part) { return ids(part.dataset.clusters).some(function (id) { return visible[id]; }); };
    todo.forEach(function (item) { item.hidden = item.dataset.clusters !== undefined && !any(item); });
    count.textContent = shown === rows.length ? rows.length + " clusters" : shown + " of " + rows.length + " clusters";
    if (!words.length && !states.length) { labels.forEach(function (row) { row.hidden = false; }); dim(everything(), everyLabel()); return; }
    var keptLabels = {}, keptNodes = {};
    labels.forEach(function (row) {
      var own = words.length > 0 && !states.length && fits(row);
      row.hidden = !(own || any(row));
      if (!row.hidden) { keptLabels[row.dataset.label] = true; }
    });
    nodes.forEach(function (node) { if (any(node)) { keptNodes[node.dataset.node] = true; } });
    links.forEach(function (link) { if (keptLabels[link.dataset.label] && !shown) { keptNodes[link.dataset.node] = true; } });
    dim(keptNodes, keptLabels);
    var first = document.querySelector("svg [data-clusters]:not(.dim)"), frame = document.querySelector(".picture");
    if (first && frame) { frame.scrollTop += first.getBoundingClientRect().top - frame.getBoundingClientRect().top - 60; }
  }
  search.addEventListener("input", filter);
  chips.forEach(function (chip) {
    chip.addEventListener("click", function () { chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true")); filter(); });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "/" && document.activeElement !== search && !event.ctrlKey && !event.metaKey) { event.preventDefault(); search.focus(); }
    if (event.key === "Escape" && document.activeElement === search) {
      search.value = ""; chips.forEach(function (chip) { chip.setAttribute("aria-pressed", "false"); }); filter();
    }
  });

  all("#clusters thead th[aria-sort]").forEach(function (head) {
    head.firstChild.addEventListener("click", function () {
      var down = head.getAttribute("aria-sort") === "ascending", place = head.cellIndex;
      all("#clusters thead th[aria-sort]").forEach(function (other) { other.setAttribute("aria-sort", "none"); });
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      var key = function (row) { var cell = row.cells[place]; return cell.dataset.sort !== undefined ? Number(cell.dataset.sort) : text(cell); };
      rows.sort(function (one, other) {
        var a = key(one), b = key(other), order = typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
        return down ? -order : order;
      });
      rows.forEach(function (row) { row.parentNode.appendChild(row); });
    });
  });

  function lit(part) {
    var keptNodes = {}, keptLabels = {}, own = part.dataset;
    if (own.label !== undefined) { keptLabels[own.label] = true; }
    if (own.node !== undefined) { keptNodes[own.node] = true; }
    links.forEach(function (link) {
      var same = own.node !== undefined && own.label !== undefined ? link.dataset.node === own.node && link.dataset.label === own.label
        : own.node !== undefined ? link.dataset.node === own.node : link.dataset.label === own.label;
      link.classList.toggle("hot", same);
      if (same) { keptNodes[link.dataset.node] = true; keptLabels[link.dataset.label] = true; }
    });
    dim(keptNodes, keptLabels);
    links.forEach(function (link) { if (!link.classList.contains("hot")) { link.classList.add("dim"); } });
    all("svg .share").forEach(function (share) {
      var hot = links.some(function (link) {
        return link.classList.contains("hot") && link.dataset.node === share.dataset.node && link.dataset.label === share.dataset.label;
      });
      share.classList.toggle("dim", !hot);
    });
  }
  all("svg .node, svg .link").forEach(function (part) {
    part.addEventListener("mouseenter", function () { lit(part); });
    part.addEventListener("mouseleave", function () { links.forEach(function (link) { link.classList.remove("hot"); }); filter(); });
  });
  filter();
}());
"""
