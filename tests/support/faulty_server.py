"""A server that misbehaves: http://127.0.0.1:N/FAULT/NAME serves ROOT/NAME with that fault.

Faults are only on names that end with .nbank or .safetensors; the files beside them come as they are. Counts of
requests by path are at /-/counts. With --cert and --key it speaks TLS. /redirect/NAME?to=ADDRESS leads there. With --log
every GET gets a line "PATH<tab>RANGE<tab>AUTHORIZATION" in a file.
"""
import argparse
import collections
import http.server
import json
import os
import re
import ssl
import time
import urllib.parse

COUNTS = collections.Counter()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root = log = None

    def log_message(self, *_):
        pass

    def head(self, status, length, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def plain(self, data, etag=None, keep=None):
        """As it should be, ranges too; `keep` bytes are sent before the connection ends."""
        etag = etag or f'"{len(data)}"'
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match and self.headers.get("If-Range", etag) == etag:
            begin = int(match[1])
            if begin >= len(data):
                return self.head(416, 0, ("Content-Range", f"bytes */{len(data)}"))
            rest = data[begin:]
            self.head(206, len(rest), ("ETag", etag), ("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}"))
        else:
            rest = data
            self.head(200, len(rest), ("ETag", etag))
        if keep is not None and keep < len(rest):
            self.wfile.write(rest[:keep])
            self.close_connection = True
        else:
            self.wfile.write(rest)

    def do_HEAD(self):
        self.head(404, 0)

    def do_GET(self):
        COUNTS[self.path] += 1
        if self.log:
            with open(self.log, "a") as f:
                f.write("\t".join([self.path, *(self.headers.get(n, "-") for n in ("Range", "Authorization"))]) + "\n")
        if self.path == "/-/counts":
            body = json.dumps(COUNTS).encode()
            self.head(200, len(body))
            return self.wfile.write(body)
        _, fault, name = urllib.parse.unquote(self.path.partition("?")[0]).split("/", 2)
        if fault == "redirect":
            to = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["to"][0]
            return self.head(302, 0, ("Location", to))
        file = os.path.join(self.root, os.path.normpath("/" + name)[1:])
        if not os.path.isfile(file):
            return self.head(404, 0)
        with open(file, "rb") as f:
            data = f.read()
        if not name.endswith((".nbank", ".safetensors")):
            fault = "ok"
        return getattr(self, "fault_" + fault.replace("-", "_"))(data, name, COUNTS[self.path])

    def fault_ok(self, data, name, count):
        self.plain(data)

    def fault_errors(self, data, name, count):
        self.plain(data) if count > 3 else self.head(500, 0)

    def fault_always_500(self, data, name, count):
        self.head(500, 0)

    def fault_busy(self, data, name, count):
        self.plain(data) if count > 1 else self.head(429, 0, ("Retry-After", "1"))

    def fault_busy_for_long(self, data, name, count):
        self.head(429, 0, ("Retry-After", "3600"))

    def fault_slow(self, data, name, count):
        self.head(200, len(data))
        for byte in data:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def fault_slow_head(self, data, name, count):
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100000:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def fault_silent(self, data, name, count):
        time.sleep(60)

    def fault_too_long(self, data, name, count):
        """Content-Length promises 1000 bytes more than come."""
        self.head(200, len(data) + 1000)
        self.wfile.write(data)
        self.close_connection = True

    def fault_too_short(self, data, name, count):
        self.head(200, len(data) - 1000)
        self.wfile.write(data)
        self.close_connection = True

    def fault_half(self, data, name, count):
        self.plain(data, keep=len(data) // 2)

    def fault_never_more(self, data, name, count):
        """Half of it, always from the start."""
        self.head(200, len(data))
        self.wfile.write(data[:len(data) // 2])
        self.close_connection = True

    def fault_wrong_range(self, data, name, count):
        if "Range" in self.headers:
            self.head(206, 10, ("Content-Range", f"bytes 5-14/{len(data)}"))
            return self.wfile.write(data[5:15])
        return self.plain(data, keep=len(data) // 2)

    def fault_changed(self, data, name, count):
        """The first half of another version, then this one."""
        if count == 1:
            return self.plain(bytes(len(data)), etag='"old"', keep=len(data) // 2)
        return self.plain(data, etag='"new"')

    def fault_mixed(self, data, name, count):
        """As before, but the server says it is the same version."""
        if count == 1:
            return self.plain(bytes(len(data)), etag='"same"', keep=len(data) // 2)
        return self.plain(data, etag='"same"')

    def fault_tampered(self, data, name, count):
        self.plain(data[:900] + bytes([data[900] ^ 1]) + data[901:])

    def fault_loop(self, data, name, count):
        self.head(302, 0, ("Location", self.path))

    def fault_away(self, data, name, count):
        self.head(302, 0, ("Location", f"/ok/{name}"))

    def fault_hub(self, data, name, count):
        """A hub: a redirect that tells the digest of what it leads to."""
        import hashlib
        self.head(302, 0, ("Location", f"/ok/{name}"), ("X-Linked-ETag", f'"{hashlib.sha256(data).hexdigest()}"'))

    def fault_bad_hub(self, data, name, count):
        self.head(302, 0, ("Location", f"/tampered/{name}"), ("X-Linked-ETag", f'"{__import__("hashlib").sha256(data).hexdigest()}"'))

    def fault_garbage(self, data, name, count):
        self.wfile.write(b"\x00\x01nonsense\r\n\r\n")
        self.close_connection = True

    def fault_to_file(self, data, name, count):
        self.head(302, 0, ("Location", "file:///etc/passwd"))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--log")
    args = parser.parse_args()
    Handler.root, Handler.log = args.root, args.log
    server = Server(("127.0.0.1", args.port), Handler)
    if args.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
