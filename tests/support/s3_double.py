"""A stand-in for S3, in memory, that checks every signature (version 4) byte for byte.

  s3_double.py --self-test             the verifier against AWS's published test vectors
  s3_double.py --port N [options]      objects at http://127.0.0.1:N/BUCKET/KEY (0: a free port, which is printed)

  --no-conditions     ignores If-Match and If-None-Match, as older servers do
  --forget-after N    forgets every multipart upload once it has N parts, one time
  --fail-complete N   the first N completions answer 200 with an error inside
  --min-part BYTES    smallest part but the last

Keys are those of AWS's examples. GET /-/stats tells what was counted.
"""
import argparse
import datetime
import hashlib
import hmac
import http.server
import json
import re
import sys
import threading
import urllib.parse

ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoEXAMPLEH4aoAH0gNCAPyJxz4BlCFFxWNE1OPTgk5TthT"


def encode(text, keep=""):
    return urllib.parse.quote(text, safe="-._~" + keep)


def canonical_query(query):
    pairs = [p.partition("=") for p in query.split("&") if p]
    unquote = urllib.parse.unquote
    return "&".join(sorted(f"{encode(unquote(k))}={encode(unquote(v))}" for k, _, v in pairs))


def signature(secret, method, path, query, headers, signed, payload, date, scope, double=False):
    """`path` and `query` as they came over the wire, `headers` with lower-case names."""
    uri = encode(urllib.parse.unquote(path), "/")
    if double:
        uri = encode(uri, "/")
    lines = "".join(f"{h}:{' '.join(headers[h].split())}\n" for h in signed)
    request = "\n".join([method, uri, canonical_query(query), lines, ";".join(signed), payload])
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


EMPTY = hashlib.sha256(b"").hexdigest()


def self_test():
    # the signature version 4 test suite
    secret, date, scope = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830T123600Z", "20150830/us-east-1/service/aws4_request"
    base = {"host": "example.amazonaws.com", "x-amz-date": date}
    suite = [
        ("get-vanilla", "GET", "/", "", {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("post-vanilla", "POST", "/", "", {}, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", {},
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        ("get-header-value-trim", "GET", "/", "", {"my-header1": " value1", "my-header2": ' "a   b   c"'},
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    ]
    for name, method, path, query, more, want in suite:
        headers = {**base, **more}
        got = signature(secret, method, path, query, headers, sorted(headers), EMPTY, date, scope)
        assert got == want, (name, got, want)
    # the examples of the S3 documentation
    date, scope = "20130524T000000Z", "20130524/us-east-1/s3/aws4_request"
    host = {"host": "examplebucket.s3.amazonaws.com", "x-amz-date": date}
    body = b"Welcome to Amazon S3."
    put = hashlib.sha256(body).hexdigest()
    examples = [
        ("GET object", "GET", "/test.txt", "", {"range": "bytes=0-9"}, EMPTY,
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("PUT object", "PUT", "/test%24file.text", "",
         {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}, put,
         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        ("GET bucket lifecycle", "GET", "/", "lifecycle", {}, EMPTY,
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("list objects", "GET", "/", "max-keys=2&prefix=J", {}, EMPTY,
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ]
    for name, method, path, query, more, payload, want in examples:
        headers = {**host, "x-amz-content-sha256": payload, **more}
        got = signature(SECRET, method, path, query, headers, sorted(headers), payload, date, scope)
        assert got == want, (name, got, want)
    print(f"{len(suite) + len(examples)} published signatures are reproduced")


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Store:
    def __init__(self, args):
        self.args, self.lock = args, threading.Lock()
        self.objects, self.uploads, self.next = {}, {}, 0
        self.stats = {"requests": 0, "unsigned": 0, "conflicts": 0, "part_bytes": 0, "forgotten": 0}


class Lines:
    """A connection to read from that knows the last line it gave."""

    def __init__(self, file):
        self.file, self.last = file, b""

    def readline(self, *limit):
        self.last = self.file.readline(*limit)
        return self.last

    def __getattr__(self, name):
        return getattr(self.file, name)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = None

    def setup(self):
        super().setup()
        self.rfile = Lines(self.rfile)

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name == "Content-Length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, refusal):
        xml = f"<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>"
        self.answer(refusal.status, xml.encode(), [("Content-Type", "application/xml")])

    def check_signature(self, path, query, body):
        headers = {k.lower(): v for k, v in self.headers.items()}
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
                             headers.get("authorization", ""))
        if not match:
            raise Refusal(403, "AccessDenied", "Access Denied")
        key, scope, names, given = match.groups()
        signed, payload, date = names.split(";"), headers.get("x-amz-content-sha256", ""), headers.get("x-amz-date", "")
        if key != ID:
            raise Refusal(403, "InvalidAccessKeyId", "The key id does not exist")
        if headers.get("x-amz-security-token", TOKEN) != TOKEN:
            raise Refusal(403, "InvalidToken", "The token is malformed")
        must = {"host", "x-amz-date"} | {h for h in headers if h.startswith("x-amz-")}
        if not payload:
            raise Refusal(400, "InvalidRequest", "Missing required header: x-amz-content-sha256")
        if signed != sorted(signed) or not must <= set(signed) or any(h not in headers for h in signed):
            raise Refusal(403, "AccessDenied", "There were headers present in the request which were not signed")
        if scope.split("/") != [date[:8], "eu-test-1", "s3", "aws4_request"]:
            raise Refusal(400, "AuthorizationHeaderMalformed", "The scope is wrong")
        when = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()) > 900:
            raise Refusal(403, "RequestTimeTooSkewed", "The difference between the clocks is too large")
        if payload != hashlib.sha256(body).hexdigest():
            raise Refusal(400, "XAmzContentSHA256Mismatch", "The payload is not what was signed")
        if signature(SECRET, self.command, path, query, headers, signed, payload, date, scope) != given:
            raise Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match")

    def handle_one(self):
        if self.rfile.last not in (b"\r\n", b"\n"):  # the connection broke in the headers, which Python takes for their end
            self.close_connection = True
            return None
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the connection broke
            self.close_connection = True
            return None
        if path == "/-/stats":
            return self.answer(200, json.dumps(self.store.stats).encode())
        with self.store.lock:
            self.store.stats["requests"] += 1
        try:
            try:
                self.check_signature(path, query, body)
            except Refusal:
                with self.store.lock:
                    self.store.stats["unsigned"] += 1
                raise
            given = {k: v[0] for k, v in urllib.parse.parse_qs(query, keep_blank_values=True).items()}
            with self.store.lock:
                reply = self.act(urllib.parse.unquote(path), given, body)
        except Refusal as refusal:
            return self.refuse(refusal)
        return self.answer(*reply)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_one

    def act(self, key, query, body):
        if self.command == "POST":
            return self.create(key) if "uploads" in query else self.complete(key, query, body)
        if self.command == "PUT":
            return self.part(key, query, body) if "partNumber" in query else self.put(key, body)
        if self.command == "DELETE":
            self.store.objects.pop(key, None)
            return 204, b"", ()
        return self.get(key)

    def get(self, key):
        if key not in self.store.objects:
            raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
        data, etag = self.store.objects[key]
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if match and self.headers.get("If-Range", etag) == etag:
            begin, end = int(match[1]), min(int(match[2] or len(data) - 1), len(data) - 1)
            if begin >= len(data):
                raise Refusal(416, "InvalidRange", "The requested range is not satisfiable")
            part = data[begin:end + 1]
            return 206, part, [("ETag", etag), ("Content-Range", f"bytes {begin}-{end}/{len(data)}")]
        length = [("Content-Length", str(len(data)))] if self.command == "HEAD" else []
        return 200, data, [("ETag", etag), *length]

    def put(self, key, body):
        old = self.store.objects.get(key)
        if not self.store.args.no_conditions:
            wanted = self.headers.get("If-Match")
            if wanted and not old:
                raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
            if (wanted and old[1] != wanted) or (self.headers.get("If-None-Match") == "*" and old):
                self.store.stats["conflicts"] += 1
                raise Refusal(412, "PreconditionFailed", "At least one of the pre-conditions did not hold")
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        self.store.objects[key] = (body, etag)
        return 200, b"", [("ETag", etag)]

    def create(self, key):
        self.store.next += 1
        upload = f"id+{self.store.next}/x=="
        self.store.uploads[upload] = (key, {})
        xml = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        return 200, xml.encode(), ()

    def upload_of(self, key, query):
        known = self.store.uploads.get(query.get("uploadId"))
        if not known or known[0] != key:
            raise Refusal(404, "NoSuchUpload", "The specified upload does not exist.")
        return known[1]

    def part(self, key, query, body):
        args, parts = self.store.args, self.upload_of(key, query)
        if len(parts) == args.forget_after and not self.store.stats["forgotten"]:
            self.store.stats["forgotten"] = 1
            del self.store.uploads[query["uploadId"]]
            raise Refusal(404, "NoSuchUpload", "The specified upload does not exist.")
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        parts[int(query["partNumber"])] = (body, etag)
        self.store.stats["part_bytes"] += len(body)
        return 200, b"", [("ETag", etag)]

    def complete(self, key, query, body):
        args, parts = self.store.args, self.upload_of(key, query)
        if args.fail_complete > 0:
            args.fail_complete -= 1
            return 200, b"<Error><Code>InternalError</Code><Message>Please try again.</Message></Error>", ()
        named = re.findall(rb"<Part><PartNumber>(\d+)</PartNumber><ETag>([^<]*)</ETag></Part>", body)
        numbers = [int(n) for n, _ in named]
        if not named or numbers != sorted(set(numbers)) or any(
                n not in parts or parts[n][1] != e.decode() for n, e in zip(numbers, (e for _, e in named))):
            raise Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.")
        if any(len(parts[n][0]) < args.min_part for n in numbers[:-1]):
            raise Refusal(400, "EntityTooSmall", "A part is smaller than the minimum")
        data = b"".join(parts[n][0] for n in numbers)
        etag = f'"{hashlib.md5(data).hexdigest()}-{len(numbers)}"'
        self.store.objects[key] = (data, etag)
        del self.store.uploads[query["uploadId"]]
        return 200, f"<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>".encode(), ()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # connections are cut on purpose


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--port", type=int)
    parser.add_argument("--no-conditions", action="store_true")
    parser.add_argument("--forget-after", type=int, default=-1)
    parser.add_argument("--fail-complete", type=int, default=0)
    parser.add_argument("--min-part", type=int, default=0)
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    Handler.store = Store(args)
    server = Server(("127.0.0.1", args.port), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
