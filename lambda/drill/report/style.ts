/** One style sheet for screen, phone, dark rooms and paper. Colours keep a contrast of 4.5 to 1 in both schemes. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #fff; --ink: #1f2328; --quiet: #5b626b; --line: #e3e0da;
  --good: #1a7f4b; --good-soft: #e5f4ec; --warn: #8a5a00; --warn-soft: #fdf2d8; --bad: #b3261e; --bad-soft: #fbe9e7; --accent: #3f6c8f; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --card: #1d2126; --ink: #e6e4df; --quiet: #a0a6ae; --line: #343a41;
  --good: #6fcf97; --good-soft: #17301f; --warn: #f0c05a; --warn-soft: #352a10; --bad: #ff9a8f; --bad-soft: #3c1a18; --accent: #8ab4d4; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 940px; margin: 0 auto; padding: 32px 20px 56px; }
h1 { font-size: 15px; font-weight: 600; margin: 0; color: var(--quiet); }
h2 { font-size: 19px; margin: 40px 0 12px; }
.verdict { border-radius: 14px; padding: 26px 28px; margin-top: 14px; border: 1px solid; }
.verdict strong { display: block; font-size: clamp(30px, 7vw, 46px); line-height: 1.1; letter-spacing: -.02em; }
.verdict p { margin: 10px 0 0; color: var(--ink); }
.good { color: var(--good); background: var(--good-soft); } .warn { color: var(--warn); background: var(--warn-soft); }
.bad { color: var(--bad); background: var(--bad-soft); } .none { color: var(--quiet); background: transparent; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin-top: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; }
.card h3 { margin: 0; font-size: 14px; font-weight: 500; color: var(--quiet); }
.card b { display: block; font-size: 27px; font-weight: 600; letter-spacing: -.01em; margin: 2px 0; font-variant-numeric: tabular-nums; }
.card small { color: var(--quiet); font-size: 14px; } .card.miss b { color: var(--bad); }
ul.list { margin: 0; padding-left: 20px; } ul.list li { margin: 6px 0; overflow-wrap: anywhere; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; }
.panel + .panel { margin-top: 10px; }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
th { text-align: left; font-weight: 500; color: var(--quiet); font-size: 14px; white-space: nowrap; }
th, td { padding: 9px 14px 9px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; } td.num { font-variant-numeric: tabular-nums; white-space: nowrap; }
td .from { overflow-wrap: anywhere; font-size: 13px; color: var(--quiet); }
.pill { display: inline-block; padding: 1px 9px; border-radius: 99px; font-size: 13px; font-weight: 600; white-space: nowrap; }
.check { display: grid; grid-template-columns: 84px minmax(0, 1fr); gap: 2px 12px; align-items: baseline; padding: 12px 0; border-bottom: 1px solid var(--line); }
.check:last-child { border-bottom: 0; } .check .pill { justify-self: start; } .check p { margin: 0; overflow-wrap: anywhere; grid-column: 2; }
.check .what { font-weight: 600; } .check .who { color: var(--quiet); font-weight: 400; }
dl { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 4px 0 0; grid-column: 2; font-size: 14px; color: var(--quiet); }
dl div { display: flex; gap: 6px; min-width: 0; } dt::after { content: ":"; } dd { margin: 0; color: var(--ink); overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.quiet { color: var(--quiet); } footer { margin-top: 44px; color: var(--quiet); font-size: 14px; overflow-wrap: anywhere; }
svg.timeline { width: 100%; min-width: 640px; display: block; font: 12.5px system-ui, sans-serif; }
.timeline .label { fill: var(--ink); } .timeline .time, .timeline .tick { fill: var(--quiet); } .timeline .tick { font-size: 11.5px; }
.timeline .grid { stroke: var(--line); } .timeline .bar.ok { fill: var(--accent); background: none; } .timeline .bar.bad { fill: var(--bad); }
@media (max-width: 560px) { main { padding: 20px 14px 40px; } .verdict { padding: 20px; } .check { grid-template-columns: minmax(0, 1fr); } .check p, dl { grid-column: 1; }
  table.stack, table.stack tbody { display: block; } table.stack thead { display: none; } table.stack tr { display: block; padding: 10px 0; border-bottom: 1px solid var(--line); } table.stack tr:last-child { border: 0; }
  table.stack td { display: flex; gap: 12px; justify-content: space-between; border: 0; padding: 3px 0; text-align: right; white-space: normal; } table.stack td::before { content: attr(data-label); color: var(--quiet); text-align: left; } table.stack td > div { min-width: 0; overflow-wrap: anywhere; } }
@media print { :root { --paper: #fff; --card: #fff; } body { font-size: 11pt; } main { max-width: none; padding: 0; } .panel, .card, .check, .verdict { break-inside: avoid; } * { print-color-adjust: exact; } }
`;
