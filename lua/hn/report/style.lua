--- How a report's page looks: wide, narrow, printed, light and dark.
-- @module hn.report.style

return [[
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2126; --soft: #5b6570; --line: #dfe3e7; --accent: #0072b2 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16191d; --ink: #e6e9ec; --soft: #a3adb7; --line: #343b42; --accent: #56b4e9 }
  figure svg { filter: brightness(1.3) }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 4rem; max-width: 76rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0 }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .6rem; border-top: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem }
p { margin: .4rem 0; max-width: 46rem }
.note, nav { color: var(--soft) }
nav a { color: var(--accent); text-decoration: none; margin-right: 1rem; white-space: nowrap }
.scroll { overflow-x: auto; margin: .8rem 0; break-inside: avoid }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .8rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom }
tbody th { font-weight: 400 }
.words td { text-align: left; white-space: normal }
.matrix th, .matrix td { padding: .15rem .35rem; border: 0; font-size: .8rem }
.matrix td { min-width: 2.4rem; text-align: center; border: 1px solid var(--paper) }
.matrix thead th { text-align: center }
.bar { min-width: clamp(4rem, 20vw, 14rem); text-align: left }
.bar span { display: block; height: .8rem; background: var(--accent); min-width: 1px }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1.2rem;
  margin: 1rem 0; align-items: start }
.figures > * { margin: 0; min-width: 0; break-inside: avoid }
.figures .scroll { margin-top: 0 }
figcaption { font-weight: 600; font-size: .95rem }
figure svg { width: 100%; height: auto; display: block }
svg .gridline { stroke: var(--line) }
svg [color="black"] { color: var(--ink) }
svg [fill="black"] { fill: var(--ink) }
svg [stroke="rgb( 68,  68,  68)"] { stroke: var(--soft) }
svg [fill="rgb(68,68,68)"] { fill: var(--soft) }
svg use[color="#FFFFFF"] { display: none }
svg text { font-family: system-ui, sans-serif }
pre { overflow-x: auto; margin: .6rem 0; font: .8rem/1.35 ui-monospace, monospace }
details { margin: .5rem 0 }
summary { cursor: pointer; break-after: avoid; font-weight: 600; font-size: .95rem }
@media (max-width: 40rem) {
  .numbers tbody th { white-space: normal; min-width: 6rem }
  th, td { padding: .25rem .4rem }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --line: #ccc; --accent: #0072b2 }
  figure svg { filter: none }
  body { max-width: none; padding: 0; font-size: 10pt }
  nav { display: none }
  h2, h3 { break-after: avoid }
  .figures { grid-template-columns: 1fr 1fr }
  .scroll, pre { overflow: visible }
  .matrix th, .matrix td { font-size: .55rem; padding: .1rem; min-width: 0 }
  .bar span, .matrix td { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
]]
