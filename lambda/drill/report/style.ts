/** One style sheet for screen, phone, dark rooms and paper. Colours keep a contrast of 4.5 to 1 in both schemes. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #fff; --ink: #1f2328; --quiet: #5b626b; --line: #e3e0da;
  --good: #17754a; --good-soft: #e5f4ec; --warn: #8a5a00; --warn-soft: #fdf2d8; --bad: #b3261e; --bad-soft: #fbe9e7; --accent: #3f6c8f; --track: #efece6; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --card: #1d2126; --ink: #e6e4df; --quiet: #a0a6ae; --line: #343a41;
  --good: #6fcf97; --good-soft: #17301f; --warn: #f0c05a; --warn-soft: #352a10; --bad: #ff9a8f; --bad-soft: #3c1a18; --accent: #8ab4d4; --track: #272c32; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 940px; margin: 0 auto; padding: 32px 20px 56px; }
h1 { font-size: 15px; font-weight: 600; margin: 0; color: var(--quiet); overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 36px 0 10px; }
p { margin: 0 0 8px; overflow-wrap: anywhere; } p:last-child { margin-bottom: 0; }
.verdict { border-radius: 14px; padding: 26px 28px; margin-top: 14px; border: 1px solid; }
.verdict strong { display: block; font-size: clamp(30px, 7vw, 46px); line-height: 1.1; letter-spacing: -.02em; }
.verdict p { margin: 10px 0 0; color: var(--ink); }
.good { color: var(--good); background: var(--good-soft); } .warn { color: var(--warn); background: var(--warn-soft); }
.bad { color: var(--bad); background: var(--bad-soft); } .none { color: var(--quiet); background: var(--track); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 12px; margin-top: 14px; }
.card, .panel { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; }
.card h3 { margin: 0; font-size: 14px; font-weight: 500; color: var(--quiet); }
.card b { display: block; font-size: 27px; font-weight: 600; letter-spacing: -.01em; margin: 2px 0; font-variant-numeric: tabular-nums; }
small { color: var(--quiet); font-size: 14px; } .card.miss b, .late { color: var(--bad); }
.quiet { color: var(--quiet); }
ul.list { margin: 0; padding-left: 20px; } ul.list li { margin: 6px 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
th { text-align: left; font-weight: 500; color: var(--quiet); font-size: 14px; }
th, td { padding: 9px 14px 9px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; } th:last-child, td:last-child { padding-right: 0; }
td { font-variant-numeric: tabular-nums; } td.num { text-align: right; white-space: nowrap; }
td small { display: block; font-size: 13px; line-height: 1.35; }
.pill { display: inline-block; padding: 1px 9px; border-radius: 99px; font-size: 13px; font-weight: 600; white-space: nowrap; }
details > summary { cursor: pointer; border-radius: 6px; } summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
.check { border-bottom: 1px solid var(--line); padding: 11px 0; } .check:first-child { padding-top: 0; } .check:last-child { border-bottom: 0; padding-bottom: 0; }
div.check, .check summary { display: grid; grid-template-columns: 92px minmax(0, 1fr) 16px; gap: 2px 12px; align-items: baseline; list-style: none; }
.check summary::-webkit-details-marker { display: none; } .check summary::after { content: "+"; color: var(--quiet); font-size: 18px; line-height: 1; text-align: right; }
.check[open] summary::after { content: "–"; } .check .pill { justify-self: start; } .check .what { min-width: 0; overflow-wrap: anywhere; }
.check .why { display: block; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 2px 22px; margin: 8px 0 2px; padding-left: 104px; font-size: 14px; }
dl div { display: flex; gap: 10px; justify-content: space-between; min-width: 0; border-bottom: 1px dotted var(--line); }
dt { color: var(--quiet); min-width: 0; overflow-wrap: anywhere; } dd { margin: 0; min-width: 0; overflow-wrap: anywhere; text-align: right; font-variant-numeric: tabular-nums; }
footer { margin-top: 40px; color: var(--quiet); font-size: 14px; overflow-wrap: anywhere; }
.axis, .timeline li { display: grid; grid-template-columns: minmax(0, 240px) minmax(0, 1fr) 96px; gap: 0 12px; align-items: center; }
.axis { font-size: 12px; color: var(--quiet); height: 20px; } .axis div { grid-column: 2; position: relative; height: 100%; }
.axis span { position: absolute; white-space: nowrap; border-left: 1px solid var(--line); padding-left: 4px; }
ol.timeline { list-style: none; margin: 0; padding: 0; font-size: 14px; } .timeline li { padding: 3px 0; }
.timeline .label { overflow-wrap: anywhere; line-height: 1.3; } .timeline .time { color: var(--quiet); font-variant-numeric: tabular-nums; }
.timeline .track { position: relative; height: 14px; background: var(--track); border-radius: 3px; overflow: hidden; }
.timeline .track i { position: absolute; top: 0; bottom: 0; min-width: 3px; background: var(--accent); border-radius: 3px; }
.timeline .failed .track i { background: var(--bad); } .timeline .failed .time, .timeline .detail { color: var(--bad); }
.timeline .detail { grid-column: 2 / -1; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 290px), 1fr)); gap: 10px 24px; }
.charts svg { width: 100%; display: block; font: 12px system-ui, sans-serif; } .charts text { fill: var(--quiet); } .charts .head { fill: var(--ink); font-size: 14px; font-weight: 600; }
.charts .base { stroke: var(--line); } .charts .goal { stroke: var(--quiet); stroke-dasharray: 5 4; } .charts .course { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.mark-good { fill: var(--good); } .mark-warn { fill: var(--warn); } .mark-bad { stroke: var(--bad); stroke-width: 3; stroke-linecap: round; fill: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14px; color: var(--quiet); margin: 8px 0; } .legend span { display: inline-flex; align-items: center; gap: 6px; } .legend svg { width: 16px; height: 16px; }
@media (max-width: 560px) { main { padding: 20px 14px 40px; } .verdict { padding: 20px; } .card, .panel { padding: 14px; }
  div.check, .check summary { grid-template-columns: minmax(0, 1fr) 16px; } .check .what { grid-column: 1; } .check summary::after { grid-column: 2; grid-row: 1; } dl { padding-left: 0; grid-template-columns: minmax(0, 1fr); }
  table.stack, table.stack tbody, table.stack tr { display: block; } table.stack thead { display: none; } table.stack tr { padding: 10px 0; border-bottom: 1px solid var(--line); } table.stack tr:first-child { padding-top: 0; } table.stack tr:last-child { border: 0; padding-bottom: 0; }
  table.stack td { display: flex; gap: 12px; justify-content: space-between; border: 0; padding: 3px 0; text-align: right; } table.stack td::before { content: attr(data-label); color: var(--quiet); text-align: left; } table.stack td > div { min-width: 0; overflow-wrap: anywhere; }
  table.plain { font-size: 13px; } table.plain th, table.plain td { padding-right: 8px; }
  .axis, .timeline li { grid-template-columns: minmax(0, 1fr) 84px; } .axis div { grid-column: 1; } .timeline .label { grid-column: 1 / -1; } .timeline .detail { grid-column: 1 / -1; } }
@media print { :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #1f2328; --quiet: #5b626b; --line: #d5d2cc; --good: #17754a; --good-soft: #e5f4ec; --warn: #8a5a00; --warn-soft: #fdf2d8;
    --bad: #b3261e; --bad-soft: #fbe9e7; --accent: #3f6c8f; --track: #efece6; }
  body { font-size: 11pt; } main { max-width: none; padding: 0; } .card, .check, .verdict, tr, .timeline li, .charts svg { break-inside: avoid; } h2 { break-after: avoid; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible; display: block; height: auto; } .check summary::after { content: none; } }
`;
