#!/usr/bin/env bash
# The report as a reader sees it: a browser lays it out on a wide, a narrow and a dark screen and on paper, and what it
# shows is measured: nothing beyond the page, no words over each other or outside their drawing, ink where plots are.
. "$TESTS/cli/world.bash" || exit 1
browser=
for candidate in chromium chromium-browser google-chrome; do
    command -v $candidate >/dev/null && browser=$candidate && break
done
[ -n "$browser" ] || {
    echo 'skipped: no chromium to look at the report with'
    exit 77
}

# browse OPTIONS... PAGE: the browser on a local page, nothing else.
browse() {
    mkdir -p "$T/user"
    timeout -k 5 100 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
        --user-data-dir="$T/user" "${@:1:$#-1}" "file://${*: -1}" 2>browser.err
    local code=$?
    rm -rf "$T/user"
    [ $code = 0 ] || { tail -3 browser.err >&2; die "the browser ended with $code"; }
}

case_ 'a report with all there is'
make_stores
for set in near far; do done_ embed images -q --model w/model -o $set.nbe w/ood-$set.txt; done
long='a set whose name is much longer than any legend or table would like it to be, without_a_single_break_in_its_second_half_so_that_nothing_can_wrap'
run 0 "${NB[@]}" eval --bank b.nbank --id s.nbe --ood near:n=near.nbe --ood far:f=far.nbe --ood "far:$long=far.nbe" \
    --bootstrap 20 --groups 5 --seed 1 --repeat 2 --image-folder w --report r.html --plots plots
says 'thumbnails'

# A copy that measures itself; the report's own policy would not let it.
measure='<script>addEventListener("load", () => {
  const out = [], d = document.documentElement;
  out.push("page " + d.scrollWidth + " " + d.clientWidth + " " + d.scrollHeight);
  document.querySelectorAll("figure svg").forEach((s, i) => {
    const r = s.getBoundingClientRect();
    out.push(["svg", Math.round(r.x), Math.round(r.y + scrollY), Math.round(r.width), Math.round(r.height),
              s.querySelector("title").textContent].join(" "));
    const words = [...s.querySelectorAll("text")].map(e => [e.getBoundingClientRect(), e.textContent]);
    words.forEach(([a, v], k) => {
      if (a.left < r.left - 1 || a.right > r.right + 1 || a.top < r.top - 1 || a.bottom > r.bottom + 1)
        out.push("outside " + i + ": " + v);
      for (const [b, w] of words.slice(k + 1))
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2)
          out.push("overlap " + i + ": " + v + " / " + w);
    });
  });
  document.querySelectorAll("img").forEach(e => { if (!e.naturalWidth) out.push("no picture " + e.title); });
  const pre = document.createElement("pre"); pre.id = "measured"; pre.textContent = out.join("\n") + "\n";
  document.body.appendChild(pre); });</script>'
grep -v 'Content-Security-Policy' r.html | sed 's|</body>||; s|</html>||' >page.html
printf '%s\n</body></html>\n' "$measure" >>page.html

for width in 1280 640; do
    case_ "the layout at $width pixels"
    browse --window-size=$width,2000 --dump-dom "$T/page.html" >dom.html
    sed -n '/<pre id="measured">/,/<\/pre>/p' dom.html | sed 's/<pre id="measured">//; s/<\/pre>.*//' >layout.$width
    read -r _ scroll client height < <(grep '^page ' layout.$width) || die 'nothing was measured'
    [ "$scroll" -le "$client" ] || die "the page is $scroll pixels wide, the window $client"
    grep -e '^outside' -e '^overlap' -e '^no picture' layout.$width >bad && die "$(head -5 bad)"
    [ "$(grep -c '^svg ' layout.$width)" = 11 ] || die "not 11 drawings but $(grep -c '^svg ' layout.$width)"
done

case_ 'the picture: as large as the page, with ink where the plots are'
read -r _ _ _ height < <(grep '^page ' layout.1280)
browse --window-size=1280,"$height" --screenshot="$T/light.png" "$T/r.html"
[ "$("$TOOLS/png_inks" light.png)" = "1280 $height" ] || die "the picture is $("$TOOLS/png_inks" light.png)"
# inks TITLE PICTURE COLOUR LEAST: a drawing has this many pixels of the colour.
inks() {
    read -r _ x y w h _ < <(grep -F -- "$1" layout.1280 | head -1) || die "no drawing '$1'"
    count=$("$TOOLS/png_inks" "$2" "$x" "$y" "$w" "$h" "$3")
    [ "$count" -ge "$4" ] || die "'$1' in $2 has $count pixels of $3, not $4"
}
inks 'Scores: ID against n' light.png 0b65b0 150
inks 'Scores: ID against n' light.png c8500a 150
inks 'Scores: ID against f' light.png 07805a 150
inks 'ROC' light.png c8500a 150
inks 'AUROC against bank size' light.png 1d2430 150
inks 'FPR95 against groups' light.png c8500a 100
inks 'ID accuracy by class' light.png 3c84c0 300
case_ 'the same in the dark'
browse --window-size=1280,"$height" --blink-settings=preferredColorScheme=0 --screenshot="$T/dark.png" "$T/r.html"
inks 'Scores: ID against n' dark.png 161b22 20000
inks 'Scores: ID against n' dark.png 63b1f5 150
inks 'ROC' dark.png f59a57 150
case_ 'on paper'
browse --no-pdf-header-footer --print-to-pdf="$T/r.pdf" "$T/r.html"
[ "$(head -c 5 r.pdf)" = '%PDF-' ] || die 'no PDF'
case_ 'plots as files: PNG twice the size of their SVG, both with ink'
for plot in roc scores-1-n bank-size-auroc class-accuracy; do
    read -r w h < <(sed -n 's/.*viewBox="0 0 \([0-9]*\) \([0-9]*\)".*/\1 \2/p' plots/$plot.svg)
    [ "$("$TOOLS/png_inks" plots/$plot.png)" = "$((2 * w)) $((2 * h))" ] || die "'$plot.png' is not twice $w x $h"
    [ "$("$TOOLS/png_inks" plots/$plot.png 0 0 $((2 * w)) $((2 * h)) 1d2430)" -ge 500 ] || die "'$plot.png' has no words"
    browse --window-size="$w,$h" --screenshot="$T/svg.png" "$T/plots/$plot.svg"
    [ "$("$TOOLS/png_inks" svg.png 0 0 "$w" "$h" 1d2430)" -ge 150 ] || die "'$plot.svg' has no words"
done
finish
