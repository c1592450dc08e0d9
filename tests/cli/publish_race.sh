#!/usr/bin/env bash
# Publishers at the same time, and pulls at the same time; S3: signatures, conditions, failures.
. "$TESTS/cli/servers.bash" || exit 1
need nginx python3 curl
ROUNDS=${ROUNDS:-50}
PUBLISH=("$NEGBANK" publish "${FAST[@]}" -q)

case_ "the verifier of signatures against AWS's test vectors"
run 0 python3 "$TESTS/support/s3_double.py" --self-test

# race FOLDER: ROUNDS rounds of two publishers with caches of their own; the index must hold both names every time.
race() {
    local first second
    for round in $(seq "$ROUNDS"); do
        XDG_CACHE_HOME=$T/one "${PUBLISH[@]}" b.nbank "$1" --name "one$round" 2>one.err &
        first=$!
        XDG_CACHE_HOME=$T/two "${PUBLISH[@]}" b.nbank "$1" --name "two$round" 2>two.err &
        second=$!
        wait $first || die "round $round, first: $(cat one.err)"
        wait $second || die "round $round, second: $(cat two.err)"
    done
}
# The index in FILE has all names of all rounds, and a serial for each.
holds_all() {
    python3 - "$1" "$ROUNDS" <<'PY' || die 'an entry was lost'
import json, sys
index, rounds = json.load(open(sys.argv[1])), int(sys.argv[2])
names = sorted(b["name"] for b in index["banks"])
assert names == sorted(f"{who}{i}" for who in ("one", "two") for i in range(1, rounds + 1)), names
assert index["serial"] == 2 * rounds, index["serial"]
PY
}

start_nginx www
start_s3
case_ "two publishers at once, $ROUNDS rounds, a server without conditions (nginx): a lock"
race "http://127.0.0.1:$NGINX_PORT/r/"
holds_all www/r/index.json
absent www/r/index.json.lock
[ -z "$(ls www/r | grep -v -x -E 'b\.nbank(\.md|\.sha256)?|index\.json')" ] || die "something was left: $(ls www/r)"

case_ "two publishers at once, $ROUNDS rounds, S3: conditions"
race s3://banks/r/
run 0 "$NEGBANK" publish -q --site site --index s3://banks/r/index.json
curl -s --noproxy '*' -o /dev/null "http://127.0.0.1:$S3_PORT/-/stats"
"$NEGBANK" pull "${FAST[@]}" one1 --index s3://banks/r/index.json -o first.nbank 2>/dev/null
cp "$(ls -t cache/negbank/indexes/*.json | head -1)" s3.json
holds_all s3.json
[ "$(stats conflicts)" -gt 0 ] || echo '  (the publishers never met)'
[ "$(stats unsigned)" = 0 ] || die 'a signature was refused'

case_ 'publishers with one cache'
for round in $(seq 8); do
    "${PUBLISH[@]}" b.nbank s3://banks/same/ --name "one$round" 2>one.err &
    first=$!
    "${PUBLISH[@]}" b.nbank s3://banks/same/ --name "two$round" 2>two.err &
    wait $first || die "$(cat one.err)"
    wait $! || die "$(cat two.err)"
done

case_ 'the lock of a publisher that is gone'
mkdir -p www/stale/index.json.lock
printf '0123456789abcdef0123456789abcdef' >www/stale/index.json.lock/owner
touch -d '1 hour ago' www/stale/index.json.lock/owner
run 0 "$NEGBANK" publish "${FAST[@]}" b.nbank "http://127.0.0.1:$NGINX_PORT/stale/"
says 'broke the lock'
absent www/stale/index.json.lock
present www/stale/index.json
case_ 'the lock of one that is at work'
mkdir -p www/busy/index.json.lock
printf '0123456789abcdef0123456789abcdef' >www/busy/index.json.lock/owner
touch -d '1 minute' www/busy/index.json.lock/owner
run 8 "$NEGBANK" publish "${FAST[@]}" b.nbank "http://127.0.0.1:$NGINX_PORT/busy/" --lock-stale 1
says 'is locked by other publishers'
present www/busy/index.json.lock/owner
absent www/busy/index.json

case_ 'two pulls of one bank at once: one download'
rm -rf cache
: >nginx.d/access
for n in 1 2 3; do
    "$NEGBANK" pull "${FAST[@]}" -q "http://127.0.0.1:$NGINX_PORT/r/b.nbank" -o "both$n" 2>"both$n.err" &
    PULLS[n]=$!
done
for n in 1 2 3; do
    wait "${PULLS[n]}" || die "$(cat "both$n.err")"
    same b.nbank "both$n"
done
[ "$(grep -c 'GET /r/b.nbank HTTP' nginx.d/access)" = 1 ] || die "$(grep -c 'GET /r/b.nbank HTTP' nginx.d/access) downloads"

# ---- S3 ----

case_ 'S3: whole, in parts, with a session'
run 0 "$NEGBANK" publish "${FAST[@]}" b.nbank 's3://banks/with space/ü+&=$.nbank' --name odd
run 0 "$NEGBANK" pull "${FAST[@]}" 's3://banks/with space/ü+&=$.nbank' -o odd.nbank
same b.nbank odd.nbank
AWS_SESSION_TOKEN=AQoEXAMPLEH4aoAH0gNCAPyJxz4BlCFFxWNE1OPTgk5TthT run 0 "$NEGBANK" publish "${FAST[@]}" b.nbank s3://banks/session.nbank
head -c 400000 /dev/urandom | base64 >noise.txt
case_ 'S3: wrong keys'
rm -rf cache
AWS_SECRET_ACCESS_KEY=nonsense run 8 "$NEGBANK" pull "${FAST[@]}" s3://banks/session.nbank -o out.nbank
says 'SignatureDoesNotMatch'
! grep -q nonsense err || die 'the secret is in the log'
AWS_SESSION_TOKEN=wrong run 8 "$NEGBANK" publish "${FAST[@]}" b.nbank s3://banks/x.nbank
(unset AWS_ACCESS_KEY_ID && run 2 "$NEGBANK" publish "${FAST[@]}" b.nbank s3://banks/x.nbank && says 'AWS_ACCESS_KEY_ID') || exit 1
AWS_REGION=us-east-1 run 8 "$NEGBANK" publish "${FAST[@]}" b.nbank s3://banks/x.nbank
run 2 "$NEGBANK" publish b.nbank s3://banks
absent out.nbank
SMALL=(--part-size 0.0625 --whole-up-to 0)
done_ mine -q --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 300 -o more.nbank
for options in '--forget-after 1' '--fail-complete 2'; do
    case_ "S3: $options"
    # shellcheck disable=SC2086
    start_s3 $options
    run 0 "$NEGBANK" publish "${FAST[@]}" more.nbank s3://banks/more.nbank "${SMALL[@]}"
    run 0 "$NEGBANK" pull "${FAST[@]}" s3://banks/more.nbank -o out1.nbank --force
    same more.nbank out1.nbank
done
case_ 'S3: a server that cannot guard the index'
start_s3 --no-conditions
run 8 "$NEGBANK" publish "${FAST[@]}" b.nbank s3://banks/b.nbank
says '--unguarded'
run 0 "$NEGBANK" publish "${FAST[@]}" b.nbank s3://banks/b.nbank --unguarded
run 0 "$NEGBANK" publish "${FAST[@]}" b.nbank s3://banks/c.nbank --index none
finish
