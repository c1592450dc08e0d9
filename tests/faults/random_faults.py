"""Random faults over all stages: calls that fail, ranks that are killed, stopped or asked to stop, remains that are cut
short or altered. Whatever happens, a run ends in time, with a documented exit code and an error where it was no kill; no
file under its final name is other than it should be; and the same command again gets the bytes of an undisturbed run.

  NEGBANK_FAULTS       how many are tried (20)
  NEGBANK_FAULT_SEED   which ones (1)
  NEGBANK_FAULT_ONLY   one of them alone, by its number: to see it again
  NEGBANK_FAULT_STAGE  of one stage alone
"""
import collections
import filecmp
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

from process import Process
from server import Server
import stages as st

PRELOAD = ["LD_PRELOAD=fault_io.so", f"LD_LIBRARY_PATH={os.environ['TOOLS']}"]  # the first alone may hold no blank
CALLS = ("write", "read", "sync", "rename", "open", "make", "space", "map", "unlink")
ERRORS = {"write": ("ENOSPC", "EIO", "EFBIG", "EDQUOT", "SHORT"), "read": ("EIO", "SHORT"), "sync": ("EIO", "ENOSPC"),
          "rename": ("EIO", "ENOSPC"), "open": ("EIO",), "make": ("ENOSPC", "EIO"), "space": ("ENOSPC", "EFBIG"),
          "map": ("EIO", "ENOMEM"), "unlink": ("EIO",)}
MEANING = {"ENOSPC": "No space left on device", "EIO": "Input/output error", "EFBIG": "File too large",
           "EDQUOT": "Disk quota exceeded", "ENOMEM": "memory"}
KINDS = ("call fails", "call fails", "call fails", "disk full", "no memory", "kill at a call", "kill at a call", "kill",
         "kill all", "stop and continue", "clock jumps", "asked to stop")
STRAY = ("state.safetensors",)  # tune removes it from its finished folder, or the next run does
CLEAN = {2, 3, 4, 5, 6, 7, 8}
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_", "NEGBANK_FAULT", "OPENBLAS_"))}
ENVIRONMENT |= {"SOURCE_DATE_EPOCH": "1700000000", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_mpi_yield_when_idle": "1",
                "OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
                "OMPI_MCA_btl_vader_single_copy_mechanism": "none", "PMIX_MCA_gds": "hash"}


class Wrong(Exception):
    """What must not be."""


# ---- files ----

def same(a, b, stray=()):
    """Equal files, or folders of equal files; files of the names `stray` may be in the second folder besides."""
    if not os.path.isdir(a):
        return os.path.isfile(b) and filecmp.cmp(a, b, shallow=False)
    names = os.listdir(a)
    return os.path.isdir(b) and sorted(names) == sorted(n for n in os.listdir(b) if n in names or n not in stray) and \
        all(same(os.path.join(a, n), os.path.join(b, n)) for n in names)


def remains(folder):
    """Every file of a run that is no input and in no folder that is kept, relative to its folder."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f not in ("ref", "world", "cache", "site")]
        found += [os.path.relpath(os.path.join(where, n), folder) for n in names]
    return sorted(set(found) - {"demo.yaml"})


def record(name):
    """A record of a run or of a stage: it differs from run to run."""
    return name.endswith(".run.json") or "/stages/" in name


def damage(draw, path):
    """Alters a file as a crash of its machine might; says how."""
    size = os.path.getsize(path)
    how = draw.choice(("cut", "flipped", "zeroed", "longer", "empty"))
    at = draw.randrange(size) if size else 0
    with open(path, "r+b") as f:
        f.seek(at)
        if how == "cut":
            f.truncate(at)
        elif how == "empty":
            f.truncate(0)
        elif how == "flipped":
            byte = f.read(1) or b"\0"
            f.seek(at)
            f.write(bytes([byte[0] ^ 1 << draw.randrange(8)]))
        elif how == "zeroed":
            f.write(bytes(min(4096, size - at)))
        else:
            f.seek(size)
            f.write(draw.randbytes(100))
    return f"{how} at {at} of {size}"


# ---- one fault ----

class Reference:
    """Undisturbed runs of a stage: its outputs, how long it takes, and how many calls it makes."""

    def __init__(self, stage, base, world):
        self.folder = os.path.join(base, "whole-" + stage.name.replace(" ", "-"))
        st.prepare(self.folder, world)
        log = os.path.join(base, "counts")
        preload = [*PRELOAD, "NEGBANK_FAULT=any:COUNT:1", f"NEGBANK_FAULT_BELOW={self.folder}",
                   f"NEGBANK_FAULT_LOG={log}"]
        run = Process(st.launch(stage, self.folder, 1, preload=preload), self.folder, base, ENVIRONMENT)
        code, self.seconds = run.end()
        if code != 0:
            raise SystemExit(f"{stage.name}: exit code {code} without a fault\n{run.words()}")
        self.calls = collections.Counter()
        with open(log) as f:
            for line in f:
                name, number = line.split()
                self.calls[name] = max(self.calls[name], int(number))
        os.remove(log)


class Trial:
    def __init__(self, number, seed, all_stages, references, base, world):
        self.draw = random.Random(f"{seed} {number}")
        self.number, self.base = number, base
        self.stage = self.draw.choices(all_stages, [s.weight for s in all_stages])[0]
        self.reference = references(self.stage)
        self.ranks = self.draw.randint(1, 3)
        self.kind = self.draw.choice(KINDS)
        self.folder = os.path.join(base, "trial")
        self.log = os.path.join(base, "fault")
        self.what = self.kind
        st.prepare(self.folder, world)

    def preload(self):
        """What makes a call fail: words for env."""
        calls = self.reference.calls
        if self.kind == "kill at a call":
            spec = f"any:KILL:{self.draw.randint(1, sum(calls[c] for c in CALLS))}"
        elif self.kind == "clock jumps":
            spec = "clock:JUMP:1+"
        elif self.kind == "no memory":
            spec = f"memory:ENOMEM:{self.draw.randint(1, calls['memory'])}{self.draw.choice(('', '+'))}"
        elif self.kind == "disk full":
            spec = f"write,space,make:ENOSPC:{self.draw.randint(1, sum(calls[c] for c in ('write', 'space', 'make')))}+"
        else:
            call = self.draw.choice([c for c in CALLS if calls[c]])
            spec = f"{call}:{self.draw.choice(ERRORS[call])}:{self.draw.randint(1, calls[call])}"
        rank = self.draw.choice((0, 0, self.draw.randrange(self.ranks)))
        self.what = f"{spec} on rank {rank}"
        return [*PRELOAD, f"NEGBANK_FAULT={spec}", f"NEGBANK_FAULT_BELOW={self.folder}",
                f"NEGBANK_FAULT_RANK={rank}", f"NEGBANK_FAULT_LOG={self.log}"]

    def disturb(self, run):
        """Faults that come from outside, at a random moment. True when one came in time."""
        moment = self.draw.uniform(0, self.reference.seconds + 0.1)
        pause = self.draw.uniform(0.1, 1)
        pick = self.draw.random()
        number = self.draw.choice((signal.SIGTERM, signal.SIGUSR1))
        self.what = f"{self.kind} after {moment:.3f} s"
        if not run.sleep(moment):
            return False
        if self.kind == "asked to stop":
            run.await_handlers(os.path.basename(st.PROGRAM), self.ranks, number, 2)
        ranks = run.ranks(os.path.basename(st.PROGRAM))
        if not ranks:
            return False
        victim = ranks[int(pick * len(ranks))]
        if self.kind == "kill":
            run.send([victim], signal.SIGKILL)
        elif self.kind == "kill all":
            run.send([pid for pid, _ in run.members()], signal.SIGKILL)
        elif self.kind == "stop and continue":
            run.send([victim], signal.SIGSTOP)
            run.sleep(pause)
            run.send([victim], signal.SIGCONT)
        else:
            self.what += f" by {number.name}"
            run.send([run.child.pid], number)
        return True

    def check_outputs(self, all_of_them):
        stray = () if all_of_them else STRAY
        for name in self.stage.outputs:
            path = os.path.join(self.folder, name)
            if not os.path.lexists(path):
                if all_of_them:
                    raise Wrong(f"there is no '{name}'")
            elif not same(os.path.join(self.reference.folder, name), path, stray):
                raise Wrong(f"'{name}' is there and is not what it should be")

    def judge(self, code, run, came):
        """What the disturbed run came to."""
        self.check_outputs(code == 0)
        words = run.words()
        if code is None:
            raise Wrong("it hangs")
        if code == 0:
            return "finished"
        by_call = self.kind in ("call fails", "disk full", "no memory")
        if not came:
            raise Wrong(f"exit code {code} although nothing befell it")
        if self.kind in ("stop and continue", "clock jumps"):
            raise Wrong(f"exit code {code}, which it should have got over")
        if by_call and (code not in CLEAN or "error: " not in words):
            raise Wrong(f"exit code {code}, no clean error")
        if by_call:
            for name, meaning in MEANING.items():
                if name in self.what and meaning not in words:
                    raise Wrong(f"the error does not say '{meaning}'")
            if "ENOMEM" in self.what and code != 5:
                raise Wrong(f"exit code {code} when memory was out")
            return "error"
        return "stopped" if code == 85 else "killed"

    def leftovers(self):
        """What is no output and in none."""
        outputs = self.stage.outputs
        return [n for n in remains(self.folder) if n not in outputs and not any(n.startswith(o + "/") for o in outputs)]

    def harm_remains(self):
        """Alters one of the files an interrupted run left, sometimes; its name, or None. Records of runs are for people."""
        left = [n for n in self.leftovers() if ".run.json" not in n and not n.startswith("scratch/")]
        if not left or self.draw.random() < 0.4:
            return None
        name = self.draw.choice(left)
        self.what += f"; '{name}' {damage(self.draw, os.path.join(self.folder, name))}"
        return name

    def again(self, harmed):
        """Runs it again until it is done, as its words say."""
        there = any(os.path.lexists(os.path.join(self.folder, o)) for o in self.stage.outputs)
        ranks = self.draw.randint(1, 3)
        force = there and not self.stage.resumes
        run = Process(st.launch(self.stage, self.folder, ranks, force), self.folder, self.base, ENVIRONMENT)
        code, _ = run.end()
        noticed = False
        if code in (2, 3, 4, 7) and harmed:
            words = run.words()
            if harmed.split("/")[-1] not in words and harmed.split("/")[0] not in words:
                raise Wrong(f"exit code {code}, but the error does not name '{harmed}'")
            noticed = True
            if not self.stage.forces:
                os.unlink(os.path.join(self.folder, harmed))
            run = Process(st.launch(self.stage, self.folder, ranks, self.stage.forces), self.folder, self.base, ENVIRONMENT)
            code, _ = run.end()
        if code != 0:
            raise Wrong(f"run again on {ranks} ranks: exit code {code}" + (" with --force" if force or noticed else ""))
        self.check_outputs(True)
        left = [n for n in self.leftovers() if not record(n)]
        # a scratch file, between its making and its unlinking; a record that was cut off, of an output that is whole
        kept = self.kind.startswith("kill") or "unlink" in self.what
        if left and not (kept and all(n.startswith("scratch/") or n.endswith(".run.json.partial") for n in left)):
            raise Wrong(f"left behind: {' '.join(left)}")
        for name in filter(record, remains(self.folder)):
            with open(os.path.join(self.folder, name)) as f:
                try:
                    json.load(f)
                except ValueError as e:
                    raise Wrong(f"'{name}' is no JSON: {e}") from e
        return noticed

    def run(self):
        inside = self.kind in ("call fails", "disk full", "no memory", "clock jumps", "kill at a call")
        preload = self.preload() if inside else []
        run = Process(st.launch(self.stage, self.folder, self.ranks, preload=preload), self.folder, self.base, ENVIRONMENT)
        came = inside or self.disturb(run)
        code, _ = run.end()
        if inside:
            came = os.path.exists(self.log)
        if came and inside:
            with open(self.log) as f:
                self.what += f" ({f.readline().strip().replace(self.folder + '/', '')})"
        outcome = self.judge(code, run, came)
        if not came:
            outcome = "none came"
        harmed = self.harm_remains() if outcome in ("killed", "stopped", "error") else None
        noticed = False
        if outcome in ("killed", "stopped", "error"):
            noticed = self.again(harmed)
        return outcome, harmed is not None, noticed

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        if os.path.exists(self.log):
            os.remove(self.log)


# ---- all of them ----

COLUMNS = ("tried", "none came", "finished", "error", "stopped", "killed", "harmed", "noticed", "same bytes")


def print_table(title, counts):
    width = max(len(title), *(len(k) for k in counts))
    print(f"\n{title:<{width}}  " + "  ".join(COLUMNS))
    for key in sorted(counts):
        print(f"{key:<{width}}  " + "  ".join(f"{counts[key][c]:>{len(c)}}" for c in COLUMNS))


def main():
    seed, faults = int(os.environ.get("NEGBANK_FAULT_SEED", 1)), int(os.environ.get("NEGBANK_FAULTS", 20))
    only, wanted = os.environ.get("NEGBANK_FAULT_ONLY"), os.environ.get("NEGBANK_FAULT_STAGE")
    base = os.path.realpath(tempfile.mkdtemp(prefix="negbank-faults-"))
    # removes it, and kills what runs of this, when this is killed: ctest does so with what runs too long
    subprocess.run(["sh", "-c", 'setsid "$0" "$@" &', os.path.join(os.environ["TESTS"], "support/clear_away"), base,
                    str(os.getpid())], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.environ["NEGBANK_TEST_SCRATCH"] = ENVIRONMENT["NEGBANK_TEST_SCRATCH"] = base
    ENVIRONMENT["OMPI_MCA_orte_tmpdir_base"] = os.path.join(base, "ompi")  # a rank that is killed leaves some of it
    os.mkdir(ENVIRONMENT["OMPI_MCA_orte_tmpdir_base"])
    world = os.path.join(base, "world")
    by_stage, by_kind = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    made, wrong = {}, 0
    server = Server(base, os.path.join(base, "nginx"))

    def references(stage):
        if stage.name not in made:
            made[stage.name] = Reference(stage, base, world)
        return made[stage.name]

    try:
        st.make_world(world, os.path.join(os.environ["TESTS"], "../configs"))
        all_stages = [s for s in st.table(server.address) if not wanted or s.name == wanted]
        for number in [int(only)] if only else range(faults):
            trial = Trial(number, seed, all_stages, references, base, world)
            outcome, harmed, noticed = None, False, False
            try:
                outcome, harmed, noticed = trial.run()
            except Wrong as e:
                wrong += 1
                with open(os.path.join(base, "err"), errors="replace") as f:
                    words = f.read()[-3000:]
                print(f"FAILED: {trial.stage.name} on {trial.ranks} ranks: {trial.what}: {e}\n"
                      f"  again: NEGBANK_FAULT_SEED={seed} NEGBANK_FAULT_ONLY={number}\n"
                      f"  there: {' '.join(remains(trial.folder))}\n" + "".join(f"  | {w}\n" for w in words.splitlines()))
            if only:
                print(f"{trial.stage.name} on {trial.ranks} ranks: {trial.what}: {outcome}")
            for counts in (by_stage[trial.stage.name], by_kind[trial.kind]):
                counts["tried"] += 1
                counts[outcome] += 1
                counts["harmed"] += harmed
                counts["noticed"] += noticed
                counts["same bytes"] += outcome is not None
            sys.stdout.flush()
            trial.clear()
        print_table("fault", by_kind)
        print_table("stage", by_stage)
        print(f"\n{sum(c['tried'] for c in by_kind.values())} faults, seed {seed}: {wrong} went wrong")
    finally:
        server.stop()
        shutil.rmtree(base, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
