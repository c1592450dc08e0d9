"""Processes that are watched: every one has an end in time, and what it started ends with it."""
import os
import signal
import subprocess
import time

LIMIT = 90  # s; the longest stage takes a tenth of it
ALONE = 20  # s that mpirun may take to end when all its ranks have


def _stat(pid):
    """Name, state, parent and session of a process, None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
            text = f.read()
    except OSError:
        return None
    name = text[text.index("(") + 1 : text.rindex(")")]
    state, parent, _, session = text[text.rindex(")") + 2 :].split()[:4]
    return name, state, int(parent), int(session)


def _catches(pid, number):
    """Whether a process has a handler for the signal."""
    try:
        with open(f"/proc/{pid}/status", encoding="latin-1") as f:
            caught = next(int(line.split()[1], 16) for line in f if line.startswith("SigCgt"))
    except (OSError, StopIteration):
        return False
    return bool(caught >> number - 1 & 1)


class Process:
    """A command in a session of its own; its words lie in the files out and err of `folder`."""

    def __init__(self, words, folder, logs, environment):
        self.out, self.err = os.path.join(logs, "out"), os.path.join(logs, "err")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.child = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                          env=environment, start_new_session=True)
        self.start = time.monotonic()

    def members(self):
        """All of the session that live."""
        found = []
        for entry in os.listdir("/proc"):
            stat = _stat(entry) if entry.isdigit() else None
            if stat and stat[3] == self.child.pid and stat[1] not in "ZX":
                found.append((int(entry), stat[0]))
        return sorted(found)

    def ranks(self, program):
        """The processes of this name; the launched ones rather than the one that launches them."""
        found = [pid for pid, name in self.members() if name == program[:15]]
        return [pid for pid in found if pid != self.child.pid] or found

    def await_handlers(self, program, count, number, seconds):
        """Until `count` ranks have a handler for the signal: before, it kills them, and mpirun with them in a state from
        which it does not always end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.sleep(0.01):
            ranks = self.ranks(program)
            if len(ranks) >= count and all(_catches(pid, number) for pid in ranks):
                return

    def send(self, pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def sleep(self, seconds):
        """Until then, or until the process has ended; True when it lives."""
        try:
            self.child.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            return True

    def end(self):
        """Waits for all of it; (exit code as a shell has it, None when time ran out, seconds)."""
        deadline, code, alone = self.start + LIMIT, None, None
        while code is None and time.monotonic() < deadline:
            try:
                code = self.child.wait(0.2)
            except subprocess.TimeoutExpired:
                # PMIx 4.2.2: a rank killed while it connects can leave mpirun waiting for a lock of its own
                if {name for _, name in self.members()} not in ({"mpirun"}, {"prterun"}):
                    alone = None
                elif alone is None:
                    alone = time.monotonic()
                elif time.monotonic() - alone > ALONE:
                    print("mpirun hung at its own end, all its ranks gone", flush=True)
                    self.send([self.child.pid], signal.SIGKILL)
        while code is not None and self.members():
            if time.monotonic() > deadline:
                code = None
            time.sleep(0.02)
        self.send([pid for pid, _ in self.members()], signal.SIGKILL)
        self.child.wait()
        return (code if code is None or code >= 0 else 128 - code), time.monotonic() - self.start

    def words(self):
        with open(self.err, encoding="utf-8", errors="replace") as f:
            return f.read()
