"""The yardstick of tests/bench/score: AdaNeg along a stream, written plainly in PyTorch from the formulas.

  adaneg.py DIR PROXIES BATCH COUNT OURS.npy     prints images/s over the first COUNT images, and the largest
                                                 difference between our scores and these

A memory [classes, 1 + L, d] holds the text and the images of every class, empty slots zero; proxies are made for all
classes of every batch, a thousand classes at a time so that they fit the memory of the machine.
"""
import sys
import time

import numpy as np
import torch

LABELS, GROUPS, SCALE, GAMMA, GAP, BETA, LAMBDA, SLOTS = 1000, 5, 100.0, 0.5, 0.5, 5.5, 0.1, 10


def neglabel(logits):
    labels, negatives = logits[:, :LABELS], logits[:, LABELS:]
    size = negatives.shape[1] // GROUPS
    groups = negatives[:, :size * GROUPS].reshape(len(logits), GROUPS, size)
    inside = labels.logsumexp(1, keepdim=True)
    return torch.sigmoid(inside - groups.logsumexp(2)).mean(1)


def entropy(logits):
    p = logits.softmax(0)
    return float(-(p * torch.log(p + 1e-8)).sum())


class Memory:
    def __init__(self, texts):
        self.slots = torch.zeros(len(texts), SLOTS, texts.shape[1])
        self.slots[:, 0] = texts
        self.keys = torch.zeros(len(texts), SLOTS)
        self.used = [1] * len(texts)

    def store(self, group, image, key):
        if self.used[group] < SLOTS:
            at = self.used[group]
            self.used[group] += 1
        else:
            at = int(self.keys[group].argmax())
            if not key < self.keys[group, at]:
                return
        self.slots[group, at] = image
        self.keys[group, at] = key

    def cosines(self, images, sample):
        if not sample:
            proxies = torch.nn.functional.normalize(self.slots.mean(1), dim=1)
            return images @ proxies.T
        out = []
        for slots in self.slots.split(1000):
            weights = torch.exp(-BETA * (1 - torch.einsum("nld,bd->bnl", slots, images)))
            proxies = torch.nn.functional.normalize((weights.unsqueeze(-1) * slots.unsqueeze(0)).sum(2), dim=2)
            out.append((proxies * images.unsqueeze(1)).sum(2))
        return torch.cat(out, 1)


@torch.no_grad()
def push(memory, texts, images, sample):
    logits = SCALE * images @ texts.T
    plain = neglabel(logits)
    for row, image, score in zip(logits, images, plain.tolist()):
        if score > GAMMA + GAP * (1 - GAMMA):
            memory.store(int(row[:LABELS].argmax()), image, entropy(row[:LABELS]))
        elif score < GAMMA - GAP * GAMMA:
            memory.store(LABELS + int(row[LABELS:].argmax()), image, entropy(row[LABELS:]))
    return neglabel(SCALE * memory.cosines(images, sample)) + LAMBDA * plain


def main():
    directory, proxies, batch, count, ours = sys.argv[1:]
    torch.set_num_threads(1)
    texts = torch.from_numpy(np.load(f"{directory}/texts.npy"))
    images = torch.from_numpy(np.load(f"{directory}/images.npy")[:int(count)])
    memory, scores = Memory(texts), []
    begin = time.process_time()
    for chunk in images.split(int(batch)):
        scores.append(push(memory, texts, chunk, proxies == "sample"))
    rate = len(images) / (time.process_time() - begin)
    scores = torch.cat(scores).numpy()
    difference = np.abs(scores - np.load(ours)[:len(scores)]).max()
    print(f"{rate:.3g} {difference:.2g}")


main()
