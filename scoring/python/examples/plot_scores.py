"""Histograms of scores, ID beside OOD: plot_scores.py B.nbank OUT.png NAME=STORE.nbe...

The scores are drawn as log-odds where they are probabilities: near 0 and 1 they have room there.
"""
import sys

import numpy as np

import negbank


def drawable(scores):
    """Log-odds that are finite."""
    return np.clip(np.nan_to_num(scores.log_odds), -700, 700)


def main(bank_path, output, *sets):
    bank = negbank.open(bank_path)
    values = {}
    for word in sets:
        name, path = word.split("=", 1)
        values[name] = drawable(bank.score(negbank.read_store(path).embeddings))
        print(f"{name}\t{len(values[name])} images\tmedian {np.median(values[name]):.4g}")
    edges = np.histogram_bin_edges(np.concatenate(list(values.values())), bins="fd")
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is absent: nothing is drawn", file=sys.stderr)
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, drawn in values.items():
        axes.hist(drawn, edges, density=True, alpha=0.6, label=f"{name} ({len(drawn)})")
    axes.set_xlabel(f"log-odds of {bank.suggested_score}")
    axes.set_ylabel("density")
    axes.legend()
    figure.tight_layout()
    figure.savefig(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
