"""A postprocessor for OpenOOD (github.com/Jingkang50/OpenOOD) that scores with a bank.

Its evaluators call setup once, then inference for the ID and every OOD set, and rank images by the confidence: higher is
more in-distribution. `net` is to return image embeddings of the bank's checkpoint:

    class ImageTower(torch.nn.Module):
        def __init__(self, clip):
            super().__init__()
            self.clip = clip
        def forward(self, images):
            return self.clip.encode_image(images)

    from openood.evaluation_api import Evaluator
    evaluator = Evaluator(ImageTower(clip), id_name="imagenet200", data_root="data",
                          postprocessor=NegbankPostprocessor(bank="imagenet200.nbank"))
    evaluator.eval_ood()

The evaluator's column ACC takes what `net` returns for logits: it means nothing here. The classes of this postprocessor are
the first value of `inference`. Confidences are log-odds, since scores near 1 tie.

In a run file of OpenOOD's own, `postprocessor_args` has `bank`, and where wanted `score` and `parameters`.
"""
import numpy as np

import negbank

try:
    from openood.postprocessors import BasePostprocessor
except ImportError:  # its interface is the three methods below

    class BasePostprocessor:
        def __init__(self, config):
            self.config = config


def _tensor(array):
    """What OpenOOD's loops take: a tensor where there is PyTorch."""
    try:
        import torch
    except ImportError:
        return array
    return torch.from_numpy(array)


class NegbankPostprocessor(BasePostprocessor):
    """Confidence and class of every image by a bank."""

    def __init__(self, config=None, bank=None, score=None, **parameters):
        super().__init__(config)
        self.APS_mode = False  # nothing is searched for on the validation sets
        self.hyperparam_search_done = True
        if config is not None:
            args = config.postprocessor.postprocessor_args
            bank = args.bank
            score = getattr(args, "score", None)
            parameters = dict(getattr(args, "parameters", None) or {})
        self.scorer = negbank.open(bank).scorer(score, **parameters)
        self.stream = None

    def setup(self, net, id_loader_dict, ood_loader_dict):
        """Nothing is learnt from the loaders."""

    def _score(self, net, data):
        embeddings = net(data)
        return self.stream.push(embeddings) if self.stream else self.scorer.score(embeddings)

    def postprocess(self, net, data):
        """Classes and confidences of a batch."""
        scores = self._score(net, data)
        return _tensor(scores.label.astype(np.int64)), _tensor(scores.log_odds)

    def inference(self, net, data_loader, progress=True):
        """Classes, confidences and labels of a set. Scores of streams begin a new stream with it."""
        if self.scorer.description.split()[0] in ("adaneg", "interneg"):
            self.stream = self.scorer.stream()
        found = []
        for batch in data_loader:
            data = batch["data"]
            scores = self._score(net, data.cuda() if _on_gpu(net) else data)
            found.append((scores.label, scores.log_odds, np.asarray(batch["label"])))
        self.stream = None
        classes, confidences, labels = (np.concatenate(column) for column in zip(*found))
        return classes.astype(int), confidences, labels.astype(int)


def _on_gpu(net):
    parameters = getattr(net, "parameters", None)
    first = next(iter(parameters()), None) if parameters else None
    return first is not None and first.is_cuda
