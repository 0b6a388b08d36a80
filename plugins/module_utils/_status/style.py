# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of the page: light and dark, as the reader's system is. The page's policy allows exactly this text."""

STYLE = """
:root {
  color-scheme: light dark;
  --bg: #fbfbfd; --panel: #fff; --line: #d9dce3; --text: #1b1f27; --muted: #5a6372; --soft: #f0f2f6; --focus: #2457d6;
  --ready: #17743b; --bad: #b3201d; --stray: #b3201d; --new: #8a5300; --drained: #646b76; --bad-soft: #fdecea; --drained-soft: #eceef1;
  --c0: #2f62c9; --c1: #a2560c; --c2: #1d7d5b; --c3: #8a3fb0; --c4: #0d7590; --c5: #a83468; --c6: #6b6b10; --c7: #5547c4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #12151b; --panel: #191d25; --line: #333a47; --text: #e7eaf0; --muted: #a2abba; --soft: #222733; --focus: #8fb0ff;
    --ready: #62cf8c; --bad: #ff8d85; --stray: #ff8d85; --new: #eab65d; --drained: #9aa2af; --bad-soft: #3a1f20; --drained-soft: #262b34;
    --c0: #7fa6ff; --c1: #eaa25c; --c2: #5dcba3; --c3: #cf97ee; --c4: #5fc3df; --c5: #f08fb6; --c6: #c9c85b; --c7: #a79dff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 1480px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 24px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 32px 0 10px; }
p { margin: 0 0 10px; }
.muted, footer { color: var(--muted); font-size: 13px; }
footer { padding-bottom: 32px; padding-top: 20px; }
a { color: inherit; text-underline-offset: 3px; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 24px; top: 8px; background: var(--panel); padding: 6px 10px; }
.states { display: flex; flex-wrap: wrap; gap: 8px; margin: 14px 0 0; padding: 0; list-style: none; }
.states li { border: 1px solid var(--line); border-radius: 8px; background: var(--panel); padding: 6px 14px; min-width: 92px; }
.states b { display: block; font-size: 22px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.state { font-weight: 600; white-space: nowrap; }
.state::before { display: inline-block; width: 1.2em; }
.state.ready { color: var(--ready); } .state.ready::before { content: "\\25CF"; }
.state.bad, .state.stray, .bad { color: var(--bad); } .state.bad::before, .state.stray::before { content: "\\2715"; }
.state.new { color: var(--new); } .state.new::before { content: "\\25CB"; }
.state.drained, .state.unknown { color: var(--drained); } .state.drained::before, .state.unknown::before { content: "\\25CC"; }
.due { color: var(--new); }
.todo {
  margin: 0; padding: 0; list-style: none; max-height: 420px;
  overflow: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--panel);
}
.todo > li { padding: 10px 14px; display: grid; grid-template-columns: minmax(120px, 220px) 1fr; gap: 2px 16px; }
.todo > li > * { min-width: 0; overflow-wrap: anywhere; }
.todo > li[hidden] { display: none; }
.todo > li + li { border-top: 1px solid var(--line); }
.todo a { font-weight: 600; }
.todo p { margin: 0; }
.todo ul { margin: 0; padding: 0; list-style: none; }
.todo .rest { display: block; }
.scroll { overflow: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--panel); }
.picture { max-height: 78vh; }
.picture svg { display: block; margin: 6px auto 0; }
figure { margin: 0; }
figcaption { margin-top: 8px; }
.tools { display: none; gap: 8px 12px; flex-wrap: wrap; align-items: center; margin-bottom: 10px; }
.js .tools { display: flex; }
.tools input { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 6px 12px; width: 320px; }
.tools button {
  font: inherit; font-size: 13px; color: inherit; background: var(--panel);
  border: 1px solid var(--line); border-radius: 16px; padding: 4px 12px; cursor: pointer;
}
.tools button[aria-pressed="true"] { background: var(--text); color: var(--bg); border-color: var(--text); }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: 13px; }
th, td { text-align: left; vertical-align: top; padding: 8px 10px; border-bottom: 1px solid var(--line); }
thead th { background: var(--soft); white-space: nowrap; font-weight: 600; }
.clusters thead th { position: sticky; top: 0; }
.clusters { max-height: 86vh; }
tbody tr:last-child > * { border-bottom: 0; }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 130px; }
tr:target { background: var(--soft); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td small, th small { font-weight: 400; display: block; color: var(--muted); font-size: 12px; overflow-wrap: anywhere; }
td.state-cell { min-width: 150px; max-width: 260px; }
td.nowrap { white-space: nowrap; }
td small.endpoint { max-width: 190px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
thead button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
thead [aria-sort] button::after { content: " \\2195"; color: var(--muted); }
thead [aria-sort="ascending"] button::after { content: " \\2191"; }
thead [aria-sort="descending"] button::after { content: " \\2193"; }
details summary { cursor: pointer; }
.notes, header p { overflow-wrap: anywhere; }
ul.plain { margin: 0; padding: 0; list-style: none; }
svg text { font: 12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--text); }
svg text.column { font: 600 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--muted); }
rect { fill: var(--panel); stroke: var(--line); }
svg text.name { font-weight: 600; }
svg text.small { font-size: 11px; fill: var(--muted); }
rect.ground { stroke: none; }
.share text.small { fill: var(--text); }
svg text.bad, svg text.stray, svg text.gone, svg text.small.bad { fill: var(--bad); }
svg text.drained, svg text.unknown { fill: var(--drained); }
svg text.new { fill: var(--new); }
svg text.small.ready { fill: var(--ready); }
rect.places { fill: var(--soft); stroke: none; }
rect.places.bad { fill: var(--bad-soft); }
rect.cluster.bad, rect.label.bad { stroke: var(--bad); }
rect.cluster.stray, rect.cluster.gone, rect.label.bad { stroke: var(--bad); stroke-dasharray: 5 3; fill: var(--bad-soft); }
rect.cluster.drained, rect.cluster.unknown { fill: var(--drained-soft); stroke-dasharray: 2 3; stroke: var(--drained); }
rect.label { stroke-width: 1.6; }
.glyph { fill: none; stroke-width: 2; stroke: var(--drained); }
.glyph.ready { fill: var(--ready); stroke: none; }
.glyph.bad, .glyph.stray, .glyph.gone { stroke: var(--bad); }
.glyph.new { stroke: var(--new); }
.link, .has { fill: none; }
.has { stroke: var(--line); stroke-width: 2; }
.has.bad, .link.bad { stroke: var(--bad); }
.link { opacity: .75; }
.link.astray { stroke: var(--bad); }
.link.bad { stroke-dasharray: 5 3; }
.link.drained { stroke: var(--drained); stroke-dasharray: 2 3; }
.link.c0, rect.label.c0:not(.bad) { stroke: var(--c0); } .link.c1, rect.label.c1:not(.bad) { stroke: var(--c1); }
.link.c2, rect.label.c2:not(.bad) { stroke: var(--c2); } .link.c3, rect.label.c3:not(.bad) { stroke: var(--c3); }
.link.c4, rect.label.c4:not(.bad) { stroke: var(--c4); } .link.c5, rect.label.c5:not(.bad) { stroke: var(--c5); }
.link.c6, rect.label.c6:not(.bad) { stroke: var(--c6); } .link.c7, rect.label.c7:not(.bad) { stroke: var(--c7); }
svg .dim { opacity: .13; }
svg .link.hot { opacity: 1; }
@media (max-width: 700px) { header, main, footer { padding-left: 12px; padding-right: 12px; } .todo > li { grid-template-columns: 1fr; } }
@media print { .tools { display: none !important; } .scroll, .todo { max-height: none; overflow: visible; } }
"""
