"""The stages whose faults are tried: their commands, their outputs, and a small world to run them in."""
import os
import random
import shutil
import subprocess

PROGRAM = os.environ["NEGBANK"]
TRANSFER = "--cache cache --retries 1 --retry-wait 0.01 --connect-timeout 5 --stall-timeout 5"
CRITERIA = ("debiased", "activation-only", "interneg", "neglabel", "dnm", "random")


class Stage:
    """One command; {folder} in its words is the name of the folder it runs in. `resumes`: it is continued with the same
    words; else it is run again, with --force where one of its outputs is there already. `forces`: with --force it
    begins anew over damaged remains; else they are to be removed. `weight`: how often it is drawn."""

    def __init__(self, name, words, outputs, mpi=True, resumes=False, forces=True, weight=2):
        self.name, self.words, self.outputs = name, words, outputs
        self.mpi, self.resumes, self.forces, self.weight = mpi, resumes, forces, weight


def table(server):
    stages = [
        Stage("corpus", "corpus -q --memory 1M --scratch scratch -o words.nbc ref/texts.txt ref/more.csv --column text",
              ["words.nbc"], weight=4),
        Stage("embed text", "embed text -q --model ref/world/model --resume -o text.nbe ref/words.nbc", ["text.nbe"],
              resumes=True, weight=4),
        Stage("embed part", "embed text -q --model ref/world/model --part 1/1 -o text.nbe ref/words.nbc", ["text.nbe"],
              resumes=True, forces=False),
        Stage("embed images", "embed images -q --model ref/world/model --labels-from none --resume -o images.nbe "
              "ref/images.tar ref/world/images/id-test", ["images.nbe"], resumes=True, weight=4),
        Stage("score", "score -q --bank ref/bank.nbank --images ref/id.nbe -o s.tsv", ["s.tsv"]),
        Stage("score images", "score -q --bank ref/bank.nbank --model ref/world/model --score adaneg -o s.tsv "
              "ref/world/images/id-test", ["s.tsv"]),
        Stage("eval", "eval -q --id ref/s.tsv --ood far=ref/far.tsv -o m.json --csv m.csv --markdown m.md --report m.html",
              ["m.json", "m.csv", "m.md", "m.html"], mpi=False),
        Stage("tune", "tune -q --model ref/world/model --images ref/world/id-train.txt --labels ref/world/labels.txt "
              "--batch 12 --micro-batch 5 --warmup 3 --lr 1e-3 --steps 8 --checkpoint-every 2 --resume -o tuned",
              ["tuned"], resumes=True, weight=3),
        Stage("import", "store import -q --embeddings ref/rows.npy --names ref/rows.txt -o i.nbe", ["i.nbe"], mpi=False,
              weight=1),
        Stage("export", "store export -q ref/text.nbe --embeddings e.npy --names e.txt", ["e.npy", "e.txt"], mpi=False,
              weight=1),
        Stage("run", "run demo.yaml -q", ["words.nbc", "words.nbe", "id-train.nbe", "wild.nbe", "id-test.nbe", "near.nbe",
                                          "far.nbe", "demo.nbank", "id.tsv", "near.tsv", "far.tsv", "metrics.json"],
              mpi=False, resumes=True, weight=1),
    ]
    if server:
        stages.append(Stage("publish", f"publish -q ref/bank.nbank {server}/{{folder}}/site/ --lock-stale 1 {TRANSFER}",
                            ["site/bank.nbank", "site/bank.nbank.sha256"], mpi=False, resumes=True))
        stages.append(Stage("pull", f"pull -q {server}/world/bank.nbank -o got.nbank {TRANSFER}", ["got.nbank"], mpi=False))
    for criterion in CRITERIA:
        stages.append(Stage(f"mine {criterion}", "mine -q --texts ref/text.nbe --labels ref/world/labels.txt --model "
                            "ref/world/model --id-images ref/id.nbe --wild-images ref/images.nbe --resume "
                            f"--criterion {criterion} --count 100 --reject none --explain why.tsv -o b.nbank",
                            ["b.nbank", "why.tsv"], resumes=True, weight=1))
    return stages


def must(folder, words):
    done = subprocess.run([PROGRAM, *words.split()], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"negbank {words}: exit code {done.returncode}\n{done.stderr}")


def make_world(folder, configs):
    """What the stages read, in `folder`."""
    os.mkdir(folder)
    must(folder, "demo -q -o world")
    draw = random.Random(5)
    with open(os.path.join(folder, "texts.txt"), "w") as f:
        f.writelines(f"a thing {draw.randrange(10**9)} of {i % 7000}\n" for i in range(40000))
    with open(os.path.join(folder, "more.csv"), "w") as f:
        f.write("id,text\n" + "".join(f'{i},"words {i}, and more"\n' for i in range(2000)))
    with open(os.path.join(folder, "few.txt"), "w") as f:
        f.writelines(f"word {i} of {draw.randrange(10**6)}\n" for i in range(6000))
    must(folder, "corpus -q -o words.nbc few.txt")
    must(folder, "embed text -q --model world/model -o text.nbe words.nbc")
    must(folder, "embed images -q --model world/model --labels-from folder -o id.nbe world/images/id-train")
    subprocess.run(["tar", "cf", "../../images.tar", "--sort=name", "wild", "ood-near"],
                   cwd=os.path.join(folder, "world/images"), check=True)
    must(folder, "embed images -q --model world/model --labels-from none -o images.nbe images.tar")
    must(folder, "mine -q --texts text.nbe --labels world/labels.txt --model world/model --id-images id.nbe "
         "--wild-images images.nbe --reject none --count 100 -o bank.nbank")
    must(folder, "embed images -q --model world/model -o far.nbe world/images/ood-far")
    must(folder, "score -q --bank bank.nbank --images id.nbe -o s.tsv")
    must(folder, "score -q --bank bank.nbank --images far.nbe -o far.tsv")
    must(folder, "store export -q id.nbe --embeddings rows.npy --names rows.txt")
    shutil.copy(os.path.join(configs, "demo.yaml"), folder)


def prepare(folder, world):
    """A fresh folder to run one stage in."""
    os.makedirs(os.path.join(folder, "scratch"))
    os.symlink(world, os.path.join(folder, "ref"))
    os.symlink(os.path.join(world, "world"), os.path.join(folder, "world"))
    shutil.copy(os.path.join(world, "demo.yaml"), folder)


def launch(stage, folder, ranks, force=False, preload=()):
    """The words that run a stage in a folder on so many ranks."""
    words = stage.words.format(folder=os.path.basename(folder)).split()
    if stage.name == "run":
        words += ["--ranks", str(ranks)]
    if force:
        words.append("--force")
    if stage.mpi:
        return ["mpirun", "--bind-to", "none", "-np", str(ranks), "env", *preload, PROGRAM, *words]
    return ["env", *preload, PROGRAM, *words]
