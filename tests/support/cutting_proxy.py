"""A TCP proxy that cuts connections and counts bytes.

  cutting_proxy.py --port N --to M --direction up|down --cuts C --bytes TOTAL --seed S --log FILE

The cuts fall at random places of the first TOTAL bytes that flow in that direction, over all connections; every second
one is a reset, the others are closed in order. FILE always holds the counts so far: {"up", "down", "cuts"}.
"""
import argparse
import json
import os
import random
import socket
import struct
import threading
import time


class Counter:
    def __init__(self, args):
        self.lock, self.args = threading.Lock(), args
        self.count = {"up": 0, "down": 0, "cuts": 0}
        self.places = sorted(random.Random(args.seed).sample(range(1, args.bytes), args.cuts))
        self.write()

    def write(self):
        self.written = time.monotonic()
        with open(self.args.log + ".new", "w") as f:
            json.dump(self.count, f)
        os.replace(self.args.log + ".new", self.args.log)

    def pass_on(self, direction, size):
        """How many of `size` bytes may go, and whether the cut comes behind them."""
        with self.lock:
            cut = False
            if direction == self.args.direction and self.places:
                left = self.places[0] - self.count[direction]
                if size >= left:
                    size, cut = max(left, 0), True
                    self.places.pop(0)
                    self.count["cuts"] += 1
            self.count[direction] += size
            if cut or time.monotonic() - self.written > 0.05:
                self.write()
            return size, cut


def close(sock, reset):
    try:
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.shutdown(socket.SHUT_RD)  # wakes the other thread, whose hold on the socket would delay the reset
        else:
            sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


def pump(source, sink, direction, counter):
    reset = False
    try:
        while data := source.recv(65536):
            size, cut = counter.pass_on(direction, len(data))
            sink.sendall(data[:size])
            if cut:
                reset = counter.count["cuts"] % 2 == 0
                break
        else:
            sink.shutdown(socket.SHUT_WR)
            with counter.lock:
                counter.write()
            return
    except OSError:
        pass
    with counter.lock:
        counter.write()
    close(source, reset)
    close(sink, reset)


def main():
    parser = argparse.ArgumentParser()
    for name in ("port", "to", "cuts", "bytes", "seed"):
        parser.add_argument("--" + name, type=int, required=True)
    parser.add_argument("--direction", choices=("up", "down"), required=True)
    parser.add_argument("--log", required=True)
    args = parser.parse_args()
    counter = Counter(args)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", args.port))
    listener.listen(64)
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        server = socket.socket()
        for sock in (client, server):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        try:
            server.connect(("127.0.0.1", args.to))
        except OSError:
            client.close()
            continue
        threading.Thread(target=pump, args=(client, server, "up", counter), daemon=True).start()
        threading.Thread(target=pump, args=(server, client, "down", counter), daemon=True).start()


if __name__ == "__main__":
    main()
