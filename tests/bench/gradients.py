"""The other side of tests/bench/gradients: Debian's PyTorch and its autograd on CLIP's model as published.

  gradients.py invert MODEL DIR COUNT padded|cut   inverts COUNT of the images bench_gradients left in DIR, one at a time
      as the method's published code does: images/s, and the least cosine with our features on standard error. padded:
      texts of the model's whole context, as the published code has them; cut: up to the longest template's end token
  gradients.py train MODEL PAIRS                   forward and backward of both towers in batches of 16: pairs/s
  gradients.py tune MODEL BATCH STEPS              steps of contrastive fine-tuning with AdamW, a batch in one piece
  gradients.py usage COMMAND...                    runs it; CPU seconds and largest resident memory in MiB
"""
import os
import resource
import subprocess
import sys
import time

import numpy as np
import torch

import yardsticks


def encode(model, x, end):
    """Token embeddings [1, n, width] with positions -> the text's embedding, read at `end`."""
    n = x.shape[1]
    x = x.permute(1, 0, 2)
    for block in model.text:
        x = block(x, model.mask[:n, :n])
    return model.ln_final(x.permute(1, 0, 2))[:, end] @ model.weights["text_projection.weight"].t()


def invert(model_dir, directory, count, how):
    model = yardsticks.build(model_dir)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    raw = lambda name, kind: torch.from_numpy(np.fromfile(os.path.join(directory, name), kind))
    tokens = model.weights["text_model.embeddings.token_embedding.weight"]
    positions = model.weights["text_model.embeddings.position_embedding.weight"]
    ids = raw("ids.i32", "<i4").reshape(-1, model.context).long()
    ends = ids.argmax(-1)
    length = model.context if how == "padded" else int(ends.max()) + 1
    places, choices = raw("places.i32", "<i4"), raw("choices.i32", "<i4").reshape(-1, 10)
    words = raw("words.f32", "<f4").reshape(-1, tokens.shape[1])
    features = raw("features.f32", "<f4").reshape(len(words), -1)
    images = raw("images.f32", "<f4").reshape(features.shape)
    least, start = 1.0, time.perf_counter()
    for i in range(count):
        word = words[i].clone().requires_grad_(True)
        target = images[i] / images[i].norm()
        optimiser = torch.optim.AdamW([word], lr=2e-2, weight_decay=0.01, betas=(0.9, 0.999), eps=1e-8)

        def feature(k):
            x = tokens[ids[k, :length]]
            x = torch.cat([x[:places[k]], word[None], x[places[k] + 1:]]) + positions[:length]
            out = encode(model, x[None], ends[k])[0]
            return out / out.norm()

        for k in choices[i]:
            optimiser.zero_grad()
            (1 - feature(k) @ target).backward()
            optimiser.step()
        with torch.no_grad():
            least = min(least, float(feature(choices[i][-1]) @ features[i]))
    print(f"{count / (time.perf_counter() - start):.3f}")
    print(f"least cosine with ours over {count} images: 1 - {1 - least:.1e}", file=sys.stderr)
    if not least >= 0.9999:
        sys.exit("the two sides compute different functions")


def train(model_dir, pairs):
    model = yardsticks.build(model_dir)
    for name, value in model.weights.items():
        value.requires_grad_(True)
    size = 224
    pixels = torch.rand(16, 3, size, size) * 2 - 1
    ids = torch.zeros(16, model.context, dtype=torch.long)
    ids[:, :9] = torch.arange(9)
    ids[:, 8] = len(model.weights["text_model.embeddings.token_embedding.weight"]) - 1
    start = time.perf_counter()
    for _ in range(0, pairs, 16):
        (model.encode_image(pixels).square().sum() + model.encode_text(ids).square().sum()).backward()
    print(f"{(pairs + 15) // 16 * 16 / (time.perf_counter() - start):.3f}")


def tune(model_dir, batch, steps):
    model = yardsticks.build(model_dir)
    # the layers have copies of their own
    model.weights = {name: value for name, value in model.weights.items() if ".encoder.layers." not in name}
    parameters = list(model.parameters()) + [value.requires_grad_(True) for value in model.weights.values()]
    optimiser = torch.optim.AdamW(parameters, lr=1e-5, weight_decay=0.1)
    pixels = torch.rand(batch, 3, 224, 224) * 2 - 1
    ids = torch.zeros(batch, model.context, dtype=torch.long)
    ids[:, :9] = torch.randint(1, 1000, (batch, 9))
    ids[:, 8] = len(model.weights["text_model.embeddings.token_embedding.weight"]) - 1
    for _ in range(steps):
        optimiser.zero_grad()
        images, texts = model.encode_image(pixels), model.encode_text(ids)
        images, texts = (x / x.norm(dim=1, keepdim=True) for x in (images, texts))
        logits = model.weights["logit_scale"].exp() * images @ texts.t()
        own = torch.arange(batch)
        loss = (torch.nn.functional.cross_entropy(logits, own) + torch.nn.functional.cross_entropy(logits.t(), own)) / 2
        loss.backward()
        optimiser.step()


def usage(command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{used.ru_utime + used.ru_stime:.2f} {used.ru_maxrss / 1024:.0f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "invert":
        invert(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    elif sys.argv[1] == "tune":
        tune(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1] == "usage":
        usage(sys.argv[2:])
    else:
        train(sys.argv[2], int(sys.argv[3]))
