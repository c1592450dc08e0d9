"""package.py EXAMPLES: the Python package beside what the program wrote into this folder (tests/cli/python.sh)."""
import contextlib
import ctypes
import doctest
import importlib
import importlib.util
import io
import json
import os
import pickle
import sys
import threading
import types

import numpy as np

import negbank

EXAMPLES = sys.argv[1]
passed = 0


def check(holds, what):
    global passed
    if not holds:
        sys.exit(f"FAILED: {what}")
    passed += 1


def refused(kind, code, words, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind as error:
        check(isinstance(error, negbank.NegbankError) and error.code == code and words in str(error), repr(error))
        check(str(error).endswith(f"({error.hint})") == bool(error.hint), repr(error))
        check(str(pickle.loads(pickle.dumps(error))) == str(error), repr(error))
        return error
    sys.exit(f"FAILED: {words}: not refused")


def program(name):
    """The program's scores: classes, scores and ood_scores, all their digits."""
    rows = [json.loads(line) for line in open(f"{name}.jsonl") if not line.startswith("#")]
    rows = [row for row in rows if "image" in row]
    return tuple(np.array([np.nan if row[key] is None else row[key] for row in rows]) for key in ("class", "score", "ood_score"))


def equal(scores, wanted, what):
    label, score, ood = wanted
    check(len(scores) == len(score) > 1, f"{what}: images")
    check((scores.label == label).all() and (scores.score == score).all(), f"{what}: scores")
    check(np.array_equal(scores.ood_score, ood, equal_nan=True), f"{what}: ood_score")


def rounded(value):
    """inspect prints 15 digits."""
    return json.dumps(json.loads(json.dumps(value), parse_float=lambda digits: f"{float(digits):.12g}"), sort_keys=True)


bank = negbank.open("demo.nbank")
store = negbank.read_store("images.nbe")
x = np.array(store.embeddings, dtype=np.float32)

# ---- what a bank says of itself ----
info = json.load(open("info.json"))
info.pop("file"), info.pop("run", None)
check(rounded(bank.info) == rounded(info), "info is that of inspect")
check(list(bank.labels) == [line.rstrip("\n") for line in open("w/labels.txt")], "labels")
check(len(bank.negatives) == len(bank.negative_values) == 50, "negatives")
check(bank.threshold == bank.info["calibration"]["threshold"], "threshold")
check(bank.checkpoint == info["source"]["checkpoint"] and bank.digest == info["sha256"], "digests")

# ---- scores are the program's, to the last bit ----
for name in ("neglabel", "mcm", "max-logit", "energy"):
    equal(bank.scorer(name).score(store.embeddings), program(name), name)
equal(bank.score(x), program(bank.suggested_score), "as suggested")
stream = bank.scorer("adaneg").stream()
pushed = [stream.push(x[at : at + 32]).array for at in range(0, len(x), 32)]
label, score, _ = program("adaneg")  # which multiplies several batches at once: other roundings in a short last one
pushed = np.concatenate(pushed)
check((pushed["label"] == label).all(), "adaneg: classes")
check([f"{s:.9g}" for s in pushed["score"][:96]] == [f"{s:.9g}" for s in score[:96]], "adaneg: whole batches, nine digits")
check(np.allclose(pushed["score"], score, rtol=1e-4, atol=1e-6), "adaneg: the last batch")

# ---- arrays of every kind ----
whole = bank.score(x).array


class ByDlpack:
    """An array that shows nothing but DLPack, as other libraries' do; it counts how often it was asked."""

    asked = 0

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **named):
        ByDlpack.asked += 1
        return self.array.__dlpack__(**named)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnDevice(ByDlpack):
    """One that cannot be shared, but becomes an array."""

    def __dlpack__(self, **named):
        raise BufferError("it lies on a device")

    def __array__(self, dtype=None, copy=None):
        return self.array


for kind in (ByDlpack(x), OnDevice(x), x.tolist(), np.asfortranarray(x), x.astype(np.float64), np.repeat(x, 2, 0)[::2]):
    check((bank.score(kind).array == whole).all(), f"scores of {type(kind)}")
check(ByDlpack.asked == 1, "DLPack is used")
rows = importlib.import_module("negbank._arrays").as_rows
check(rows(x, 32).ctypes.data == rows(ByDlpack(x), 32).ctypes.data == x.ctypes.data, "floats are not copied")
check(rows(store.embeddings, 32).ctypes.data == store.embeddings.ctypes.data, "a store's rows are not copied")
odd = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
check(not odd.flags.aligned and (bank.score(odd).array == whole).all(), "rows that are not aligned")
check(len(bank.score(x[3])) == 1 and len(bank.score(x[:0])) == 0, "one image, and none")
half = x.astype(np.float16)
check((bank.score(half).array == bank.score(half.astype(np.float32)).array).all(), "half precision")
try:
    import torch
except ImportError:
    torch = None
if torch:
    tensor = torch.from_numpy(x).requires_grad_(True)
    check(rows(tensor, 32).ctypes.data == x.ctypes.data, "a tensor is not copied")
    check((bank.score(tensor).array == whole).all(), "a tensor's scores")
    check(len(bank.score(tensor.bfloat16())) == len(x), "bfloat16")

# ---- columns, and scikit-learn's signs ----
scores = bank.score(x)
check(set(dict(scores)) == {"score", "ood_score", "label", "accepted"}, "columns")
check(scores.label_names == [bank.labels[i] for i in scores.label], "names of labels")
inside = scores.accepted == 1
check(0 < inside.sum() < len(x), "the threshold lets some pass")
check((inside == (scores.score >= bank.threshold)).all(), "accepted is by the threshold")
check((bank.predict(x) == np.where(inside, 1, -1)).all(), "predict")
check(((bank.decision_function(x) >= 0) == inside).all(), "decision_function")
check((np.argsort(bank.decision_function(x), kind="stable") == np.argsort(scores.log_odds, kind="stable")).all(), "order")
strict = bank.scorer("mcm", threshold=0.5)
check((strict.predict(x) == np.where(strict.score_samples(x) >= 0.5, 1, -1)).all(), "a threshold of one's own")
refused(ValueError, 2, "no threshold", bank.scorer("mcm").predict, x)

# ---- parameters ----
check("lambda=0.2" in bank.scorer("adaneg", lambda_=0.2).description, "a word of Python")
check("adaptive-gap=on" in bank.scorer("adaneg", adaptive_gap=True).description, "a name with a hyphen")
check("seed=none" in bank.scorer("neglabel", seed=None).description, "none")
again = pickle.loads(pickle.dumps(bank.scorer("neglabel", groups=2)))
check("groups=2" in again.description and (again.score(x).array == bank.scorer("neglabel", groups=2).score(x).array).all(), "pickle")

# ---- what is refused ----
refused(ValueError, 3, "nowhere.nbank", negbank.open, "nowhere.nbank")
refused(ValueError, 3, "", negbank.open, "images.nbe")
damaged = bytearray(open("demo.nbank", "rb").read())
damaged[5000] ^= 1
open("damaged.nbank", "wb").write(damaged)
refused(negbank.VerifyError, 7, "damaged.nbank", negbank.open, "damaged.nbank")
refused(ValueError, 2, "'best' is none of the scores", bank.scorer, "best")
refused(ValueError, 2, "groups", bank.scorer, "neglabel", groups=0)
refused(ValueError, 2, "[images, 32]", bank.score, x[:, :16])
refused(ValueError, 2, "numbers", bank.score, np.array([["a"] * 32]))
refused(ArithmeticError, 6, "", bank.score, np.zeros((2, 32), np.float32))
refused(ValueError, 2, "", bank.scorer("adaneg").score, x)
stream.save("stream.state")
later = bank.scorer("adaneg").stream()
later.restore("stream.state")
check(later.push(x[:8]).array.tobytes() == stream.push(x[:8]).array.tobytes(), "a stream goes on from its state")
refused(ValueError, 3, "", bank.scorer("adaneg", beta=7).stream().restore, "stream.state")
before = stream.push(x[:8]).array
refused(ArithmeticError, 6, "", bank.scorer("adaneg").stream().push, np.full((1, 32), np.nan))
error = refused(ValueError, 2, "'pets' is no address", negbank.pull, "pets")
check(error.hint.startswith("pull URL"), "the program's hint")
refused(negbank.NetworkError, 8, "", negbank.pull, "http://127.0.0.1:9/x.nbank", offline=True, cache="cache")
check(negbank.pull.__module__ == "negbank._pull", "pull")

# ---- threads: one scorer, without the interpreter's lock ----
check(not isinstance(importlib.import_module("negbank._library").lib._cdll, ctypes.PyDLL), "calls release the lock")
found = [None] * 4


def work(i):
    for _ in range(20):
        found[i] = bank.score(x).array
        negbank.open("demo.nbank")


threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
check(all((f == whole).all() for f in found), "threads agree")

# ---- lives as long as it is used ----
kept = negbank.open("demo.nbank").scorer("mcm")
rest = negbank.read_store("images.nbe").embeddings
check((kept.score(rest).array == bank.scorer("mcm").score(x).array).all(), "a scorer keeps its bank, rows their file")

# ---- stores ----
negbank.write_store("w32.nbe", x * 3, names=store.names, labels=store.labels, classes=bank.labels, checkpoint=bank.checkpoint)
read = negbank.read_store("w32.nbe")
check((read.names, read.classes, read.checkpoint) == (store.names, bank.labels, bank.checkpoint), "what was written")
check((read.labels == store.labels).all() and np.allclose(read.embeddings, x, rtol=0, atol=1e-6), "rows and labels")
check(not read.embeddings.flags.writeable and read.embeddings.dtype == np.float32, "rows are the file's")
negbank.write_store("w16.nbe", half)
read = negbank.read_store("w16.nbe")
check(read.embeddings.dtype == np.float16 and (read.embeddings == half).all(), "bits of half precision stay")
check(read.names[:2] == ("0", "1") and read.labels is None and read.checkpoint is None and read.tags is None, "no names")
words = negbank.read_store("t.nbe")
check(words.labels is None and set(words.tags) == {"none"} and "umbrella" in "".join(words.names), "texts")
refused(ValueError, 2, "exists", negbank.write_store, "w16.nbe", half)
refused(ValueError, 2, "labels", negbank.write_store, "new.nbe", x, labels=[0])
refused(ValueError, 2, "whole", negbank.write_store, "new.nbe", x[:2], labels=[0.5, 1])
refused(ValueError, 2, "label 0 is -2", negbank.write_store, "new.nbe", x[:1], labels=[-2])
refused(ValueError, 2, "names", negbank.write_store, "new.nbe", x, names=["a"])
refused(ValueError, 2, "no rows", negbank.write_store, "new.nbe", x[:0])
refused(ValueError, 2, "checkpoint", negbank.write_store, "new.nbe", x, checkpoint="abc")
refused(ArithmeticError, 6, "row 1", negbank.write_store, "new.nbe", x[:2] * [[1], [0]])
refused(negbank.NegbankError, 4, "", negbank.write_store, "no/new.nbe", x)
check(not os.path.exists("new.nbe") and not os.path.exists("new.nbe.partial"), "nothing is left behind")

# ---- examples ----
for module in ("negbank", *(f"negbank._{part}" for part in ("bank", "store", "errors", "library", "pull"))):
    result = doctest.testmod(importlib.import_module(module))
    check(result.attempted > 0 and result.failed == 0, f"doctest of {module}")


def example(name):
    spec = importlib.util.spec_from_file_location(name, f"{EXAMPLES}/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


clip = example("open_clip_scores")
clip.embed = lambda paths: np.stack([x[store.names.index(path)] for path in paths])
printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    clip.main("demo.nbank", *store.names)
tsv = [line.rstrip("\n").split("\t") for line in open("suggested.tsv") if not line.startswith("#")]
at = {name: i for i, name in enumerate(tsv[0])}
wanted = [f"{r[at['image']]}\t{r[at['score']]}\t{bank.labels[int(r[at['class']])]}\t{r[at['decision']]}" for r in tsv[1:]]
check(printed.getvalue().splitlines() == wanted, "open_clip_scores prints the score file")


class BasePostprocessor:
    """OpenOOD's, but its loops."""

    def __init__(self, config):
        self.config = config


openood = types.ModuleType("openood.postprocessors")
openood.BasePostprocessor = BasePostprocessor
sys.modules["openood"], sys.modules["openood.postprocessors"] = types.ModuleType("openood"), openood
postprocessor = example("openood_postprocessor").NegbankPostprocessor
loader = [{"data": np.arange(at, min(at + 30, len(x))), "label": store.labels[at : at + 30]} for at in range(0, len(x), 30)]


def tower(images):
    return x[images]


for made in (
    postprocessor(bank="demo.nbank", score="adaneg", beta=5),
    postprocessor(
        types.SimpleNamespace(
            postprocessor=types.SimpleNamespace(
                postprocessor_args=types.SimpleNamespace(bank="demo.nbank", score="adaneg", parameters={"beta": 5})
            )
        )
    ),
):
    check(isinstance(made, BasePostprocessor) and not made.APS_mode, "an OpenOOD postprocessor")
    made.setup(tower, {}, {})
    again = bank.scorer("adaneg", beta=5).stream()
    pushed = [again.push(x[batch["data"]]) for batch in loader]
    for _ in range(2):  # every set is a stream of its own
        classes, confidences, labels = made.inference(tower, loader, progress=False)
        check((classes == np.concatenate([p.label for p in pushed])).all(), "OpenOOD: classes")
        check((confidences == np.concatenate([p.log_odds for p in pushed])).all(), "OpenOOD: confidences")
        check((labels == store.labels).all() and classes.dtype == labels.dtype == int, "OpenOOD: labels")
plain = postprocessor(bank="demo.nbank")
classes, confidences = plain.postprocess(tower, np.arange(len(x)))
check((np.asarray(classes) == scores.label).all() and (np.asarray(confidences) == scores.log_odds).all(), "OpenOOD: one batch")
print(f"{passed} checks passed")
