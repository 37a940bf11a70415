/** The look of a report: one column, room to read, the system's fonts and its light or dark colours. */
export const REPORT_STYLE = `
:root{--ink:#1c2430;--soft:#5b6675;--paper:#fff;--card:#f5f7f9;--line:#dfe4ea;--accent:#0077bb}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#98a3b3;--paper:#14181d;--card:#1d232b;--line:#313a46;--accent:#58b4e8}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:800px;margin:0 auto;padding:48px 24px 64px}
header{border-bottom:3px solid var(--accent);padding-bottom:16px;margin-bottom:32px}
h1{font-size:2rem;line-height:1.2;margin:0;letter-spacing:-.01em}
.subtitle{color:var(--soft);margin:.5rem 0 0;font-size:1.05rem}
h2{font-size:1.3rem;line-height:1.3;margin:2.5rem 0 .75rem}
p{margin:.75rem 0}
figure{margin:1.25rem 0}
figcaption{color:var(--soft);font-size:.875rem;margin-top:.5rem}
.scroll{overflow-x:auto}
.chart svg{display:block;max-width:100%;height:auto}
pre{margin:0;padding:14px 16px;background:var(--card);border:1px solid var(--line);border-radius:8px;overflow-x:auto;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
blockquote{margin:0;padding:12px 18px;background:var(--card);border-left:3px solid var(--accent);border-radius:0 8px 8px 0;white-space:pre-wrap;overflow-wrap:anywhere}
blockquote b{color:var(--accent);font-weight:600}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:1.25rem 0}
.facts div{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
dt{color:var(--soft);font-size:.8rem}
dd{margin:2px 0 0;font-size:1.25rem;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
dd small{display:block;font-size:.75rem;font-weight:400;color:var(--soft)}
footer{margin-top:48px;padding-top:14px;border-top:1px solid var(--line);color:var(--soft);font-size:.85rem}
@media print{main{max-width:none;padding:0}figure,section{break-inside:avoid}}
`;
