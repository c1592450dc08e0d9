"""The other side of tests/bench/clip: Debian's PyTorch with CLIP's model as published, and Pillow.

  yardsticks.py about
  yardsticks.py images DIR COUNT                 500 x 375 JPEGs for the rows "crop", and DIR/list.txt
  yardsticks.py check MODEL DIR                  compares with what `bench_clip embed` left in DIR
  yardsticks.py time MODEL ENGINE PROCESSES THREADS ROW WHAT ITEMS BATCH     prints items/s
  yardsticks.py table RAW NOTES                  medians of the raw figures as a Markdown table

ENGINE is fp32 or bf16 (autocast). The model restates Radford et al., 2021 (ResidualAttentionBlock on
nn.MultiheadAttention, QuickGELU); weights come from the checkpoint in Hugging Face's layout that bench_clip wrote.
"""
import contextlib
import json
import multiprocessing
import os
import statistics
import sys
import time

import numpy as np


# BENCH_CLOCK=cpu counts the process's own time, for one core beside other work; as tests/bench/measure.c does.
now = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.monotonic


# ---- the checkpoint ----

def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        base = file.tell()
    data = np.memmap(path, np.uint8, "r")
    out = {}
    for name, info in header.items():
        if name != "__metadata__":
            begin, end = (base + at for at in info["data_offsets"])
            out[name] = np.array(data[begin:end]).view("<f4").reshape(info["shape"])
    return out


def build(model_dir):
    """The two towers as torch modules."""
    import torch
    from torch import nn

    class QuickGELU(nn.Module):
        def forward(self, x):
            return x * torch.sigmoid(1.702 * x)

    class ResidualAttentionBlock(nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.attn = nn.MultiheadAttention(width, heads)
            self.ln_1 = nn.LayerNorm(width)
            self.c_fc, self.gelu, self.c_proj = nn.Linear(width, 4 * width), QuickGELU(), nn.Linear(4 * width, width)
            self.ln_2 = nn.LayerNorm(width)

        def forward(self, x, mask):
            y = self.ln_1(x)
            x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
            return x + self.c_proj(self.gelu(self.c_fc(self.ln_2(x))))

    class Clip(nn.Module):
        def __init__(self, config, weights):
            super().__init__()
            self.weights = {name: torch.from_numpy(value) for name, value in weights.items()}
            self.text = self.tower("text_model", config["text_config"])
            self.image = self.tower("vision_model", config["vision_config"])
            self.context = config["text_config"]["max_position_embeddings"]
            self.patch = config["vision_config"]["patch_size"]
            self.mask = torch.full((self.context, self.context), float("-inf")).triu_(1)
            self.ln_final = self.norm("text_model.final_layer_norm")
            self.ln_pre = self.norm("vision_model.pre_layrnorm")
            self.ln_post = self.norm("vision_model.post_layernorm")

        def norm(self, name):
            layer = nn.LayerNorm(len(self.weights[name + ".weight"]))
            layer.load_state_dict({key: self.weights[f"{name}.{key}"] for key in ("weight", "bias")})
            return layer

        def tower(self, name, config):
            blocks = nn.ModuleList()
            for i in range(config["num_hidden_layers"]):
                block = ResidualAttentionBlock(config["hidden_size"], config["num_attention_heads"])
                at = f"{name}.encoder.layers.{i}."
                state = {}
                for key in ("weight", "bias"):
                    get = lambda part: self.weights[f"{at}{part}.{key}"]
                    state[f"attn.in_proj_{key}"] = torch.cat([get(f"self_attn.{p}_proj") for p in "qkv"])
                    for ours, theirs in (("attn.out_proj", "self_attn.out_proj"), ("ln_1", "layer_norm1"),
                                         ("ln_2", "layer_norm2"), ("c_fc", "mlp.fc1"), ("c_proj", "mlp.fc2")):
                        state[f"{ours}.{key}"] = get(theirs)
                block.load_state_dict(state)
                blocks.append(block)
            return blocks

        def encode_text(self, ids):
            w = self.weights
            x = w["text_model.embeddings.token_embedding.weight"][ids]
            x = (x + w["text_model.embeddings.position_embedding.weight"]).permute(1, 0, 2)
            for block in self.text:
                x = block(x, self.mask)
            x = self.ln_final(x.permute(1, 0, 2))
            return x[torch.arange(len(ids)), ids.argmax(-1)] @ w["text_projection.weight"].t()

        def encode_image(self, pixels):
            w = self.weights
            x = nn.functional.conv2d(pixels, w["vision_model.embeddings.patch_embedding.weight"], stride=self.patch)
            x = x.flatten(2).permute(0, 2, 1)
            first = w["vision_model.embeddings.class_embedding"].to(x.dtype).expand(len(x), 1, -1)
            x = torch.cat([first, x], dim=1) + w["vision_model.embeddings.position_embedding.weight"]
            x = self.ln_pre(x).permute(1, 0, 2)
            for block in self.image:
                x = block(x, None)
            return self.ln_post(x.permute(1, 0, 2)[:, 0]) @ w["visual_projection.weight"].t()

    with open(os.path.join(model_dir, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    return Clip(config, read_safetensors(os.path.join(model_dir, "model.safetensors"))).eval()


# ---- the comparison ----

def check(model_dir, directory):
    import torch
    model = build(model_dir)
    raw = lambda name, kind: torch.from_numpy(np.fromfile(os.path.join(directory, name), kind))
    size = json.load(open(os.path.join(model_dir, "config.json"), encoding="utf-8"))["vision_config"]["image_size"]
    worst = 0.0
    with torch.no_grad():
        ids = raw("ids.i32", "<i4").reshape(-1, model.context).long()
        pixels = raw("pixels.f32", "<f4").reshape(-1, 3, size, size)
        for name, theirs in (("text", model.encode_text(ids)), ("image", model.encode_image(pixels))):
            ours = raw(name + ".f32", "<f4").reshape(theirs.shape)
            apart = float((ours - theirs).abs().max() / theirs.abs().max())
            print(f"{name}: {len(theirs)} embeddings of width {theirs.shape[1]}, "
                  f"largest difference {apart:.1e} of the largest value")
            worst = max(worst, apart)
    if not worst <= 1e-4:
        sys.exit("the two sides compute different functions (more than 1e-4 apart)")


# ---- the rows ----

def make_images(directory, count):
    """Pictures with a photograph's spectrum (noise falling off as 1/f, flat shapes over it), quality 90, 4:2:0."""
    from PIL import Image, ImageDraw, ImageFilter
    os.makedirs(directory, exist_ok=True)
    names, sizes = [], []
    fall = 1 / np.maximum(np.hypot(*np.meshgrid(np.fft.rfftfreq(500) * 500, np.fft.fftfreq(375) * 375)), 1) ** 1.25
    for i in range(count):
        draw = np.random.default_rng(i)
        planes = [np.fft.irfft2(np.fft.rfft2(draw.standard_normal((375, 500))) * fall, (375, 500)) for _ in range(3)]
        light = planes[0] / planes[0].std()
        rgb = [128 + 50 * light + 18 * plane / plane.std() for plane in (planes[1], planes[2], -planes[1])]
        image = Image.fromarray(np.clip(np.stack(rgb, -1), 0, 255).astype(np.uint8))
        pen = ImageDraw.Draw(image)
        for _ in range(12):
            x, y, w, h = draw.integers((0, 0, 10, 10), (450, 330, 120, 90))
            shape = pen.ellipse if draw.integers(2) else pen.rectangle
            shape((x, y, x + w, y + h), fill=tuple(int(v) for v in draw.integers(0, 256, 3)))
        names.append(os.path.join(directory, f"{i}.jpg"))
        image.filter(ImageFilter.GaussianBlur(0.6)).save(names[-1], "JPEG", quality=90, subsampling=2)
        sizes.append(os.path.getsize(names[-1]))
    with open(os.path.join(directory, "list.txt"), "w", encoding="utf-8") as file:
        file.write("".join(name + "\n" for name in names))
    print(f"{statistics.mean(sizes) / 1000:.0f}")


def crop(path, size=224):
    """Resize and CenterCrop of CLIP's published preprocessing."""
    from PIL import Image
    image = Image.open(path).convert("RGB")
    short = min(image.size)
    image = image.resize(tuple(size if side == short else size * side // short for side in image.size), Image.BICUBIC)
    left, top = (int(round((side - size) / 2.0)) for side in image.size)
    return image.crop((left, top, left + size, top + size))


def batches(items, size, worker, workers):
    for begin in range(worker * size, items, workers * size):
        yield begin, min(size, items - begin)


def worker_main(job, worker, barrier, results):
    model_dir, engine, processes, threads, row, what, items, size = job
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[worker * threads:(worker + 1) * threads])
    if row == "crop":
        with open(what, encoding="utf-8") as file:
            paths = file.read().split("\n")[:-1]
        run = lambda begin, count: [crop(paths[i % len(paths)]) for i in range(begin, begin + count)]
    else:
        import torch
        torch.set_num_threads(threads)
        model = build(model_dir)
        draw = torch.Generator().manual_seed(1)
        if row == "text":
            tokens = len(model.weights["text_model.embeddings.token_embedding.weight"])
            given = torch.randint(tokens - 2, (size, model.context), generator=draw)
            given[:, -1] = tokens - 1
        else:
            given = torch.randn((size, 3, 224, 224), generator=draw)
        encode = model.encode_text if row == "text" else model.encode_image
        cast = torch.autocast("cpu", torch.bfloat16) if engine == "bf16" else contextlib.nullcontext()

        def run(_, count):
            with torch.no_grad(), cast:
                encode(given[:count])
    run(0, 4)
    barrier.wait()
    begin = now()
    done = 0
    for at, count in batches(items, size, worker, processes):
        run(at, count)
        done += count
    results.put((done, begin, now()))


def measure(job):
    processes = job[2]
    barrier, results = multiprocessing.Barrier(processes), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=worker_main, args=(job, i, barrier, results)) for i in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        sys.exit("a worker failed")
    figures = [results.get() for _ in workers]
    rate = sum(f[0] for f in figures) / (max(f[2] for f in figures) - min(f[1] for f in figures))
    print(f"{rate:.4f}")


def about():
    import PIL
    import torch
    torch.ones(2, 2) @ torch.ones(2, 2)
    with open("/proc/self/maps", encoding="utf-8") as file:
        blas = {line.split()[-1] for line in file if "libblas" in line or "libopenblas" in line}
    print(f"torch {torch.__version__} ({', '.join(sorted(blas)) or 'no BLAS'})", end="")
    print(f", Pillow {PIL.__version__}, numpy {np.__version__}")


# ---- the table ----

def show(values):
    digits = lambda v: f"{v:.0f}" if v >= 100 else f"{v:.1f}" if v >= 10 else f"{v:.2f}"
    return f"{digits(statistics.median(values))} ({digits(min(values))} to {digits(max(values))})"


def image_gflop(patch, width=768, layers=12, size=224, projection=512):
    """Operations of one image in the linear layers and in attention."""
    rows = (size // patch) ** 2 + 1
    block = rows * 12 * width * width + 2 * rows * rows * width
    return 2e-9 * (layers * block + (rows - 1) * 3 * patch * patch * width + projection * width)


def table(raw, notes):
    """raw: lines `side row cores figure`, tab-separated; side is "ours", the name of a yardstick, "sgemm" or "ENGINE product"."""
    figures = {}
    order = []
    with open(raw, encoding="utf-8") as file:
        for line in file:
            side, row, cores, figure = line.rstrip("\n").split("\t")
            figures.setdefault((row, int(cores)), {}).setdefault(side, []).append(float(figure))
            if (row, int(cores)) not in order:
                order.append((row, int(cores)))
    with open(notes, encoding="utf-8") as file:
        print(file.read())
    print("| row | cores | negbank, items/s | yardstick, items/s | | ratio | and of the engine's best product |")
    print("|---|---|---|---|---|---|---|")
    for row, cores in order:
        sides = figures[row, cores]
        if "ours" not in sides:
            continue
        others = {name: values for name, values in sides.items() if name != "ours"}
        best = max(others, key=lambda name: statistics.median(others[name]))
        ours = statistics.median(sides["ours"])
        share = ""
        if row.startswith("image"):
            engine = row.split()[1].rstrip(",")
            product = "sgemm" if engine == "fp32" else f"{engine} product"
            tower = [statistics.median(figures[f"6304x{s}", cores][product]) for s in ("2304x768", "3072x768", "768x3072")
                     if product in figures.get((f"6304x{s}", cores), {})]
            done = ours * image_gflop(32 if "B/32" in row else 16)
            share = f"{done:.0f} GFLOP/s" + (f", {100 * done / statistics.mean(tower):.0f} %" if tower else "")
        print(f"| {row} | {cores} | {show(sides['ours'])} | {show(others[best])} | {best} "
              f"| {ours / statistics.median(others[best]):.2f} | {share} |")
    products = [at for at in order if "sgemm" in figures[at]]
    if products:
        print("\n| product, [m, k] [n, k]^T | cores | by | GFLOP/s |\n|---|---|---|---|")
    for row, cores in products:
        for side, values in figures[row, cores].items():
            print(f"| {row} | {cores} | {side} | {show(values)} |")


def main(args):
    if args[:1] == ["about"]:
        about()
    elif args[:1] == ["images"] and len(args) == 3:
        make_images(args[1], int(args[2]))
    elif args[:1] == ["check"] and len(args) == 3:
        check(args[1], args[2])
    elif args[:1] == ["time"] and len(args) == 9:
        measure((args[1], args[2], int(args[3]), int(args[4]), args[5], args[6], int(args[7]), int(args[8])))
    elif args[:1] == ["table"] and len(args) == 3:
        table(args[1], args[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
