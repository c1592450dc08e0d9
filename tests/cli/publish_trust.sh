#!/usr/bin/env bash
# What a signature is worth when a server, or whoever stands between, is hostile: stripped and tampered indexes, banks of
# the same key under another name or version, serials, and files altered between two runs.
. "$TESTS/cli/servers.bash" || exit 1
need nginx python3 minisign
start_nginx www
S=http://127.0.0.1:$NGINX_PORT
PUBLISH=("$NEGBANK" publish "${FAST[@]}")
PULL=("$NEGBANK" pull "${FAST[@]}")
make_key k
done_ mine -q --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 20 -o other.nbank
done_ mine -q --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 25 -o third.nbank
# pulls CODE BANK ARGUMENTS...: with --verify and a fresh cache; BANK is what comes.
pulls() {
    rm -rf cache out.nbank
    run "$1" "${PULL[@]}" --verify k.pub -o out.nbank "${@:3}"
    if [ "$1" = 0 ]; then
        same "$2" out.nbank
    else
        absent out.nbank out.nbank.partial
        [ -z "$(ls cache/negbank/banks 2>/dev/null)" ] || die 'it has its name in the cache'
    fi
}

case_ 'a stripped and tampered index is not signed'
run 0 "${PUBLISH[@]}" b.nbank "$S/a/" --sign k
sed -i 2d www/a/index.json
edit www/a/index.json '"negatives": 50' '"negatives": 5'
cp www/a/index.json stripped.json
run 7 "${PUBLISH[@]}" other.nbank "$S/a/" --sign k
says 'has other content than before'
rm -rf cache # nothing is remembered
run 7 "${PUBLISH[@]}" other.nbank "$S/a/" --sign k
says 'has no signature: to sign it is to vouch'
says --adopt
same stripped.json www/a/index.json
run 2 "${PUBLISH[@]}" other.nbank "$S/a/" --adopt
says '--adopt goes with --sign'
case_ 'unless it is adopted'
run 0 "${PUBLISH[@]}" other.nbank "$S/a/" --sign k --adopt
grep -q '"signature": "untrusted' www/a/index.json || die 'it is not signed'
pulls 0 other.nbank other --index "$S/a/index.json"
case_ 'an empty place needs no word, nor does a signed index'
run 0 "${PUBLISH[@]}" b.nbank "$S/new/" --sign k
run 0 "${PUBLISH[@]}" other.nbank "$S/new/" --sign k

case_ "by name, the bank's own signature is demanded"
run 0 "${PUBLISH[@]}" b.nbank "$S/c/"
run 0 "${PUBLISH[@]}" other.nbank "$S/c/" --sign k --adopt
pulls 7 - b --index "$S/c/index.json"
says 'names no signature of it'
pulls 0 other.nbank other --index "$S/c/index.json"
rm www/c/other.nbank.minisig
pulls 7 - other --index "$S/c/index.json"
says 'is not signed'

case_ 'by address, a bank of the same key under another name'
run 0 "${PUBLISH[@]}" b.nbank "$S/d/b.nbank" --sign k
run 0 "${PUBLISH[@]}" other.nbank "$S/d/other.nbank" --sign k
pulls 0 b.nbank "$S/d/b.nbank"
mkdir kept
cp www/d/b.nbank* kept/
for suffix in '' .minisig .sha256; do cp "www/d/other.nbank$suffix" "www/d/b.nbank$suffix"; done
pulls 7 - "$S/d/b.nbank"
says "is signed as file 'other.nbank', not 'b.nbank'"
pulls 0 other.nbank "$S/d/b.nbank" --name other --version 1 # a copy under another file name
pulls 7 - "$S/d/b.nbank" --name b
says "is signed as name 'other', not 'b'"
cp kept/* www/d/
case_ 'by address, an older version'
run 0 "${PUBLISH[@]}" third.nbank "$S/d/b.nbank" --sign k --version 2 --force
pulls 0 third.nbank "$S/d/b.nbank" --name b --version 2
cp kept/* www/d/
pulls 7 - "$S/d/b.nbank" --version 2
says "is signed as version '1', not '2'"
case_ 'by name, a signature of another version'
run 0 "${PUBLISH[@]}" b.nbank "$S/e/b.nbank" --sign k
cp www/e/b.nbank.minisig one.minisig
run 0 "${PUBLISH[@]}" b.nbank "$S/e/b.nbank" --sign k --version 2
pulls 0 b.nbank b --index "$S/e/index.json"
pulls 7 - b@1 --index "$S/e/index.json"
says "is signed as version '2', not '1'"
cp one.minisig www/e/b.nbank.minisig
pulls 7 - b --index "$S/e/index.json"
pulls 0 b.nbank b@1 --index "$S/e/index.json"
case_ "minisign's signatures name the file alone"
rm www/e/b.nbank.minisig
minisign -S -s k -m www/e/b.nbank >/dev/null </dev/null
pulls 0 b.nbank "$S/e/b.nbank"
says 'names its file alone'
pulls 7 - "$S/e/b.nbank" --version 1
says 'does not say of which version it is'
pulls 0 b.nbank b@1 --index "$S/e/index.json"
cp www/e/b.nbank.minisig www/e/moved.nbank.minisig
cp b.nbank www/e/moved.nbank
pulls 7 - "$S/e/moved.nbank"
minisign -S -s k -m www/e/b.nbank -t 'no fields' >/dev/null </dev/null
pulls 7 - "$S/e/b.nbank"
says 'does not say of which file it is'
case_ 'a signed digest that is not that of the bank'
minisign -S -s k -m www/e/b.nbank -t "$(printf 'file:b.nbank\tname:b\tversion:1\tsha256:%064d' 0)" >/dev/null </dev/null
pulls 7 - "$S/e/b.nbank"
says 'is signed as sha256'
case_ 'where --name and --version do not belong'
run 2 "${PULL[@]}" "$S/d/b.nbank" --name b
run 2 "${PULL[@]}" b --index "$S/d/index.json" --verify k.pub --version 1

# ---- serials ----

# serial N FILE: signed.json without its signature and with that serial.
serial() {
    python3 - "$1" <<'PY' >"$2"
import json, sys
root = json.load(open("signed.json"))
root.pop("signature", None)
root["serial"] = int(sys.argv[1])
print(json.dumps(root, indent=1))
PY
}
case_ 'the serial of an index that is not verified does not lock out those that are'
cp www/d/index.json signed.json
rm -rf cache
serial 9007199254740992 www/d/index.json
run 0 "${PULL[@]}" other --index "$S/d/index.json" -o o1.nbank
cp signed.json www/d/index.json
run 7 "${PULL[@]}" other --index "$S/d/index.json" -o o2.nbank
says 'is older than what was seen'
run 0 "${PULL[@]}" other --index "$S/d/index.json" --verify k.pub -o o2.nbank
run 0 "${PULL[@]}" other --index "$S/d/index.json" -o o3.nbank
run 0 "${PUBLISH[@]}" third.nbank "$S/d/third.nbank" --sign k
case_ 'but a verified one is remembered for all'
serial 1 www/d/index.json
run 7 "${PULL[@]}" other --index "$S/d/index.json" -o o4.nbank
says 'is older than what was seen'
serial 1000 www/d/index.json
run 7 "${PULL[@]}" other --index "$S/d/index.json" -o o4.nbank
says 'has lost its signature'
cp signed.json www/d/index.json
run 7 "${PULL[@]}" other --index "$S/d/index.json" --verify k.pub -o o4.nbank
says 'is older than what was seen'
case_ 'serials at the end'
for number in 9223372036854775807 9007199254740993 -1; do
    rm -rf cache
    serial "$number" www/d/index.json
    run 3 "${PULL[@]}" other --index "$S/d/index.json" -o o5.nbank
    says '"serial" is no number from 0 to 9007199254740992'
done
serial 9007199254740992 www/d/index.json
run 5 "${PUBLISH[@]}" b.nbank "$S/d/b.nbank" --name last
says 'the last serial'

# ---- what one run leaves to the next ----

case_ 'a checkpoint altered between two runs'
mkdir www/model
cp w/model/* www/model/
(cd www/model && sha256sum -- * >../SUMS && mv ../SUMS SHA256SUMS && minisign -S -s ../../k -m SHA256SUMS >/dev/null </dev/null)
whole() {
    for f in w/model/*; do [ ! -e "$1/${f##*/}" ] || same "$f" "$1/${f##*/}"; done
    (cd "$1" && sha256sum -c --quiet SHA256SUMS) || die 'its own SHA256SUMS does not hold'
}
mv www/model/model.safetensors .
run 8 "${PULL[@]}" --model "$S/model" --verify k.pub -o m
present m.partial/config.json
cp model.safetensors m.partial/
flip m.partial/model.safetensors 5000
mv model.safetensors www/model/
echo '{"unknown": 1}' >m.partial/config.json
echo planted >m.partial/tokenizer_config.json
echo victim >victim
rm m.partial/vocab.json
ln -s ../victim m.partial/vocab.json
run 0 "${PULL[@]}" --model "$S/model" --verify k.pub -o m
says 'is not what the server has and is fetched anew'
whole m
absent m/tokenizer_config.json m.partial
[ "$(cat victim)" = victim ] || die 'the file behind a link was written'
[ -z "$(find m -type l)" ] || die 'a link is part of the checkpoint'
case_ 'one whose hub knows the digest, and one where nobody does'
start_python faulty_server --root "$T/www"
F=http://127.0.0.1:$PORT
size=$(bytes_of www/model/model.safetensors)
rm www/model/SHA256SUMS*
for fault in hub ok; do
    rm -rf m m.partial
    run 0 "${PULL[@]}" --model "$F/$fault/model" -o m
    mv m m.partial
    rm m.partial/SHA256SUMS
    flip m.partial/model.safetensors 5000
    printf '"%s"\n' "$size" >m.partial/model.safetensors.part.from
    run 0 "${PULL[@]}" --model "$F/$fault/model" -o m
    whole m
    absent m/model.safetensors.part.from
done
case_ 'one that is kept is not fetched again'
rm -rf m m.partial
run 0 "${PULL[@]}" --model "$F/hub/model" -o m
mv m m.partial
printf '"%s"\n' "$size" >m.partial/model.safetensors.part.from
start_python faulty_server --root "$T/www" --log "$T/again.log"
run 0 "${PULL[@]}" --model "http://127.0.0.1:$PORT/hub/model" -o m
whole m
[ "$(grep -P '/ok/model/model.safetensors\t' again.log | cut -f 2)" = "bytes=$size-" ] || die 'it was fetched anew'

# ---- power cuts ----

if [ -e "$TOOLS/fault_io.so" ]; then
    fault=(env LD_PRELOAD=fault_io.so LD_LIBRARY_PATH="$TOOLS" NEGBANK_FAULT_BELOW="$(realpath .)")
    # faulted FAULT OUTPUT COMMAND...: exit code in $got, with fresh folders.
    faulted() {
        rm -rf cache fault.log "$2" "$2.partial"
        timeout -k 5 $LIMIT "${fault[@]}" NEGBANK_FAULT="$1" NEGBANK_FAULT_LOG="$T/fault.log" "${@:3}" >out 2>err </dev/null
        got=$?
    }
    counted_calls() { sed -n "s/^$1 //p" fault.log; }
    for what in bank model; do
        case_ "what cannot be synced gets no name: $what"
        mkdir -p cut
        output=cut/out.nbank pull=("${PULL[@]}" "$S/a/other.nbank" -o cut/out.nbank)
        [ $what = bank ] || output=cut/m pull=("${PULL[@]}" --model "$S/model" -o cut/m)
        faulted sync:COUNT:1 "$output" "${pull[@]}"
        [ $got = 0 ] || die "it ends with $got"
        syncs=$(counted_calls sync) renames=$(counted_calls rename)
        # a file and its folder for every name, but for the partial one that a part gets on its way
        [ "$syncs" -ge $((2 * renames - 1)) ] || die "only $syncs syncs for $renames names"
        for ((at = 1; at <= syncs; at++)); do
            faulted "sync:EIO:$at" "$output" "${pull[@]}"
            [ $got = 4 ] || die "sync $at fails, and it ends with $got"
            [ $at -ge $((syncs - 1)) ] || absent "$output"
        done
    done
fi
finish
