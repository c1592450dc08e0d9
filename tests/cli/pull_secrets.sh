#!/usr/bin/env bash
# Tokens and passwords go to the origin that was named, over https, and nowhere else: neither by an index, a list or a
# redirect. What is printed does not hold them, and key files that others can read are refused.
. "$TESTS/cli/servers.bash" || exit 1
need python3 openssl
mkdir root
cp b.nbank w/labels.txt root/
cp -r w/model root/model
(cd root && sha256sum b.nbank >b.nbank.sha256)
certificate right IP:127.0.0.1
# server NAME OPTIONS...: its address without scheme in $NAME, what it was sent in NAME.log.
server() {
    start_python faulty_server --root "$T/root" --log "$T/$1.log" "${@:2}"
    printf -v "$1" '%s' "127.0.0.1:$PORT"
}
server A --cert right.pem --key right.key
server B --cert right.pem --key right.key
server C
server D
TOKEN=hunter2-of-A
export NEGBANK_HTTP_TOKEN=$TOKEN
fresh() { rm -rf cache out.nbank x.nbc ./*.log; }
pull() {
    fresh
    run "$1" "$NEGBANK" pull "${FAST[@]}" --retries 0 --ca-file ca.pem "${@:2}"
}
# sent SERVER / unsent SERVER / asked SERVER: it got the token, was asked without any secret, was not asked at all.
sent() { [ -e "$1.log" ] && ! grep -qvP "\tBearer $TOKEN\$" "$1.log" || die "$1 was not sent the token"; }
unsent() { [ -e "$1.log" ] && ! grep -qvP '\t-$' "$1.log" || die "$1 was sent $(cat "$1.log")"; }
unasked() { absent "$1.log"; }
# index_of ADDRESS: root/index.json lists the bank there.
index_of() {
    cat >root/index.json <<J
{"format": "negbank index", "version": 1, "serial": 1, "updated": "", "banks": [{"name": "b", "version": "1",
 "file": "$1", "bytes": $(bytes_of b.nbank), "sha256": "$(sha256sum <b.nbank | cut -c1-64)"}]}
J
}

case_ "the host of the command's own address"
pull 0 "https://$A/ok/b.nbank" -o out.nbank
sent A
case_ 'a redirect within it'
pull 0 "https://$A/away/b.nbank" -o out.nbank
sent A
case_ 'a redirect to another origin'
pull 0 "https://$A/redirect/b.nbank?to=https://$B/ok/b.nbank" --sha256 "$(sha256sum <b.nbank | cut -c1-64)" -o out.nbank
sent A
unsent B
case_ 'a password in the address, and a redirect to another origin'
pull 0 "https://me:hunter2@$A/redirect/b.nbank?to=https://$B/ok/b.nbank" --sha256 "$(sha256sum <b.nbank | cut -c1-64)" -o out.nbank
grep -q "Basic $(printf me:hunter2 | base64)" A.log || die 'the named origin was not sent the password'
unsent B
case_ "an index's entry beside it, and one elsewhere"
index_of b.nbank
pull 0 b --index "https://$A/ok/index.json" -o out.nbank
sent A
index_of "https://$B/ok/b.nbank"
pull 0 b --index "https://$A/ok/index.json" -o out.nbank
sent A
unsent B
case_ 'an entry that leads from https to http'
index_of "http://$C/ok/b.nbank"
pull 3 b --index "https://$A/ok/index.json" -o out.nbank
says 'from https to http'
unasked C
absent out.nbank
case_ 'a redirect from https to http'
pull 8 "https://$A/redirect/b.nbank?to=http://$C/ok/b.nbank" --sha256 "$(sha256sum <b.nbank | cut -c1-64)" -o out.nbank
unasked C
case_ 'publish into an index from https to http'
run 2 "$NEGBANK" publish b.nbank "http://$C/ok/" --index "https://$A/ok/index.json"
says 'from https to http'
case_ 'a checkpoint'
pull 0 --model "https://$A/ok/model" -o m1
sent A

case_ 'plain http gets none'
pull 0 "http://$C/ok/b.nbank" -o out.nbank
says 'NEGBANK_HTTP_TOKEN is not sent'
unsent C
! grep -q "$TOKEN" err out || die 'the token is printed'
case_ 'the origin that NEGBANK_HTTP_TOKEN_HOST names, and no other'
NEGBANK_HTTP_TOKEN_HOST=$A pull 0 "https://$A/ok/b.nbank" -o out.nbank
sent A
NEGBANK_HTTP_TOKEN_HOST=https://$A/ pull 0 "https://$A/ok/b.nbank" -o out.nbank
sent A
NEGBANK_HTTP_TOKEN_HOST=$B pull 0 "https://$A/ok/b.nbank" -o out.nbank
unsent A
NEGBANK_HTTP_TOKEN_HOST=127.0.0.1 pull 0 "https://$A/ok/b.nbank" -o out.nbank # port 443
unsent A
index_of "https://$B/ok/b.nbank"
NEGBANK_HTTP_TOKEN_HOST=$B pull 0 b --index "https://$A/ok/index.json" -o out.nbank
unsent A
sent B
case_ 'this machine over http, when it is named so'
NEGBANK_HTTP_TOKEN_HOST=http://$C pull 0 "http://$C/ok/b.nbank" -o out.nbank
sent C
NEGBANK_HTTP_TOKEN_HOST=http://$C pull 0 "http://$C/redirect/b.nbank?to=http://$D/ok/b.nbank" \
    --sha256 "$(sha256sum <b.nbank | cut -c1-64)" -o out.nbank
sent C
unsent D
NEGBANK_HTTP_TOKEN_HOST=$C pull 0 "http://$C/ok/b.nbank" -o out.nbank
unsent C
for host in http://banks.example.org http://localhost:80 s3://bucket/key ftp://x 'a b' http://127.0.0.1.example.org; do
    NEGBANK_HTTP_TOKEN_HOST=$host pull 2 "http://$C/ok/b.nbank" -o out.nbank
    says NEGBANK_HTTP_TOKEN_HOST
    unasked C
done

case_ 'corpus: an address on the command line, not those in a list'
corpus() {
    fresh
    run 0 "${NB[@]}" corpus -q --force "${FAST[@]}" --ca-file ca.pem -o x.nbc "$@"
}
echo "https://$B/ok/labels.txt" >list
corpus "https://$A/ok/labels.txt"
sent A
corpus @list
unsent B
corpus "https://$A/ok/labels.txt" @list
sent A
unsent B
NEGBANK_HTTP_TOKEN_HOST=$B corpus @list
sent B

case_ 'over http ~/.netrc is for the own origin alone'
unset NEGBANK_HTTP_TOKEN
printf 'machine 127.0.0.1 login me password hunter2\n' >.netrc
chmod 600 .netrc
index_of "http://$D/ok/b.nbank"
pull 0 b --index "http://$C/ok/index.json" -o out.nbank
grep -q "Basic $(printf me:hunter2 | base64)" C.log || die 'the own origin was not sent the password'
unsent D
rm .netrc

case_ 'printed settings hold no secret'
run 0 "$NEGBANK" pull "https://me:hunter2@banks.example.org/b.nbank?sig=hunter2" --index 'HTTPS://x:hunter2@h/i.json#hunter2' --print-config
! grep -q hunter2 out || die 'the password is printed'
prints 'pull.what: "https://banks.example.org/b.nbank"  # command line, without the secrets in its address'
run 0 "$NEGBANK" corpus 'https://me:hunter2@h/a.txt' 'b://c?d' --print-config
! grep -q hunter2 out || die 'the password is printed'
prints '["https://h/a.txt", "b://c?d"]'

for words in 'key show x' mine pull; do
    # shellcheck disable=SC2086
    run 2 "$NEGBANK" $words 'https://me:hunter2@h/a' 'https://me:hunter2@h/b' 'https://me:hunter2@h/c'
    says "'https://h/"
    ! grep -q hunter2 err out || die 'the password is printed'
done

case_ 'a key that others can read is refused, as by ssh'
fresh
make_key k
run 0 "$NEGBANK" key show k
for mode in 0640 0604 0620 0610; do
    chmod "$mode" k
    run 3 "$NEGBANK" key show k
    says "can be read or written by others (mode $mode)"
    run 3 "$NEGBANK" publish b.nbank "http://$C/" --sign k
    unasked C
done
chmod 400 k
run 0 "$NEGBANK" key show k
chmod 666 k.pub
run 0 "$NEGBANK" key show k.pub
finish
