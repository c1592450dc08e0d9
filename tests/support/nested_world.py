#!/usr/bin/env python3
"""A world of thousands of labels in nested classes, as embeddings (.npy), without NumPy:

  nested_world.py FOLDER [--labels N] [--candidates N] [--wild N] [--width D] [--seed S]

Groups hold classes, classes hold images. Of most groups some classes are ID and their siblings are OOD (near); the other
groups are OOD as a whole (far). A text and an image of one class share a direction, each with noise of its own, and
each kind has a large common part of its own: the gap between both. Cosines between texts and images are as far apart,
measured in CLIP's temperature of 0.01, as CLIP's are.

Writes labels.txt and label_text.npy, names.txt and text.npy (candidates: names of OOD classes and of groups, then words
without images), id.npy and id_classes.npy (two images a class), test.npy and test_classes.npy, near.npy, far.npy and
wild.npy (a fifth ID, the rest near and far). Two runs write the same bytes.
"""
import argparse
import math
import os
import random
import struct

SIBLINGS = 15  # ID classes a group, and
NEAR = 7  # its OOD classes
FAR = 12  # OOD classes of a far group
GAP = 0.25  # cosine of the common parts of texts and images
COMMON = 0.62  # of an embedding's square, what all of its kind share
GROUP = 0.55  # of a class's direction, squared, what its group shares
TEXT_NOISE = 0.6  # beside a direction of length 1
IMAGE_NOISE = 0.9
VAGUE = 0.03  # share of labels whose names fit their images badly
VAGUE_NOISE = 2.5


class World:
    """Directions and embeddings of one seed."""

    def __init__(self, width, seed):
        self.width = width
        self.draw = random.Random(seed)
        self.text_part = self.direction()
        other = self.direction()
        self.image_part = unit(mix(self.text_part, GAP, other, math.sqrt(1 - GAP * GAP)))

    def direction(self):
        """Uniform on the sphere."""
        return unit([self.draw.gauss(0, 1) for _ in range(self.width)])

    def child(self, group):
        """A class of a group."""
        return unit(mix(group, math.sqrt(GROUP), self.direction(), math.sqrt(1 - GROUP)))

    def embed(self, meaning, common, noise):
        """What an encoder makes of it."""
        seen = unit(mix(meaning, 1, self.direction(), noise))
        return unit(mix(common, math.sqrt(COMMON), seen, math.sqrt(1 - COMMON)))

    def text(self, meaning):
        """A name's embedding."""
        return self.embed(meaning, self.text_part, TEXT_NOISE)

    def label(self, meaning):
        """A label's, which may be a vague one."""
        vague = self.draw.random() < VAGUE
        return self.embed(meaning, self.text_part, VAGUE_NOISE if vague else TEXT_NOISE)

    def image(self, meaning):
        """An image's embedding."""
        return self.embed(meaning, self.image_part, IMAGE_NOISE)


def mix(a, x, b, y):
    """x a + y b"""
    return [x * p + y * q for p, q in zip(a, b)]


def unit(a):
    """Of length 1."""
    length = math.sqrt(sum(x * x for x in a))
    return [x / length for x in a]


def save(path, rows, kind="f"):
    """A .npy of floats, or of integers (kind i) where rows are numbers."""
    shape = "(%d,)" % len(rows) if kind == "i" else "(%d, %d)" % (len(rows), len(rows[0]))
    header = "{'descr': '<%s4', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    flat = rows if kind == "i" else [x for row in rows for x in row]
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack("<%d%s" % (len(flat), kind), *flat))


def save_names(path, names):
    """One a line."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(name + "\n" for name in names))


def main():
    """Makes it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--labels", type=int, default=2000)
    parser.add_argument("--candidates", type=int, default=2500)
    parser.add_argument("--wild", type=int, default=4000)
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    world, draw = World(a.width, a.seed), random.Random(a.seed + 1)
    os.makedirs(a.folder, exist_ok=True)

    groups, known, near, far, texts = -(-a.labels // SIBLINGS), [], [], [], []
    for g in range(groups):
        group = world.direction()
        for i in range(SIBLINGS):
            known.append(("known %d of group %d" % (i, g), world.child(group)))
        for i in range(NEAR):
            near.append(("sibling %d of group %d" % (i, g), world.child(group)))
        texts.append(("group %d" % g, group))
    known = known[:a.labels]
    for g in range(groups // 2):
        group = world.direction()
        for i in range(FAR):
            far.append(("stranger %d of group %d" % (i, g), world.child(group)))
        texts.append(("far group %d" % g, group))
    texts = (texts + near + far)[:a.candidates]
    while len(texts) < a.candidates:
        texts.append(("word %d" % len(texts), world.direction()))
    draw.shuffle(texts)

    path = lambda name: os.path.join(a.folder, name)
    save_names(path("labels.txt"), [name for name, _ in known])
    save(path("label_text.npy"), [world.label(m) for _, m in known])
    save_names(path("names.txt"), [name for name, _ in texts])
    save(path("text.npy"), [world.text(m) for _, m in texts])
    classes = [c for c in range(len(known)) for _ in range(2)]
    save(path("id_classes.npy"), classes, "i")
    save(path("id.npy"), [world.image(known[c][1]) for c in classes])
    classes = [draw.randrange(len(known)) for _ in range(a.test)]
    save(path("test_classes.npy"), classes, "i")
    save(path("test.npy"), [world.image(known[c][1]) for c in classes])
    save(path("near.npy"), [world.image(draw.choice(near)[1]) for _ in range(a.test // 2)])
    save(path("far.npy"), [world.image(draw.choice(far)[1]) for _ in range(a.test // 2)])
    wild = [draw.choice((known, near, near, far, far)) for _ in range(a.wild)]
    save(path("wild.npy"), [world.image(draw.choice(of)[1]) for of in wild])


if __name__ == "__main__":
    main()
