#!/usr/bin/env bash
# Servers that fail, lie or are somebody else: recovered from or refused with exit 7 or 8, and nothing under its name.
. "$TESTS/cli/servers.bash" || exit 1
need python3 openssl curl
mkdir root
cp b.nbank root/
cp -r w/model root/model
(cd root && sha256sum b.nbank >b.nbank.sha256)
make_key k
run 0 "$NEGBANK" key new -o k2 --no-encryption -q
start_python faulty_server --root "$T/root"
F=http://127.0.0.1:$PORT
QUICK=("${FAST[@]}" --retries 3 --stall-timeout 1 --connect-timeout 1)

# attempt CODE FAULT OPTIONS...: pulls with a fresh cache.
attempt() {
    rm -rf cache out.nbank
    run "$1" "$NEGBANK" pull "${QUICK[@]}" "${@:3}" "$F/$2/b.nbank" -o out.nbank
}
refuses() {
    case_ "refused: $2"
    attempt "$@"
    absent out.nbank out.nbank.partial
    [ -z "$(ls cache/negbank/banks 2>/dev/null)" ] || die 'it has its name in the cache'
    [ "$(grep -c '^error: ' err)" = 1 ] || die 'there is not one error line'
}
recovers() {
    case_ "recovered: $1"
    attempt 0 "$1" "${@:2}"
    same b.nbank out.nbank
}

recovers ok
recovers errors
says 'trying again'
recovers busy
says 'trying again in 1.0 s'
recovers half
recovers changed
recovers mixed
says 'fetched anew'
recovers away
refuses 8 always-500
says 'answered 500'
refuses 8 busy-for-long
says '--retry-longest'
refuses 8 slow --retries 1
refuses 8 slow-head --retries 1
refuses 8 silent --retries 1
refuses 8 too-long
refuses 7 too-short
refuses 8 never-more
refuses 8 wrong-range
refuses 7 tampered
says 'it should be'
refuses 8 loop
says 'redirects'
refuses 8 to-file
refuses 8 garbage
case_ 'refused: nobody there'
run 8 "$NEGBANK" pull "${QUICK[@]}" http://127.0.0.1:1/b.nbank -o out.nbank
case_ 'refused: a host without name'
run 8 "$NEGBANK" pull "${QUICK[@]}" --retries 0 http://nowhere.invalid/b.nbank -o out.nbank
absent out.nbank

case_ 'no retry where none helps'
attempt 7 tampered
[ "$(curl -s --noproxy '*' "$F/-/counts" | python3 -c 'import json, sys; print(json.load(sys.stdin)["/tampered/b.nbank"])')" = 2 ] || die 'it was asked for too often'

# ---- signatures ----

case_ 'refused: the signature of another bank'
done_ mine -q --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 20 -o other.nbank
start_python faulty_server --root "$T/signed"
G=http://127.0.0.1:$PORT
mkdir -p signed/ok
if command -v nginx >/dev/null; then
    start_nginx signed
    run 0 "$NEGBANK" publish "${FAST[@]}" b.nbank "http://127.0.0.1:$NGINX_PORT/" --sign k
    run 0 "$NEGBANK" publish "${FAST[@]}" other.nbank "http://127.0.0.1:$NGINX_PORT/" --sign k
    cp signed/other.nbank.minisig signed/b.nbank.minisig
    rm -rf cache
    run 7 "$NEGBANK" pull "${QUICK[@]}" "$G/ok/b.nbank" --verify k.pub -o out.nbank
    says 'is not what key'
    absent out.nbank
    case_ 'refused: no signature at all'
    rm signed/b.nbank.minisig
    run 7 "$NEGBANK" pull "${QUICK[@]}" "$G/ok/b.nbank" --verify k.pub -o out.nbank
    case_ 'refused: what is no signature'
    head -c 3000 /dev/urandom >signed/b.nbank.minisig
    run 7 "$NEGBANK" pull "${QUICK[@]}" "$G/ok/b.nbank" --verify k.pub -o out.nbank
    absent out.nbank
fi

# ---- TLS ----

case_ 'TLS with a trusted certificate'
certificate right IP:127.0.0.1
certificate wrong DNS:elsewhere.example
start_python faulty_server --root "$T/root" --cert right.pem --key right.key
F=https://127.0.0.1:$PORT
recovers ok --ca-file ca.pem
CURL_CA_BUNDLE=$T/ca.pem recovers ok
SSL_CERT_FILE=$T/ca.pem recovers ok
refuses 8 ok
says 'certificate'
case_ 'TLS down to http'
refuses 8 to-file --ca-file ca.pem
start_python faulty_server --root "$T/root" --cert wrong.pem --key wrong.key
F=https://127.0.0.1:$PORT
refuses 8 ok --ca-file ca.pem
says 'certificate'

# ---- checkpoints ----

case_ 'a checkpoint from a hub, by redirects and with digests'
start_python faulty_server --root "$T/root"
F=http://127.0.0.1:$PORT
run 0 "$NEGBANK" pull "${QUICK[@]}" --model "$F/hub/model" -o m1
same w/model/model.safetensors m1/model.safetensors
case_ 'a checkpoint whose digest does not hold'
run 7 "$NEGBANK" pull "${QUICK[@]}" --model "$F/bad-hub/model" -o m2
absent m2
case_ 'a checkpoint over a connection that breaks'
run 0 "$NEGBANK" pull "${QUICK[@]}" --model "$F/half/model" -o m3
diff -r m1 m3 >/dev/null || die 'it is not the same'
case_ 'a CLIPA checkpoint, whose vocabulary is a vocab.txt'
cp -r "$GOLDEN/towers/clipa" root/clipa
cp "$GOLDEN/wordpiece/vocab.txt" root/clipa/
sed -i 's/"context_length"/"tokenizer_kwargs": {"strip_sep_token": true}, &/; s/"context_length"/"hf_tokenizer_name": "bert-base-uncased", &/' \
    root/clipa/open_clip_config.json
run 0 "$NEGBANK" pull "${QUICK[@]}" --model "$F/ok/clipa" -o m4
same root/clipa/vocab.txt m4/vocab.txt
rm root/clipa/vocab.txt
run 8 "$NEGBANK" pull "${QUICK[@]}" --model "$F/ok/clipa" -o m5
says 'tokenizer.json'
absent m5
case_ 'an index of brackets, which would take a hundred times its bytes'
{
    printf '{"format": "negbank index", "version": 1, "banks": ['
    yes '{},' | head -n 2000000
    echo '{}]}'
} >root/brackets.json
run 5 "$NEGBANK" pull "${QUICK[@]}" b --index "$F/ok/brackets.json" -o brackets.nbank
says 'limit json-containers'
absent brackets.nbank

case_ 'larger than --max-size'
cp b.nbank root/large.nbank
truncate -s 2M root/large.nbank
run 5 "$NEGBANK" pull "${QUICK[@]}" --max-size 1 "$F/ok/large.nbank" -o large.nbank
says 'limit max-size'
absent large.nbank large.nbank.partial
cp -r w/model root/large
for file in config.json model.safetensors; do # neither alone is too large
    truncate -s 700K "root/large/$file"
done
run 5 "$NEGBANK" pull "${QUICK[@]}" --max-size 1 --model "$F/ok/large" -o large
says 'limit max-size'
absent large
finish
