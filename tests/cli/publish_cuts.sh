#!/usr/bin/env bash
# A bank of 50 MB over connections that are cut 20 times in each direction: whole, and no byte twice beyond one block.
. "$TESTS/cli/servers.bash" || exit 1
need nginx python3 curl
case_ 'the bank'
make_big
SIZE=$(bytes_of big.nbank)
[ "$SIZE" -ge 40000000 ] || die "the bank has only $SIZE bytes"
SEED=${SEED:-$RANDOM}
echo "seed $SEED, $SIZE bytes"
LAST=("${FAST[@]}" --retries 30 --retry-longest 0.1)
MIB=1048576

# Until the proxy has counted what it passed on.
settle() {
    local before=-1
    while [ "$before" != "$(counted "$1")" ]; do
        before=$(counted "$1")
        sleep 0.1
    done
}

# Every cut costs at most a block; headers and what goes beside the bank fit in 256 KiB.
at_most() {
    settle "$1"
    [ "$(counted cuts)" = 20 ] || die "only $(counted cuts) of 20 cuts were made (seed $SEED)"
    [ "$(counted "$1")" -le $((SIZE + 20 * $2 + 262144)) ] || die "$(counted "$1") bytes went $1 for $SIZE (seed $SEED)"
    echo "  $1: $(counted "$1") bytes for $SIZE, $(($(counted "$1") - SIZE)) too many with 20 cuts"
}

case_ 'down, nginx'
start_nginx www
mkdir -p www/b
cp big.nbank www/b/
(cd www/b && sha256sum big.nbank >big.nbank.sha256)
proxy down "$NGINX_PORT" 20 "$SIZE" "$SEED"
run 0 "$NEGBANK" pull "${LAST[@]}" "http://127.0.0.1:$PROXY_PORT/b/big.nbank" -o got.nbank
same big.nbank got.nbank
at_most down 131072
stop_last

case_ 'up, nginx, which cannot resume: whole again, and whole in the end'
proxy up "$NGINX_PORT" 20 "$SIZE" "$SEED"
run 0 "$NEGBANK" publish "${LAST[@]}" big.nbank "http://127.0.0.1:$PROXY_PORT/up/" --whole-up-to 1000
same big.nbank www/up/big.nbank
[ "$(counted cuts)" = 20 ] || die "only $(counted cuts) of 20 cuts were made (seed $SEED)"
stop_last

case_ 'up, S3, in parts'
start_s3 --min-part $MIB
(printf 'PUT /banks/big.nbank HTTP/1.1\r\nHost: a\r\n' >"/dev/tcp/127.0.0.1/$S3_PORT") # cut in its headers: no request
proxy up "$S3_PORT" 20 "$SIZE" "$SEED"
AWS_ENDPOINT_URL=http://127.0.0.1:$PROXY_PORT run 0 "$NEGBANK" publish "${LAST[@]}" big.nbank s3://banks/big.nbank --part-size 1 --whole-up-to 1
at_most up $((MIB + 131072))
[ "$(stats unsigned)" = 0 ] || die 'a signature was refused'
stop_last
case_ 'down, S3'
proxy down "$S3_PORT" 20 "$SIZE" "$((SEED + 1))"
AWS_ENDPOINT_URL=http://127.0.0.1:$PROXY_PORT XDG_CACHE_HOME=$T/cache2 run 0 "$NEGBANK" pull "${LAST[@]}" s3://banks/big.nbank -o s3.nbank
same big.nbank s3.nbank
at_most down 131072
stop_last

case_ 'publish, killed and started again, goes on'
run 2 "$NEGBANK" publish big.nbank s3://banks/other.nbank --part-size 0
"$NEGBANK" publish "${FAST[@]}" big.nbank s3://banks/second.nbank --name second --part-size 1 --whole-up-to 1 2>killed.err &
on_its_way() { [ "$(stats part_bytes)" -gt $((SIZE + 10 * MIB)) ]; }
until_ 60 on_its_way
kill -9 $! && wait $! 2>/dev/null
before=$(stats part_bytes)
run 0 "$NEGBANK" publish "${FAST[@]}" big.nbank s3://banks/second.nbank --name second --part-size 1 --whole-up-to 1
says 'there before'
[ $(($(stats part_bytes) - before)) -le $((SIZE - 9 * MIB)) ] || die 'it began anew'
run 0 "$NEGBANK" pull "${FAST[@]}" second --index s3://banks/index.json -o second.nbank
same big.nbank second.nbank

case_ 'pull, killed and started again, goes on'
proxy down "$NGINX_PORT" 0 "$SIZE" 1
XDG_CACHE_HOME=$T/cache3 "$NEGBANK" pull "http://127.0.0.1:$PROXY_PORT/b/big.nbank" -o third.nbank 2>killed.err &
on_its_way() { [ "$(counted down)" -gt $((4 * MIB)) ]; }
until_ 60 on_its_way
kill -9 $! 2>/dev/null && wait $! 2>/dev/null
absent third.nbank
XDG_CACHE_HOME=$T/cache3 run 0 "$NEGBANK" pull "http://127.0.0.1:$PROXY_PORT/b/big.nbank" -o third.nbank
same big.nbank third.nbank
[ "$(counted down)" -le $((SIZE + 4 * MIB)) ] || die "$(counted down) bytes came for $SIZE"

if command -v lighttpd >/dev/null && [ -e /usr/lib/lighttpd/mod_webdav.so ]; then
    case_ 'up, a server with partial PUT'
    free_ports 1
    mkdir -p light.d www2
    cat >light.d/conf <<CONF
server.modules = ("mod_webdav")
server.port = ${PORTS[0]}
server.bind = "127.0.0.1"
server.document-root = "$T/www2"
server.errorlog = "$T/light.d/error"
server.upload-dirs = ("$T/light.d")
webdav.activate = "enable"
webdav.opts = ("deprecated-unsafe-partial-put" => "enable")
CONF
    lighttpd -D -f light.d/conf >light.d/out 2>&1 &
    SERVERS+=($!)
    wait_for "${PORTS[0]}"
    proxy up "${PORTS[0]}" 20 "$SIZE" "$((SEED + 2))"
    run 0 "$NEGBANK" publish "${LAST[@]}" big.nbank "http://127.0.0.1:$PROXY_PORT/big.nbank" --part-size 1 --whole-up-to 1
    same big.nbank www2/big.nbank
    says 'in blocks'
    at_most up $((MIB + 131072))
else
    echo 'no lighttpd: partial PUT is not tried'
fi
finish
