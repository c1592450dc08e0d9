# What the tests with servers share, on top of the demo world: servers on free ports of the loopback, ended with
# the test. Source it: it makes the bank b.nbank (unless NO_BANK is set) and gives every command a cache of its own in $T.
. "$TESTS/cli/world.bash" || exit 1
[ -n "${NO_BANK:-}" ] || make_stores

export XDG_CACHE_HOME=$T/cache NO_PROXY='*' no_proxy='*'
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
unset NEGBANK_KEY_PASSWORD NEGBANK_HTTP_TOKEN NEGBANK_HTTP_TOKEN_HOST
export HOME=$T # no ~/.netrc but the tests' own
SERVERS=()
FAST=(--retry-wait 0.01 --retry-longest 2 --connect-timeout 5 --stall-timeout 2)

need() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || {
            echo "skipped: $tool is absent"
            exit 77
        }
    done
}

# free_ports N: N free ports, in $PORTS.
free_ports() {
    mapfile -t PORTS < <(python3 -c '
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])' "$1")
}

# wait_for PORT: until something listens there.
wait_for() {
    listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
    until_ 60 listens "$1" || die "nothing listens on port $1"
}

# start_nginx FOLDER: files under FOLDER by GET, PUT, DELETE, MKCOL, MOVE at http://127.0.0.1:$NGINX_PORT.
start_nginx() {
    free_ports 1
    NGINX_PORT=${PORTS[0]}
    mkdir -p "$1" nginx.d/tmp
    cat >nginx.d/conf <<CONF
daemon off; master_process off; worker_processes 1; pid "$T/nginx.d/pid"; error_log "$T/nginx.d/error";
$( [ "$(id -u)" = 0 ] && echo 'user root;')
events { worker_connections 256; }
http {
    access_log "$T/nginx.d/access"; client_body_temp_path "$T/nginx.d/tmp"; proxy_temp_path "$T/nginx.d/p";
    fastcgi_temp_path "$T/nginx.d/f"; uwsgi_temp_path "$T/nginx.d/u"; scgi_temp_path "$T/nginx.d/s";
    client_max_body_size 0;
    server {
        listen 127.0.0.1:$NGINX_PORT; root "$T/$1";
        location / { dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; }
    }
}
CONF
    nginx -c "$T/nginx.d/conf" -p "$T/nginx.d" >nginx.d/out 2>&1 &
    SERVERS+=($!)
    wait_for "$NGINX_PORT"
}

# start_python NAME ARGUMENTS...: tests/support/NAME.py on a free port of its own choice, which is in $PORT then.
start_python() {
    rm -f "$1.out"
    python3 "$TESTS/support/$1.py" --port 0 "${@:2}" >"$1.out" 2>"$1.err" &
    SERVERS+=($!)
    until_ 60 [ -s "$1.out" ] || die "$1 does not start: $(cat "$1.err")"
    PORT=$(cat "$1.out")
    wait_for "$PORT"
}

# certificate NAME SUBJECT: NAME.pem and NAME.key, by the authority in ca.pem.
certificate() {
    [ -e ca.pem ] ||
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj '/CN=negbank test CA' >/dev/null 2>&1
    openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" >/dev/null 2>&1
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" \
        -extfile <(echo "subjectAltName=$2") >/dev/null 2>&1 || die 'openssl makes no certificate'
}

# A key without password: k, k.pub; its public half in $PUBLIC.
make_key() {
    run 0 "$NEGBANK" key new -o "$1" --no-encryption -q
    PUBLIC=$(cat out)
}

# stop_last: ends the server that was started last.
stop_last() {
    kill "${SERVERS[-1]}" 2>/dev/null
    wait "${SERVERS[-1]}" 2>/dev/null
    unset 'SERVERS[-1]'
}

# What S3 asks for, with the keys tests/support/s3_double.py knows.
start_s3() {
    start_python s3_double "$@"
    S3_PORT=$PORT
    export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
    export AWS_ENDPOINT_URL=http://127.0.0.1:$PORT AWS_REGION=eu-test-1
}
stats() { curl -s --noproxy '*' "http://127.0.0.1:$S3_PORT/-/stats" | python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

# proxy DIRECTION TO CUTS BYTES SEED: a cutting proxy at $PROXY_PORT, its counts in proxy.json.
proxy() {
    start_python cutting_proxy --to "$2" --direction "$1" --cuts "$3" --bytes "$4" --seed "$5" --log "$T/proxy.json"
    PROXY_PORT=$PORT
}
counted() { python3 -c "import json; print(json.load(open('$T/proxy.json'))['$1'])"; }

# A bank of about 50 MB, big.nbank: noise that does not compress.
make_big() {
    python3 - <<'PY'
import os
rows, width = 30000, 512
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (rows, width)
head += " " * (63 - (10 + len(head)) % 64) + "\n"
with open("big.npy", "wb") as f:
    f.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode())
    for _ in range(rows // 500):
        data = bytearray(os.urandom(500 * width * 4))
        data[3::4] = bytes(0x3f | b & 0x80 for b in data[3::4])  # between 0.5 and 2, either sign
        f.write(data)
with open("big.txt", "w") as f:
    f.writelines(f"word {i}\n" for i in range(rows))
PY
    head -c $((10 * 512 * 4 + 128)) big.npy | LC_ALL=C sed '1s/(30000, 512), /(10, 512),    /' >ten.npy
    head -10 big.txt >ten.txt
    done_ store import -q -o big.nbe --embeddings big.npy --names big.txt
    done_ store import -q -o ten.nbe --embeddings ten.npy --names ten.txt
    done_ mine -q --texts big.nbe --labels ten.txt --label-embeddings ten.nbe --criterion random --count 29900 \
        --bank-precision fp32 -o big.nbank
    rm big.npy big.nbe
}
