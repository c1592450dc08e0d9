#!/usr/bin/env bash
# The page of an index in a real browser: it loads nothing, shows everything, runs nothing it is given, and searches.
. "$TESTS/cli/servers.bash" || exit 1
need python3

case_ 'an index with hostile texts'
python3 - <<'PY'
import json
nasty = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">' \" & </li>"
bank = lambda i, **more: {"name": f"bank{i}", "version": "1", "file": f"bank{i}.nbank", "bytes": 40000 * i, "sha256": f"{i:064x}",
                          "labels": ["red circle", "blue square"], "label_count": 2, "negatives": 100 * i, "dimensions": 512,
                          "criterion": "debiased", "score": "neglabel", "published": "2026-11-21T08:00:00Z", **more}
banks = [bank(1, quality={"auroc": 0.95, "fpr95": 0.2}), bank(2, quality={"auroc": 0.97, "fpr95": 0.1}, signature="bank2.nbank.minisig"),
         bank(3, labels=["beagle", nasty, "</script>"], label_count=5000, corpus=nasty, licence=nasty, criterion=nasty, score=nasty),
         bank(4, file="javascript:alert(1)//", card="../../etc/passwd"), bank(5, file="https://elsewhere.example/b.nbank", labels=["Bengal cat"])]
json.dump({"format": "negbank index", "version": 1, "serial": 7, "updated": nasty, "banks": banks}, open("index.json", "w"))
PY
run 0 "$NEGBANK" publish --site site --index index.json
present site/index.html
[ "$(grep -o '<script' site/index.html | wc -l)" = 1 ] || die 'there is a script that is not ours'
! grep -qE '(src|href)="?(//|http:)|@import|url\(' site/index.html || die 'it loads something from outside'
! grep -q 'href="[^h.d]' site/index.html || die 'a link leads somewhere odd'
grep -q 'href="./bank1.nbank"' site/index.html || die 'the link to a bank is missing'
case_ 'links of an index on a server'
if command -v nginx >/dev/null; then
    start_nginx www
    cp index.json www/
    run 0 "$NEGBANK" publish --site remote --index "http://127.0.0.1:$NGINX_PORT/index.json"
    grep -q "href=\"http://127.0.0.1:$NGINX_PORT/bank1.nbank\"" remote/index.html || die 'the link is not that of the server'
fi
case_ 'words that do not go together'
run 2 "$NEGBANK" publish --site site
run 2 "$NEGBANK" publish --site site --index none
run 2 "$NEGBANK" publish
run 3 "$NEGBANK" publish --site site2 --index w/labels.txt
absent site2

browser=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$browser" ]; then
    echo 'no chromium: the page is not looked at'
    finish
    exit 0
fi
# page ADDRESS: the document as it stands after its scripts, in dom.html.
page() {
    timeout -k 5 100 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
        --user-data-dir="$T/profile" --virtual-time-budget=2000 --dump-dom "$1" >dom.html 2>dom.err
}
# look WHAT: a check in Python over `shown` (names of the banks that are shown, in order), `title` and `text`.
look() {
    python3 - "$1" <<'PY' || die "not so: $1"
import html.parser, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.shown, self.opened, self.hits, self.title, self.at, self.visible, self.scripts = [], [], [], "", None, True, 0
    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.at = tag
        if tag == "article": self.visible = "hidden" not in a
        if tag == "details" and "open" in a and self.visible: self.opened.append(len(self.shown))
        if tag == "li" and "hit" in a.get("class", "").split() and self.visible: self.at = "hit"
        if tag == "script": self.scripts += 1
        if tag == "img": self.scripts += 100
    def handle_data(self, data):
        if self.at == "h2" and self.visible: self.shown.append(data)
        if self.at == "title": self.title += data
        if self.at == "hit": self.hits.append(data)
        self.at = None
p = Page()
p.feed(open("dom.html").read())
shown, title, hits, scripts, opened = p.shown, p.title, p.hits, p.scripts, p.opened
sys.exit(0 if eval(sys.argv[1]) else f"{shown} {title!r} {hits} {scripts}")
PY
}
case_ 'in a browser'
if ! page "file://$T/site/index.html" || [ ! -s dom.html ]; then
    echo 'chromium does not run here: the page is not looked at'
    finish
    exit 0
fi
look 'shown == ["bank5", "bank4", "bank3", "bank2", "bank1"] and title == "Negative-label banks" and scripts == 1'
case_ 'search by label'
page "file://$T/site/index.html#q=beagle"
look 'shown == ["bank3"] and hits == ["beagle"] and len(opened) == 1'
page "file://$T/site/index.html#q=red%20circle,%20blue"
look 'shown == ["bank4", "bank2", "bank1"] and len(hits) == 6'
page "file://$T/site/index.html#q=nothing-like-it"
look 'shown == []'
case_ 'search by size and quality, and order'
page "file://$T/site/index.html#n=300"
look 'shown == ["bank5", "bank4", "bank3"]'
page "file://$T/site/index.html#a=96"
look 'shown == ["bank2"]'
page "file://$T/site/index.html#o=auroc"
look 'shown == ["bank2", "bank1", "bank5", "bank4", "bank3"]'
finish
