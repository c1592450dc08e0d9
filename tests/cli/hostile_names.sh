#!/usr/bin/env bash
# Names of files, texts and settings with commands to a terminal in them: no control character is printed, none stands in
# a card or a page.
. "$TESTS/cli/servers.bash" || exit 1
need nginx python3
ESC=$'\033]0;title\007\033[2J' C1=$'\302\2332J' SEPARATOR=$'\342\200\250'
EVIL=$ESC$C1$SEPARATOR
# plain FILE...: nothing in them but text and line ends.
plain() {
    local file
    for file in "$@"; do
        python3 - "$file" <<'PY' || die "'$file' holds control characters"
import sys, unicodedata
text = open(sys.argv[1], encoding="utf-8").read()
bad = [c for c in text if c not in "\n\t\u00a0" and unicodedata.category(c) in ("Cc", "Zl", "Zp")]
sys.exit(bool(bad))
PY
    done
}
# shown CODE COMMAND...: what it prints is plain.
shown() {
    run "$@"
    plain out err
}
case_ 'a corpus, a store and a bank whose files are named so'
cp w/corpus/noun.demo.txt "noun.$EVIL.txt"
shown 0 "${NB[@]}" corpus -o "$EVIL.nbc" "noun.$EVIL.txt"
shown 0 "${NB[@]}" embed text --model w/model -o "$EVIL.nbe" "$EVIL.nbc"
cp w/labels.txt "l$EVIL.txt"
shown 0 "${NB[@]}" mine --texts "$EVIL.nbe" --labels "l$EVIL.txt" --model w/model --criterion random --count 20 -o "$EVIL.nbank"
for file in "$EVIL.nbc" "$EVIL.nbe" "$EVIL.nbank"; do
    shown 0 "${NB[@]}" inspect info "$file"
    shown 0 "${NB[@]}" inspect info --json "$file"
    python3 -c 'import json; json.load(open("out"))' || die 'it is no JSON'
    shown 0 "${NB[@]}" inspect verify "$file"
done
shown 0 "${NB[@]}" inspect diff "$EVIL.nbank" "$EVIL.nbank"
shown 0 "${NB[@]}" mine --texts "$EVIL.nbe" --labels "l$EVIL.txt" --print-config
shown 0 "${NB[@]}" mine --log-json --texts "$EVIL.nbe" --labels "l$EVIL.txt" --model w/model --criterion random --count 20 -o "$EVIL.nbank" --force
case_ 'what is missing or wrong under such a name'
shown 3 "${NB[@]}" inspect info "no$EVIL"
shown 3 "${NB[@]}" corpus -o x.nbc "no$EVIL"
shown 2 "${NB[@]}" "no$EVIL"
shown 2 "${NB[@]}" mine "--no$EVIL"
shown 2 "${NB[@]}" mine --count "$EVIL"
shown 2 "$NEGBANK" pull "http://h/$EVIL"
case_ 'images and labels with such names are refused'
mkdir images
cp "$(find w -name '*.png' | head -1)" "images/$C1.png"
shown 3 "${NB[@]}" embed images --model w/model -o x.nbe images
says "folder 'images' holds no images"
says 'unsafe or unreadable names'
printf 'cat\n\302\233 2J\n' >labels.txt
shown 3 "${NB[@]}" mine --texts t.nbe --labels labels.txt --model w/model --criterion random --count 5 -o x.nbank
case_ 'a card and a page'
start_nginx www
S=http://127.0.0.1:$NGINX_PORT
shown 2 "$NEGBANK" publish "${FAST[@]}" b.nbank "$S/a/" --licence "CC $EVIL"
says 'control characters'
absent www/a
shown 2 "$NEGBANK" publish "${FAST[@]}" b.nbank "$S/b/" --version "1$EVIL"
shown 0 "$NEGBANK" publish "${FAST[@]}" "$EVIL.nbank" "$S/c/b.nbank" --site page --cite "A $EVIL" --index "$S/c/index.json"
plain www/c/b.nbank.md page/index.html www/c/index.json
case_ 'an index with such texts'
for key in licence corpus criterion score published file; do
    python3 - "$key" "$EVIL" <<'PY'
import json, os, sys
os.makedirs("www/d", exist_ok=True)
root = json.load(open("www/c/index.json"))
root["banks"][0][sys.argv[1]] = sys.argv[2]
json.dump(root, open("www/d/index.json", "w"))
PY
    rm -rf cache
    shown 3 "$NEGBANK" pull "${FAST[@]}" b --index "$S/d/index.json" -o x.nbank
    says 'control characters'
    shown 3 "$NEGBANK" publish --site page2 --index www/d/index.json
done
case_ 'what a server answers'
start_python faulty_server --root "$T/www"
shown 8 "$NEGBANK" pull "${FAST[@]}" --retries 0 "http://127.0.0.1:$PORT/garbage/c/b.nbank" -o x.nbank
finish
