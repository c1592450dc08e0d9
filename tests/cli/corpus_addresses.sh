#!/usr/bin/env bash
# Corpus inputs on a server: the same bytes as from files; what is cut is continued; what is missing or wrong is refused
# with the code of a transfer, and nothing secret is written down.
NO_BANK=1
. "$TESTS/cli/servers.bash" || exit 1
need python3 curl
mkdir root root/few local
awk 'BEGIN { srand(3); for (i = 0; i < 60000; i++) print "word", i, int(rand() * 1e9) }' >root/words.txt
seq -f 'noun_%g' 500 | gzip >root/noun.few.txt.gz
printf 'id,text\n1,"one, two"\n2,three\n' >'root/few/a b.csv'
cp root/words.txt root/noun.few.txt.gz 'root/few/a b.csv' local/
start_python faulty_server --root "$T/root"
F=http://127.0.0.1:$PORT
QUICK=("${FAST[@]}" --retries 3 --stall-timeout 1 --connect-timeout 1)
corpus() { run "$1" "${NB[@]}" corpus --force --column text "${QUICK[@]}" "${@:2}"; }
plain() { run "$1" "${NB[@]}" corpus --force "${QUICK[@]}" "${@:2}"; } # no input has columns
empty_cache() { [ -z "$(find cache -type f ! -path '*/locks/*' 2>/dev/null)" ] || die "the cache holds $(find cache -type f)"; }
refuses() {
    rm -rf cache x.nbc*
    corpus "$1" -o x.nbc "${@:2}"
    refusal x.nbc
}
corpus 0 -o local.nbc local/*

case_ 'the same bytes as from files'
corpus 0 -o x.nbc "$F/ok/words.txt" "$F/ok/noun.few.txt.gz" "$F/ok/few/a%20b.csv"
same local.nbc x.nbc
empty_cache
case_ 'on three ranks, by a manifest with digests, a file among them'
{
    echo '# lists'
    echo "$(sha256sum <root/words.txt | cut -c 1-64)  $F/ok/words.txt"
    echo "$F/ok/noun.few.txt.gz"
    echo 'a*.csv'
} >local/list
run 0 "${NB3[@]}" corpus -q --force --column text "${QUICK[@]}" -o x.nbc @local/list
same local.nbc x.nbc
case_ 'Parquet is fetched whole, and read like a file'
cp "$GOLDEN/parquet/hyparquet-groups.parquet" root/captions.parquet
cp "$GOLDEN/parquet/hyparquet-groups.parquet" captions.parquet
plain 0 -o p.nbc captions.parquet
plain 0 -o x.nbc "$F/ok/captions.parquet"
same p.nbc x.nbc
empty_cache
case_ 'an address given twice is fetched once'
corpus 0 -o x.nbc "$F/ok/words.txt" @local/list
same local.nbc x.nbc
[ "$(curl -s --noproxy '*' "$F/-/counts" | python3 -c 'import json, sys; print(json.load(sys.stdin)["/ok/words.txt"])')" = 3 ] ||
    die 'it was fetched more than once a run'

case_ 'cut in the middle, and continued'
proxy down "$PORT" 3 800000 5
corpus 0 -o x.nbc "http://127.0.0.1:$PROXY_PORT/ok/words.txt" local/noun.few.txt.gz 'local/a b.csv'
same local.nbc x.nbc
says 'trying again'
[ "$(counted cuts)" = 3 ] || die 'the connection was not cut'
[ "$(counted down)" -lt $((2 * $(stat -c %s root/words.txt))) ] || die 'it began from the start each time'
case_ 'what a run that gave up has is continued by the next'
proxy down "${F##*:}" 1 800000 6
rm x.nbc
plain 8 --retries 0 -o x.nbc "http://127.0.0.1:$PROXY_PORT/ok/words.txt"
absent x.nbc
[ "$(find cache -name words.txt -size +10k)" ] || die 'nothing was kept'
plain 0 -o x.nbc "http://127.0.0.1:$PROXY_PORT/ok/words.txt"
[ "$(counted down)" -lt $((3 * $(stat -c %s root/words.txt) / 2)) ] || die 'it began from the start'
empty_cache

case_ 'a file that is not there'
refuses 8 "$F/ok/words.txt" "$F/ok/absent.txt"
says 'answered 404'
says "/ok/absent.txt'"
case_ 'a file that is not there, on three ranks'
run 8 "${NB3[@]}" corpus --force "${QUICK[@]}" -o x.nbc "$F/ok/words.txt" "$F/ok/absent.txt" "$F/ok/noun.few.txt.gz"
refusal x.nbc
case_ 'nobody there'
refuses 8 --retries 0 http://127.0.0.1:1/words.txt
case_ 'another file than the one that is listed'
echo "$(sha256sum <root/noun.few.txt.gz | cut -c 1-64)  $F/ok/words.txt" >wrong
refuses 7 @wrong
says 'it should be'
empty_cache
case_ 'two digests for one address'
cat local/list wrong >local/two
refuses 3 @local/two
says 'two different digests'
case_ 'an address of a folder'
refuses 2 "$F/ok/"
says 'a file'
case_ 'an address that is none'
refuses 2 ftp://example.org/words.txt

case_ 'S3, and no secret anywhere'
start_s3
printf 'alpha\nbeta\n' >in.txt
curl -s --noproxy '*' --aws-sigv4 aws:amz:eu-test-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    -H "x-amz-content-sha256: $(sha256sum <in.txt | cut -c 1-64)" -T in.txt "$AWS_ENDPOINT_URL/bucket/lists/in.txt" || die 'no S3'
plain 0 -o x.nbc s3://bucket/lists/in.txt "http://user:hidden@${F#http://}/ok/words.txt?token=hidden"
grep -q '"path": "s3://bucket/lists/in.txt"' x.nbc.run.json || die 'the address is not written down'
grep -q "\"path\": \"$F/ok/words.txt\"" x.nbc.run.json || die 'the address is not written down'
grep -rqs hidden x.nbc.run.json x.nbc err out && die 'a secret is written down'

case_ 'labels at an address, for every command that reads them'
printf 'word 1 1\nnoun 7\n' >root/labels.txt
cp root/labels.txt stops.txt
plain 0 -q -o p.nbc --exclude stops.txt local/noun.few.txt.gz
plain 0 -q -o x.nbc --exclude "http://user:hidden@${F#http://}/ok/labels.txt?token=hidden" local/noun.few.txt.gz
same p.nbc x.nbc
grep -q "\"path\": \"$F/ok/labels.txt\"" x.nbc.run.json || die 'the address is not written down'
grep -rqs hidden x.nbc.run.json x.nbc err out && die 'a secret is written down'
run 0 "${NB3[@]}" corpus -q --force "${QUICK[@]}" -o x.nbc --exclude "$F/ok/labels.txt" local/noun.few.txt.gz
same p.nbc x.nbc
empty_cache
refuses 8 --exclude "$F/ok/absent.txt" local/noun.few.txt.gz
says "/ok/absent.txt'"
printf '<html>' >root/page.txt
refuses 3 --exclude "$F/ok/page.txt" local/noun.few.txt.gz
says "'$F/ok/page.txt' is an HTML or XML page"
for command in mine eval tune; do
    run 0 "${NB[@]}" $command --help
    prints '--retries'
done
printf 'image\tlabel\tclass\tscore\tood_score\na\t0\t0\t0.5\tnan\nb\t1\t1\t0.4\tnan\n' >s.tsv
run 0 "${NB[@]}" eval -q "${QUICK[@]}" --id s.tsv --ood near=s.tsv --labels "$F/ok/labels.txt" -o m.json
grep -q '"role": "labels"' m.json.run.json || die 'the labels are not recorded'
run 8 "${NB[@]}" eval -q "${QUICK[@]}" --id s.tsv --ood near=s.tsv --labels "$F/ok/absent.txt"
empty_cache

case_ 'asked to stop while a server is slow'
mkdir root/slow
cp root/words.txt root/slow/words.nbank
timeout -k 5 60 "${NB[@]}" corpus --force "${QUICK[@]}" --stall-timeout 60 --min-speed 1 -o x.nbc \
    "$F/slow/slow/words.nbank" >out 2>err </dev/null &
job=$!
coming() { [ "$(find cache -name words.nbank -size +0)" ]; }
until_ 50 coming
pkill -USR1 -P $job
wait $job
got=$?
[ $got = 85 ] || die "exit code $got instead of 85"
says 'stopped on request after 0 of 1 downloads'
[ "$(find cache -name words.nbank -size +0)" ] || die 'what came is not kept'
finish
