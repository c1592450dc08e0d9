#include "jobs/publish/site_parts.h"

/* clang-format off */

const char nb_site_top[] =
"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
"script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
"<meta name=\"referrer\" content=\"no-referrer\">\n"
"<link rel=\"icon\" href=\"data:,\">\n"
"<title>Negative-label banks</title>\n";

const char nb_site_style[] =
"<style>\n"
":root{--bg:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5b6675;--line:#dde2e9;--accent:#2357c9;--good:#1c8a5a;"
"--bad:#c2552d;--track:#e9edf2;--tag:#eaf0fd;--hit:#fff0b8}\n"
"@media (prefers-color-scheme:dark){:root{--bg:#12161d;--card:#1a2029;--ink:#e8ecf2;--soft:#9aa6b6;--line:#2c3542;"
"--accent:#8ab0ff;--good:#57c795;--bad:#f09368;--track:#2a323e;--tag:#222d44;--hit:#5c4a10}}\n"
"*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);"
"font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
"main{max-width:1180px;margin:0 auto;padding:32px 20px 64px}h1{font-size:28px;line-height:1.2;margin:0 0 6px}\n"
".lead{margin:0;color:var(--soft);max-width:70ch}.sub{margin:14px 0 18px;color:var(--soft)}.sub b{color:var(--ink)}\n"
"form{display:grid;grid-template-columns:minmax(220px,2fr) repeat(3,minmax(120px,1fr));gap:12px;align-items:end;"
"background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px;margin:0 0 22px}\n"
"label{display:block;font-size:12px;color:var(--soft)}input,select{width:100%;margin-top:4px;padding:8px 10px;"
"height:38px;font:inherit;font-size:14px;color:var(--ink);background:var(--bg);border:1px solid var(--line);border-radius:8px}\n"
"input:focus,select:focus,summary:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:1px}\n"
"#banks{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:18px;align-items:start}\n"
".bank{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px;min-width:0}\n"
".bank[hidden]{display:none}.bank header{display:flex;flex-wrap:wrap;gap:8px;align-items:baseline}\n"
"h2{font-size:18px;margin:0;overflow-wrap:anywhere}.v{color:var(--soft);overflow-wrap:anywhere}\n"
".tag{font-size:12px;background:var(--tag);color:var(--accent);border-radius:99px;padding:1px 9px;overflow-wrap:anywhere}"
".signed{color:var(--good)}\n"
".ms{display:grid;grid-template-columns:1fr 1fr;gap:14px;margin:14px 0}.m span{font-size:12px;color:var(--soft)}"
".m b{float:right;font-size:14px;font-variant-numeric:tabular-nums}.m.none b{font-weight:400;color:var(--soft)}\n"
".m i{display:block;height:6px;border-radius:3px;background:var(--track);margin-top:6px;overflow:hidden}"
".m u{display:block;height:100%}.up{background:var(--good)}.down{background:var(--bad)}\n"
"dl{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:8px 14px;margin:0 0 12px}dt{font-size:12px;"
"color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
"details{border-top:1px solid var(--line);padding:8px 0}summary{cursor:pointer;color:var(--accent)}"
"ul{list-style:none;margin:8px 0 0;padding:0;max-height:180px;overflow:auto;display:flex;flex-wrap:wrap;gap:6px}\n"
"li{font-size:13px;border:1px solid var(--line);border-radius:6px;padding:0 7px;overflow-wrap:anywhere}"
"li.hit{background:var(--hit)}li.more{border:0;color:var(--soft)}\n"
"code{display:block;font:12px/1.5 ui-monospace,'DejaVu Sans Mono',monospace;color:var(--soft);overflow:hidden;"
"text-overflow:ellipsis;white-space:nowrap;border-top:1px solid var(--line);padding-top:8px}\n"
".links{display:flex;flex-wrap:wrap;gap:14px;margin:8px 0 0}a{color:var(--accent)}.links span{overflow-wrap:anywhere;"
"font-size:13px;color:var(--soft)}\n"
"#none{color:var(--soft);padding:40px 0;text-align:center}\n"
"@media (max-width:760px){form{grid-template-columns:1fr 1fr}form label:first-child{grid-column:1/-1}}\n"
"@media (max-width:400px){#banks{grid-template-columns:1fr}}\n"
"</style></head>\n";

const char nb_site_intro[] =
"<body><main><h1>Negative-label banks</h1>\n"
"<p class=\"lead\">Each bank lets a CLIP model tell images of its labels from images of anything else. "
"Search for your labels; fetch a bank with <b>negbank pull</b>.</p>\n";

const char nb_site_controls[] =
"<form id=\"find\" hidden role=\"search\"><label>Labels, names, corpora<input id=\"q\" type=\"search\" "
"autocomplete=\"off\" placeholder=\"beagle, sphynx\"></label>\n"
"<label>Negatives, at least<input id=\"n\" type=\"number\" min=\"0\" step=\"1\" placeholder=\"any\"></label>\n"
"<label>AUROC in %, at least<input id=\"a\" type=\"number\" min=\"0\" max=\"100\" step=\"any\" placeholder=\"any\">"
"</label>\n<label>Order<select id=\"o\"><option value=\"new\">newest first</option><option value=\"auroc\">best AUROC"
"</option><option value=\"fpr\">best FPR95</option><option value=\"negatives\">most negatives</option>"
"<option value=\"labels\">most labels</option></select></label></form>\n"
"<section id=\"banks\">\n";

const char nb_site_end[] = "</section><p id=\"none\" hidden>No bank fits.</p></main>\n";

const char nb_site_script[] =
"<script>\n'use strict';\n"
"(() => {\n"
"const $ = id => document.getElementById(id);\n"
"const banks = [...document.querySelectorAll('.bank')].map((el, at) => ({el, at,\n"
"  text: el.textContent.toLowerCase(),\n"
"  labels: [...el.querySelectorAll('li:not(.more)')].map(li => ({li, text: li.textContent.toLowerCase()})),\n"
"  number: key => key in el.dataset ? Number(el.dataset[key]) : NaN}));\n"
"const orders = {new: (x, y) => x.at - y.at};\n"
"for (const [key, sign] of [['auroc', -1], ['fpr', 1], ['negatives', -1], ['labels', -1]])\n"
"  orders[key] = (x, y) => { const a = x.number(key), b = y.number(key);\n"
"    return isNaN(a) || isNaN(b) ? isNaN(a) - isNaN(b) || x.at - y.at : sign * (a - b) || x.at - y.at; };\n"
"const show = () => {\n"
"  const words = $('q').value.toLowerCase().split(',').map(w => w.trim()).filter(Boolean);\n"
"  const negatives = Number($('n').value) || 0, auroc = (Number($('a').value) || 0) / 100;\n"
"  let shown = 0;\n"
"  for (const b of banks) {\n"
"    const fits = words.every(w => b.text.includes(w)) && b.number('negatives') >= negatives &&\n"
"      (!auroc || b.number('auroc') >= auroc);\n"
"    b.el.hidden = !fits; shown += fits;\n"
"    let hits = 0;\n"
"    for (const l of b.labels) { const hit = words.some(w => l.text.includes(w));\n"
"      l.li.classList.toggle('hit', hit); hits += hit; }\n"
"    b.el.querySelector('details').open = hits > 0 && fits;\n"
"  }\n"
"  $('shown').textContent = shown; $('none').hidden = shown > 0;\n"
"  for (const b of [...banks].sort(orders[$('o').value])) $('banks').append(b.el);\n"
"  const keep = new URLSearchParams();\n"
"  for (const id of ['q', 'n', 'a', 'o']) if ($(id).value && $(id).value !== 'new') keep.set(id, $(id).value);\n"
"  try { history.replaceState(null, '', '#' + keep); } catch { }\n"
"};\n"
"for (const [id, value] of new URLSearchParams(location.hash.slice(1))) if (['q', 'n', 'a', 'o'].includes(id)) "
"$(id).value = value;\n"
"if (!$('o').value) $('o').value = 'new';\n"
"$('find').hidden = false; $('find').addEventListener('input', show);\n"
"$('find').addEventListener('submit', e => e.preventDefault()); show();\n"
"})();\n</script></body></html>\n";

/* clang-format on */
