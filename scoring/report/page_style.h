/**
 * @file
 * The looks of a report: light, dark, narrow and printed.
 */
#ifndef NB_SCORING_REPORT_PAGE_STYLE_H
#define NB_SCORING_REPORT_PAGE_STYLE_H

#define NB_PAGE_STYLE                                                                                                  \
    ":root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--text:#1d2430;--muted:#5b6573;--line:#dfe3e9;"        \
    "--accent:#0b65b0}\n"                                                                                              \
    "@media screen and (prefers-color-scheme:dark){:root{--ground:#0e1218;--card:#161b22;--text:#e8ebf0;"              \
    "--muted:#a3adba;--line:#2c3440;--accent:#63b1f5}}\n"                                                              \
    "*{box-sizing:border-box}\n"                                                                                       \
    "body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,\"DejaVu Sans\",sans-serif}\n"   \
    "main{max-width:1240px;margin:0 auto;padding:28px 20px 48px}\n"                                                    \
    "h1{font-size:26px;line-height:1.2;margin:0 0 4px}\n"                                                              \
    "h2{font-size:18px;margin:36px 0 10px;padding-top:14px;border-top:1px solid var(--line)}\n"                        \
    "p{margin:6px 0;max-width:82ch}\n"                                                                                 \
    ".muted,figcaption,small{color:var(--muted);font-size:13px}\n"                                                     \
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:20px 0}\n"           \
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 16px}\n"                 \
    ".tile b{display:block;font-size:25px;line-height:1.25;font-variant-numeric:tabular-nums}\n"                       \
    ".tile span{display:block;font-size:13px;color:var(--muted)}\n"                                                    \
    ".wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px}\n"                   \
    "table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}\n"                    \
    "th,td{padding:7px 12px;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}\n"                \
    "thead th{color:var(--muted);font-weight:600;vertical-align:bottom}\n"                                             \
    "tbody tr:last-child>*{border-bottom:0}\n"                                                                         \
    "th:first-child,td.words{text-align:left;overflow-wrap:anywhere;min-width:8em}\n"                                  \
    "td.words span{white-space:nowrap}\n"                                                                              \
    "tr.mean>*{font-weight:700;border-top:2px solid var(--line)}tr.group>*{font-style:italic}\n"                       \
    "td small{display:block;font-weight:400;font-style:normal;white-space:nowrap;font-size:12px}\n"                    \
    ".plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(440px,100%),1fr));gap:16px}\n"              \
    "figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;"         \
    "min-width:0}\n"                                                                                                   \
    "figure svg{display:block;width:100%;height:auto}\n"                                                               \
    "figcaption{margin-top:4px}\n"                                                                                     \
    ".thumbs{display:flex;flex-wrap:wrap;gap:8px;min-width:392px}\n"                                                   \
    ".thumbs div{width:92px;font-size:11px;line-height:1.3;color:var(--muted);overflow-wrap:anywhere}\n"               \
    ".thumbs img{display:block;max-width:92px;max-height:92px;border-radius:4px;margin-bottom:2px}\n"                  \
    "dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 18px;margin:10px 0}\n"                    \
    "dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}\n"                                                      \
    "pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px;font-size:12.5px;"         \
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:8px 0}\n"                                                      \
    "@media print{body{font-size:10.5pt;background:#fff}main{max-width:none;padding:0}h2{break-after:avoid}"           \
    "figure,.tile,tr{break-inside:avoid}.wide{overflow:visible}"                                                       \
    "th,td{padding:4px 6px}table{font-size:8.5pt}.plots{grid-template-columns:1fr 1fr}"                                \
    "th:first-child,td.words{min-width:5em}.thumbs{min-width:230px}.thumbs div{width:70px}.thumbs "                    \
    "img{max-width:70px}}\n"

#endif
