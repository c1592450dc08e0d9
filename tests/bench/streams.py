"""The yardstick of tests/bench/score for the streams other than AdaNeg's, written plainly in PyTorch from the formulas.

  streams.py DIR SCORE BATCH COUNT OURS.npy     prints images/s over the first COUNT images, and the largest difference
                                                between our scores and these

SCORE is oodd, or tanl over DIR/corpus.npy, whose queues of activation rows are stacked and averaged as the formula has it.
The draws of TANL's beginning do not count: its queues begin in their order, and with alpha 0 they are seldom looked at.
"""
import sys
import time

import numpy as np
import torch

LABELS, SCALE = 1000, 100.0


def neglabel(labels, negatives, groups):
    size = negatives.shape[1] // groups
    groups = negatives[:, :size * groups].reshape(len(labels), groups, size)
    return torch.sigmoid(labels.logsumexp(1, keepdim=True) - groups.logsumexp(2)).mean(1)


class Oodd:
    def __init__(self, texts, directory):
        self.texts, self.rows, self.keys = texts, texts[:0], torch.zeros(0)

    def push(self, images):
        logits = SCALE * images @ self.texts.T
        base = neglabel(logits[:, :LABELS], logits[:, LABELS:], 100)
        for image, key in zip(images, base):  # the released queue takes one image after the other
            self.rows = torch.cat([self.rows, image[None]])
            self.keys = torch.cat([self.keys, key[None]])
            if len(self.keys) > 2048:
                order = torch.argsort(self.keys)[:2048]
                self.rows, self.keys = self.rows[order], self.keys[order]
        return base - (images @ self.rows.T).topk(min(5, len(self.rows)), dim=1).values[:, -1]


class Tanl:
    def __init__(self, texts, directory):
        self.texts = texts[:LABELS]
        self.corpus = torch.from_numpy(np.load(f"{directory}/corpus.npy"))
        noise = torch.from_numpy(np.load(f"{directory}/noise.npy"))
        self.beta, self.length, self.gap = 1000, 300, 0.5
        self.id = [row for row in self.activation(self.texts[-300:])]
        self.ood = [row for row in self.activation(noise)]
        bank = self.choose(torch.stack(self.ood).mean(0) - torch.stack(self.id).mean(0))
        self.history = torch.cat([self.nested(x, bank) for x in (self.texts, noise)])

    def activation(self, images):
        return torch.cat([SCALE * images @ self.texts.T, SCALE * images @ self.corpus.T], 1).softmax(1)[:, LABELS:]

    def choose(self, a):
        return self.corpus[a.argsort(descending=True)[:self.beta]]

    def nested(self, images, bank):
        labels, negatives = SCALE * images @ self.texts.T, SCALE * images @ bank.T
        return torch.stack([torch.sigmoid(labels.logsumexp(1) - negatives[:, :k + 1].logsumexp(1))
                            for k in range(self.beta)]).mean(0)

    @staticmethod
    def otsu(x):
        best, at = float("inf"), [50]
        for i in range(100):
            high = x >= i * 0.01
            if high.all() or not high.any():
                continue
            w = high.float().mean()
            within = (1 - w) * x[~high].var(unbiased=False) + w * x[high].var(unbiased=False)
            if within < best:
                best, at = within, []
            if within == best:
                at.append(i)
        return at[len(at) // 2] * 0.01

    def push(self, images):
        a = self.activation(images)
        first = self.nested(images, self.choose(torch.stack(self.ood).mean(0) - torch.stack(self.id).mean(0)))
        self.history = torch.cat([self.history, first])[-20000:]
        t = self.otsu(self.history)
        id_rows, ood_rows = a[first > t + self.gap * (1 - t)], a[first < t - self.gap * t]
        m_id = id_rows.mean(0) if len(id_rows) else torch.stack(self.id).mean(0)
        m_ood = ood_rows.mean(0) if len(ood_rows) else torch.stack(self.ood).mean(0)
        out = self.nested(images, self.choose(m_ood - m_id))
        self.id = (self.id + list(id_rows))[-self.length:]
        self.ood = (self.ood + list(ood_rows))[-self.length:]
        return out


@torch.no_grad()
def main():
    directory, score, batch, count, ours = sys.argv[1:]
    torch.set_num_threads(1)
    texts = torch.from_numpy(np.load(f"{directory}/texts.npy"))
    images = torch.from_numpy(np.load(f"{directory}/images.npy")[:int(count)])
    stream, scores = {"oodd": Oodd, "tanl": Tanl}[score](texts, directory), []
    begin = time.process_time()
    for chunk in images.split(int(batch)):
        scores.append(stream.push(chunk))
    rate = len(images) / (time.process_time() - begin)
    difference = np.abs(torch.cat(scores).numpy() - np.load(ours)[:len(images)]).max()
    print(f"{rate:.3g} {difference:.2g}")


main()
