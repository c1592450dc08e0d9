# What the tests of publish and pull share, on top of the demo world: servers on free ports of the loopback, ended with
# the test. Source it: it makes the bank b.nbank and gives every command a cache of its own in $T.
. "$TESTS/cli/world.bash" || exit 1
make_stores

export XDG_CACHE_HOME=$T/cache NO_PROXY='*' no_proxy='*'
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
unset NEGBANK_KEY_PASSWORD NEGBANK_HTTP_TOKEN
SERVERS=()
FAST=(--retry-wait 0.01 --retry-longest 2 --connect-timeout 5 --stall-timeout 2)
end_servers() {
    local pid
    for pid in "${SERVERS[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${SERVERS[@]}"; do wait "$pid" 2>/dev/null; done
    SERVERS=()
}
trap 'end_servers; rm -rf "$T"' EXIT

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
    for _ in $(seq 200); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.02
    done
    die "nothing listens on port $1"
}

# start_nginx FOLDER: files under FOLDER by GET, PUT, DELETE, MKCOL, MOVE at http://127.0.0.1:$NGINX_PORT.
start_nginx() {
    free_ports 1
    NGINX_PORT=${PORTS[0]}
    mkdir -p "$1" nginx.d/tmp
    cat >nginx.d/conf <<CONF
daemon off; master_process off; worker_processes 1; pid $T/nginx.d/pid; error_log $T/nginx.d/error;
$( [ "$(id -u)" = 0 ] && echo 'user root;')
events { worker_connections 256; }
http {
    access_log $T/nginx.d/access; client_body_temp_path $T/nginx.d/tmp; proxy_temp_path $T/nginx.d/p;
    fastcgi_temp_path $T/nginx.d/f; uwsgi_temp_path $T/nginx.d/u; scgi_temp_path $T/nginx.d/s;
    client_max_body_size 0;
    server {
        listen 127.0.0.1:$NGINX_PORT; root $T/$1;
        location / { dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; }
    }
}
CONF
    nginx -c "$T/nginx.d/conf" -p "$T/nginx.d" >nginx.d/out 2>&1 &
    SERVERS+=($!)
    wait_for "$NGINX_PORT"
}

# start_python NAME ARGUMENTS...: tests/support/NAME.py on a free port, which is in $PORT then.
start_python() {
    free_ports 1
    PORT=${PORTS[0]}
    python3 "$TESTS/support/$1.py" --port "$PORT" "${@:2}" >"$1.out" 2>"$1.err" &
    SERVERS+=($!)
    wait_for "$PORT"
}

# A key without password: k, k.pub; its public half in $PUBLIC.
make_key() {
    run 0 "$NEGBANK" key new -o "$1" --no-encryption -q
    PUBLIC=$(cat out)
}
