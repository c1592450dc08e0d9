#!/usr/bin/env python3
"""The criterion and the score `debiased` in double precision, written for reading: what the C code is held against.

    reference.py inputs             writes the synthetic inputs, *.npy beside this file
    reference.py expected           reads them and writes expected/NAME/*.npy and expected/NAME/summary.json
    reference.py scores DIR OUT [--no-wild] [--count M]     the same for a folder of one's own

DIR holds rows of embeddings, of any length: labels.npy [C, d], candidates.npy [N, d], id_images.npy [n, d] with their
classes id_classes.npy [n], wild_images.npy [w, d], test_images.npy [t, d]. NAME is one of the CASES. Needs numpy alone.
"""
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
CASES = {"wild": (True, None), "wild-90": (True, 90), "no-wild": (False, None), "no-wild-90": (False, 90)}

TEMPERATURE = 0.01
PRIOR_SCALE = 0.05  # ID activation, as a multiple of 1 / N, that halves the square root of a weight
PRIOR_POWER = 2.0
EVIDENT = 2.0  # standard deviations
GAIN, RIDGE = 2.0, 0.5
SEED = 11  # of the inputs


def unit(rows):
    return rows / np.sqrt((rows * rows).sum(axis=-1, keepdims=True))


def log_sum_exp(logits):
    top = logits.max(axis=1)
    return top + np.log(np.exp(logits - top[:, None]).sum(axis=1))


# ---- mining ----


def share_out(images, candidates, labels):
    """Every image is shared out among all candidates and labels by softmax: the candidates' shares [images, N], and the
    labels' part of each image [images]."""
    logits = images @ np.concatenate([candidates, labels]).T / TEMPERATURE
    shares = np.exp(logits - log_sum_exp(logits)[:, None])
    return shares[:, : len(candidates)], shares[:, len(candidates) :].sum(axis=1)


def class_means(images, classes, count):
    return unit(np.stack([images[classes == c].mean(axis=0) for c in range(count)]))


def learn_map(labels, prototypes):
    """G, by ridge regression of how the classes' images depart from their texts, on top of GAIN times the text."""
    x = labels - labels.mean(axis=0)
    y = prototypes - prototypes.mean(axis=0)
    eye = np.eye(x.shape[1])
    return GAIN * eye + np.linalg.solve(x.T @ x + RIDGE * eye, x.T @ (y - x))


def mine(labels, candidates, id_images, id_classes, wild_images):
    count, classes = len(candidates), len(labels)
    weight = 1 / (classes * np.bincount(id_classes, minlength=classes)[id_classes])  # every class counts alike
    id_shares, id_labels = share_out(id_images, candidates, labels)
    activation = weight @ id_shares
    mined = {
        "id_activation": activation,
        "log_prior": -PRIOR_POWER * np.log1p(count * activation / PRIOR_SCALE),
        "central": candidates @ candidates.mean(axis=0),
        "evidence": np.zeros(count),
        "sigma": np.zeros(count),
        "moment": np.zeros_like(candidates),
        "kappa": 0.0,
        "prototypes": class_means(id_images, id_classes, classes),
    }
    if wild_images is not None:
        wild_shares, wild_labels = share_out(wild_images, candidates, labels)
        mined["kappa"] = min(1.0, wild_labels.mean() / (weight @ id_labels))
        hidden = mined["kappa"] * len(wild_images)  # ID images among the wild ones, by their number
        weighted = id_shares * weight[:, None]
        mined["evidence"] = wild_shares.sum(axis=0) - hidden * activation
        mined["sigma"] = np.sqrt((wild_shares**2).sum(axis=0) + hidden**2 * (weighted**2).sum(axis=0))
        mined["moment"] = wild_shares.T @ wild_images - hidden * weighted.T @ id_images
    mined["evident"] = mined["evidence"] > EVIDENT * mined["sigma"]
    mined["order"] = rank(mined["evidence"], mined["evident"], mined["central"])
    mined["map"] = learn_map(labels, mined["prototypes"])
    mined["text_mean"] = labels.mean(axis=0)
    mined["image_mean"] = mined["prototypes"].mean(axis=0)
    return mined


def rank(evidence, evident, central):
    """One by evidence, two by their texts, and so on; who was taken is passed over, and ties go to the lower index."""
    strongest = [i for i in sorted(range(len(evidence)), key=lambda i: (-evidence[i], i)) if evident[i]]
    nearest = sorted(range(len(central)), key=lambda i: (-central[i], i))
    order, taken = [], set()

    def take(queue):
        while queue and queue[0] in taken:
            queue.pop(0)
        if queue:
            taken.add(queue[0])
            order.append(queue.pop(0))

    while len(order) < len(evidence):
        for queue in (strongest, nearest, nearest):
            take(queue)
    return np.array(order)


# ---- scoring ----


def make_bank(candidates, mined, size):
    chosen = mined["order"][:size]
    texts = candidates[chosen]
    evident = mined["evident"][chosen]
    return {
        "chosen": chosen,
        "texts": texts,
        "log_prior": mined["log_prior"][chosen],
        "imputed": unit(mined["image_mean"] + (texts - mined["text_mean"]) @ mined["map"]),
        "measured": np.flatnonzero(evident),
        "measured_rows": unit(mined["moment"][chosen[evident]]) if evident.any() else texts[:0],
    }


def score(images, labels, prototypes, bank):
    def logits(rows):
        return images @ rows.T / TEMPERATURE

    label_texts, label_pairs = log_sum_exp(logits(labels)), log_sum_exp(logits(labels + prototypes))
    by_text = label_texts - log_sum_exp(logits(bank["texts"]) + bank["log_prior"])
    by_imputed = label_pairs - log_sum_exp(logits(bank["texts"] + bank["imputed"]) + bank["log_prior"])
    if not len(bank["measured"]):
        return by_imputed + 4 * by_text
    by_measured = label_pairs - log_sum_exp(logits(bank["texts"][bank["measured"]] + bank["measured_rows"]))
    return by_imputed + 2 * by_text + np.minimum(2 * by_text, by_measured)


# ---- files ----


def read(folder):
    names = ("labels", "candidates", "id_images", "wild_images", "test_images")
    rows = {name: unit(np.load(folder / f"{name}.npy").astype(np.float64)) for name in names}
    return rows | {"id_classes": np.load(folder / "id_classes.npy")}


def write_expected(data, out, wild, size):
    mined = mine(data["labels"], data["candidates"], data["id_images"], data["id_classes"],
                 data["wild_images"] if wild else None)
    bank = make_bank(data["candidates"], mined, size)
    scores = score(data["test_images"], data["labels"], mined["prototypes"], bank)
    test = data["test_images"]
    out.mkdir(parents=True, exist_ok=True)
    for name in ("id_activation", "log_prior", "evidence", "sigma", "central"):
        np.save(out / f"{name}.npy", mined[name])
    np.save(out / "order.npy", mined["order"].astype(np.int32))
    np.save(out / "evident.npy", mined["evident"].astype(np.int32))
    np.save(out / "measured_rows.npy", bank["measured_rows"])
    np.save(out / "map.npy", mined["map"])
    np.save(out / "scores.npy", scores)
    np.save(out / "class_text.npy", (test @ data["labels"].T).argmax(axis=1).astype(np.int32))
    np.save(out / "class_both.npy", (test @ (data["labels"] + mined["prototypes"]).T).argmax(axis=1).astype(np.int32))
    summary = {"kappa": mined["kappa"], "candidates": len(data["candidates"]), "negatives": len(bank["chosen"]),
               "evident": int(mined["evident"].sum()), "measured": len(bank["measured"])}
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    print(out.name, summary)


def draw_inputs(folder, seed=SEED):
    """Nested classes as CLIP sees them: texts share a large common part, images another; a class lies near its family,
    and an image near the place of its class, which is a turn of its text. 12 labels are classes of 4 families;
    candidates are other classes of those and of 8 further families; some classes of candidates have wild images."""
    rng = np.random.default_rng(seed)
    d, families, per_family = 32, 12, 26
    common_text, common_image = 4 * unit(rng.normal(size=d)), 4 * unit(rng.normal(size=d))
    turn = np.eye(d) + 0.06 * rng.normal(size=(d, d))
    family = rng.normal(size=(families, d))
    concept = unit(np.repeat(family, per_family, axis=0) + 1.1 * rng.normal(size=(families * per_family, d)))
    text = unit(common_text + concept + 0.05 * rng.normal(size=concept.shape))

    def draw(classes):
        noise = 0.15 * rng.normal(size=(len(classes), d))
        return unit(common_image + 1.2 * concept[classes] @ turn + noise)

    labels = np.array([f * per_family + i for f in range(4) for i in range(3)])
    rest = rng.permutation(np.setdiff1d(np.arange(len(concept)), labels))[:300]
    seen, unseen = rest[:25], rest[25:50]  # OOD classes of wild and of test images
    id_classes = np.concatenate([np.full(3 + c % 3, c) for c in range(12)])  # 3 to 5 images a class
    wild = np.concatenate([rng.choice(seen, 140), rng.choice(labels, 60)])
    test = np.concatenate([rng.choice(labels, 60), rng.choice(seen, 30), rng.choice(unseen, 30)])
    files = {
        "labels": text[labels],
        "candidates": text[np.sort(rest)],
        "id_images": draw(labels[id_classes]),
        "wild_images": draw(rng.permutation(wild)),
        "test_images": draw(test),
    }
    for name, rows in files.items():
        np.save(folder / f"{name}.npy", rows.astype(np.float32))
    np.save(folder / "id_classes.npy", id_classes.astype(np.int32))


def main(arguments):
    if arguments == ["inputs"]:
        draw_inputs(HERE)
    elif arguments == ["expected"]:
        data = read(HERE)
        for name, (wild, size) in CASES.items():
            write_expected(data, HERE / "expected" / name, wild, size)
    elif len(arguments) >= 3 and arguments[0] == "scores":
        size = int(arguments[arguments.index("--count") + 1]) if "--count" in arguments else None
        write_expected(read(Path(arguments[1])), Path(arguments[2]), "--no-wild" not in arguments, size)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
