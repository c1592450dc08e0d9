#!/usr/bin/env python3
"""Image towers with convolutions, restated plainly in PyTorch, and tiny checkpoints of each.

    python3 tests/bench/convolutions.py                  writes its folders of tests/golden/towers anew (needs
                                                         python3-torch, python3-numpy)
    python3 tests/bench/convolutions.py --speed FOLDER   writes a checkpoint of RN50's size into FOLDER, and says how many
                                                         images a second this restatement computes, in single precision
                                                         on one core, beside which
                                                         negbank check --model FOLDER says how many we do
    python3 tests/bench/convolutions.py --speed FOLDER vitamin|convnext    the same for vitamin_base_224, convnext_base

The towers are those of open_clip (modified_resnet.py, timm_model.py) and of the timm library (models/vitamin.py,
models/vision_transformer_hybrid.py, models/convnext.py). Everything else is as in tests/bench/towers.py, whose text tower
and weights stand here too. Pixels are made by a formula that tests/support/tower_folders.c has as well.
"""
import json
import os
import shutil
import sys
import time
import zlib

import numpy as np
import torch
import torch.nn.functional as F

import towers
from towers import GOLDEN, Weights, linear, norm, softmax_attention

IMAGES = 3
EMBED = towers.EMBED


def make_pixels(side):
    """[IMAGES, 3, side, side] between -2 and 2, the same to the last bit everywhere."""
    i = np.arange(IMAGES * 3 * side * side, dtype=np.uint32)
    return (((i * np.uint32(2654435761)) >> 8).astype(np.float32) / 2 ** 22 - 2).reshape(IMAGES, 3, side, side)


def conv(sd, name, x, **how):
    return F.conv2d(x, sd[name + ".weight"], sd.get(name + ".bias"), **how)


def norm2d(sd, name, x, eps):
    return norm(sd, name, x.permute(0, 2, 3, 1), eps).permute(0, 3, 1, 2)


def batch_norm(sd, name, x):
    return F.batch_norm(x, *(sd[name + end] for end in (".running_mean", ".running_var", ".weight", ".bias")))


# ---- CLIP's ResNets ----

def resnet_vision(sd, model, x):
    cfg, v = model["vision_cfg"], "visual."
    for i, stride in ((1, 2), (2, 1), (3, 1)):
        x = batch_norm(sd, f"{v}bn{i}", conv(sd, f"{v}conv{i}", x, stride=stride, padding=1)).relu()
    x = F.avg_pool2d(x, 2)
    for stage, depth in enumerate(cfg["layers"]):
        for block in range(depth):
            p, stride = f"{v}layer{stage + 1}.{block}.", 2 if stage and not block else 1
            h = batch_norm(sd, p + "bn1", conv(sd, p + "conv1", x)).relu()
            h = batch_norm(sd, p + "bn2", conv(sd, p + "conv2", h, padding=1)).relu()
            h = batch_norm(sd, p + "bn3", conv(sd, p + "conv3", F.avg_pool2d(h, stride)))
            if p + "downsample.0.weight" in sd:
                x = batch_norm(sd, p + "downsample.1", conv(sd, p + "downsample.0", F.avg_pool2d(x, stride)))
            x = (h + x).relu()
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([x.mean(1, keepdim=True), x], 1) + sd[v + "attnpool.positional_embedding"]
    q, k, v_ = (linear(sd, f"{v}attnpool.{part}_proj", x) for part in "qkv")
    heads = cfg["width"] * 32 // cfg.get("head_width", 64)
    return linear(sd, v + "attnpool.c_proj", softmax_attention(q, k, v_, heads)[:, 0])


def batch_norm_weights(w, name, n):
    w.draw(name + ".weight", (n,), 0.2, 1.0)
    w.draw(name + ".bias", (n,), 0.2)
    w.draw(name + ".running_mean", (n,), 0.2)
    w.draw(name + ".running_var", (n,), 0.05, 0.6)


def convolution_weights(w, name, outputs, inputs, kernel, bias=True):
    w.draw(name + ".weight", (outputs, inputs, kernel, kernel), 1.4 * (inputs * kernel * kernel) ** -0.5)
    if bias:
        w.draw(name + ".bias", (outputs,), 0.2)


def resnet_weights(w, model):
    cfg, v = model["vision_cfg"], "visual."
    width = cfg["width"]
    for i, outputs, inputs in ((1, width // 2, 3), (2, width // 2, width // 2), (3, width, width // 2)):
        convolution_weights(w, f"{v}conv{i}", outputs, inputs, 3, bias=False)
        batch_norm_weights(w, f"{v}bn{i}", outputs)
    inputs = width
    for stage, depth in enumerate(cfg["layers"]):
        planes = width << stage
        for block in range(depth):
            p = f"{v}layer{stage + 1}.{block}."
            convolution_weights(w, p + "conv1", planes, inputs, 1, bias=False)
            batch_norm_weights(w, p + "bn1", planes)
            convolution_weights(w, p + "conv2", planes, planes, 3, bias=False)
            batch_norm_weights(w, p + "bn2", planes)
            convolution_weights(w, p + "conv3", 4 * planes, planes, 1, bias=False)
            batch_norm_weights(w, p + "bn3", 4 * planes)
            if block == 0:
                convolution_weights(w, p + "downsample.0", 4 * planes, inputs, 1, bias=False)
                batch_norm_weights(w, p + "downsample.1", 4 * planes)
            inputs = 4 * planes
    w.draw(v + "attnpool.positional_embedding", ((cfg["image_size"] // 32) ** 2 + 1, 32 * width), 0.5)
    for part, deviation in (("q", 0.4), ("k", 0.4), ("v", 1)):
        w.draw(f"{v}attnpool.{part}_proj.weight", (32 * width, 32 * width), deviation * (32 * width) ** -0.5)
        w.draw(f"{v}attnpool.{part}_proj.bias", (32 * width,), 0.2)
    w.linear(v + "attnpool.c_proj", model["embed_dim"], 32 * width)


# ---- timm: ViTamin ----

def vitamin_vision(sd, model, x):
    tower, t, eps = TIMM[model["vision_cfg"]["timm_model_name"]], "visual.trunk.", 1e-6
    b = t + "patch_embed.backbone."
    x = F.gelu(norm2d(sd, b + "stem.norm1", conv(sd, b + "stem.conv1", x, stride=2, padding=1), eps))
    x = conv(sd, b + "stem.conv2", x, padding=1)
    for stage, depth in enumerate(tower["depths"]):
        for block in range(depth):
            p, shortcut = f"{b}stages.{stage}.{block}.", x
            if block == 0:
                shortcut = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
                if p + "shortcut.expand.weight" in sd:
                    shortcut = conv(sd, p + "shortcut.expand", shortcut)
            h = F.gelu(conv(sd, p + "conv1_1x1", norm2d(sd, p + "pre_norm", x, eps)))
            h = F.gelu(conv(sd, p + "conv2_kxk", h, stride=1 if block else 2, padding=1, groups=h.shape[1]))
            x = conv(sd, p + "conv3_1x1", h) + shortcut
    x = conv(sd, b + "pool.proj", norm2d(sd, b + "pool.norm", x, eps), stride=2, padding=1).flatten(2).transpose(1, 2)
    if t + "pos_embed" in sd:
        x = x + sd[t + "pos_embed"]
    for i in range(tower["layers"]):
        p = f"{t}blocks.{i}."
        q, k, v = linear(sd, p + "attn.qkv", norm(sd, p + "norm1", x, eps)).chunk(3, -1)
        x = x + linear(sd, p + "attn.proj", softmax_attention(q, k, v, tower["heads"]))
        h = norm(sd, p + "mlp.norm", norm(sd, p + "norm2", x, eps), eps)
        x = x + linear(sd, p + "mlp.w2", F.gelu(linear(sd, p + "mlp.w0", h)) * linear(sd, p + "mlp.w1", h))
    return head(sd, norm(sd, t + "fc_norm", x.mean(1), eps))


def head(sd, x):
    if "visual.head.proj.weight" in sd:
        return linear(sd, "visual.head.proj", x)
    return linear(sd, "visual.head.mlp.fc2", F.gelu(linear(sd, "visual.head.mlp.fc1", x)))


def head_weights(w, model, width):
    if model["vision_cfg"]["timm_proj"] == "mlp":
        w.linear("visual.head.mlp.fc1", 2 * model["embed_dim"], width)
        w.linear("visual.head.mlp.fc2", model["embed_dim"], 2 * model["embed_dim"], bias=False)
    else:
        w.linear("visual.head.proj", model["embed_dim"], width, bias=False)


def vitamin_weights(w, model):
    tower, t = TIMM[model["vision_cfg"]["timm_model_name"]], "visual.trunk."
    b, stem, width = t + "patch_embed.backbone.", tower["stem"], tower["width"]
    convolution_weights(w, b + "stem.conv1", stem, 3, 3)
    w.norm(b + "stem.norm1", stem)
    convolution_weights(w, b + "stem.conv2", stem, stem, 3)
    inputs = stem
    for stage, depth in enumerate(tower["depths"]):
        outputs = tower["widths"][stage]
        for block in range(depth):
            p = f"{b}stages.{stage}.{block}."
            if block == 0 and inputs != outputs:
                convolution_weights(w, p + "shortcut.expand", outputs, inputs, 1)
            w.norm(p + "pre_norm", inputs)
            convolution_weights(w, p + "conv1_1x1", 4 * outputs, inputs, 1)
            convolution_weights(w, p + "conv2_kxk", 4 * outputs, 1, 3)
            convolution_weights(w, p + "conv3_1x1", outputs, 4 * outputs, 1)
            inputs = outputs
    w.norm(b + "pool.norm", inputs)
    convolution_weights(w, b + "pool.proj", width, inputs, 3)
    if tower["positions"]:
        w.draw(t + "pos_embed", (1, (model["vision_cfg"]["image_size"] // 16) ** 2, width), 0.5)
    for i in range(tower["layers"]):
        p = f"{t}blocks.{i}."
        w.norm(p + "norm1", width)
        w.linear(p + "attn.qkv", 3 * width, width)
        w.linear(p + "attn.proj", width, width)
        w.norm(p + "norm2", width)
        w.norm(p + "mlp.norm", width)
        w.linear(p + "mlp.w0", tower["mlp"], width)
        w.linear(p + "mlp.w1", tower["mlp"], width)
        w.linear(p + "mlp.w2", width, tower["mlp"])
    w.norm(t + "fc_norm", width)
    head_weights(w, model, width)


# ---- timm: ConvNeXt ----

def convnext_vision(sd, model, x):
    tower, t = TIMM[model["vision_cfg"]["timm_model_name"]], "visual.trunk."
    eps = tower["eps"]
    x = norm2d(sd, t + "stem.1", conv(sd, t + "stem.0", x, stride=4), eps)
    for stage, depth in enumerate(tower["depths"]):
        p = f"{t}stages.{stage}."
        if stage:
            x = conv(sd, p + "downsample.1", norm2d(sd, p + "downsample.0", x, eps), stride=2)
        for block in range(depth):
            p = f"{t}stages.{stage}.blocks.{block}."
            h = norm2d(sd, p + "norm", conv(sd, p + "conv_dw", x, padding=3, groups=x.shape[1]), eps)
            h = linear(sd, p + "mlp.fc2", F.gelu(linear(sd, p + "mlp.fc1", h.permute(0, 2, 3, 1))))
            x = x + (h * sd[p + "gamma"]).permute(0, 3, 1, 2)
    return head(sd, norm(sd, t + "head.norm", x.mean((2, 3)), eps))


def convnext_weights(w, model):
    tower, t = TIMM[model["vision_cfg"]["timm_model_name"]], "visual.trunk."
    inputs = 3
    for stage, depth in enumerate(tower["depths"]):
        n, p = tower["widths"][stage], f"{t}stages.{stage}."
        if stage:
            w.norm(p + "downsample.0", inputs)
            convolution_weights(w, p + "downsample.1", n, inputs, 2)
        else:
            convolution_weights(w, t + "stem.0", n, inputs, 4)
            w.norm(t + "stem.1", n)
        for block in range(depth):
            p = f"{t}stages.{stage}.blocks.{block}."
            convolution_weights(w, p + "conv_dw", n, 1, 7)
            w.norm(p + "norm", n)
            w.linear(p + "mlp.fc1", 4 * n, n)
            w.linear(p + "mlp.fc2", n, 4 * n)
            w.draw(p + "gamma", (n,), 0.2, 0.5)
        inputs = n
    w.norm(t + "head.norm", inputs)
    head_weights(w, model, inputs)


# ---- timm: MobileCLIP-B ----

def mci_vision(sd, model, x):
    tower, t, eps = TIMM[model["vision_cfg"]["timm_model_name"]], "visual.trunk.", 1e-6
    b = t + "patch_embed.backbone."
    for i, window in ((0, 4), (1, 2)):
        x = F.gelu(batch_norm(sd, f"{b}{i}.bn", conv(sd, f"{b}{i}.conv", x, stride=window)))
    x = conv(sd, b + "2.conv", x, stride=2).flatten(2).transpose(1, 2) + sd[t + "pos_embed"]
    x = torch.cat([sd[t + "cls_token"].expand(len(x), -1, -1), x], 1)
    for i in range(tower["layers"]):
        p = f"{t}blocks.{i}."
        q, k, v = linear(sd, p + "attn.qkv", norm(sd, p + "norm1", x, eps)).chunk(3, -1)
        x = x + linear(sd, p + "attn.proj", softmax_attention(q, k, v, tower["heads"]))
        x = x + linear(sd, p + "mlp.fc2", F.gelu(linear(sd, p + "mlp.fc1", norm(sd, p + "norm2", x, eps))))
    return linear(sd, t + "head", norm(sd, t + "norm", x, eps)[:, 0])


def mci_weights(w, model):
    tower, t = TIMM[model["vision_cfg"]["timm_model_name"]], "visual.trunk."
    b, stem, width = t + "patch_embed.backbone.", tower["stem"], tower["width"]
    for i, inputs, window in ((0, 3, 4), (1, stem, 2)):
        convolution_weights(w, f"{b}{i}.conv", stem, inputs, window, bias=False)
        batch_norm_weights(w, f"{b}{i}.bn", stem)
    convolution_weights(w, b + "2.conv", width, stem, 2)
    w.draw(t + "cls_token", (1, 1, width), 1.0)
    w.draw(t + "pos_embed", (1, (model["vision_cfg"]["image_size"] // 16) ** 2, width), 0.5)
    for i in range(tower["layers"]):
        p = f"{t}blocks.{i}."
        w.norm(p + "norm1", width)
        w.linear(p + "attn.qkv", 3 * width, width)
        w.linear(p + "attn.proj", width, width)
        w.norm(p + "norm2", width)
        w.linear(p + "mlp.fc1", tower["mlp"], width)
        w.linear(p + "mlp.fc2", width, tower["mlp"])
    w.norm(t + "norm", width)
    w.linear(t + "head", model["embed_dim"], width)


# ---- timm: FastViT ----

def branches(sd, p, x, stride=1, activation=F.gelu):
    """MobileOneBlock without squeeze-and-excitation."""
    out, groups = 0, lambda name: x.shape[1] // sd[name + ".weight"].shape[1]
    for branch in ("conv_kxk.0", "conv_scale"):
        name = f"{p}.{branch}.conv"
        if name + ".weight" in sd:
            side = sd[name + ".weight"].shape[-1]
            h = conv(sd, name, x, stride=stride, padding=side // 2, groups=groups(name))
            out = out + batch_norm(sd, f"{p}.{branch}.bn", h)
    if p + ".identity.weight" in sd:
        out = out + batch_norm(sd, p + ".identity", x)
    return activation(out) if activation else out


def squeeze(sd, p, x):
    gate = conv(sd, p + ".fc2", conv(sd, p + ".fc1", x.mean((2, 3), keepdim=True)).relu())
    return x * gate.sigmoid()


def fastvit_mlp(sd, p, x):
    h = batch_norm(sd, p + "mlp.conv.bn", conv(sd, p + "mlp.conv.conv", x, padding=3, groups=x.shape[1]))
    return conv(sd, p + "mlp.fc2", F.gelu(conv(sd, p + "mlp.fc1", h)))


def fastvit_vision(sd, model, x):
    tower, t = TIMM[model["vision_cfg"]["timm_model_name"]], "visual.trunk."
    x = branches(sd, t + "stem.0", x, stride=2)
    x = branches(sd, t + "stem.1", x, stride=2)
    x = branches(sd, t + "stem.2", x)
    for stage, depth in enumerate(tower["depths"]):
        p = f"{t}stages.{stage}."
        if stage:
            h = 0
            for branch, side in (("large_conv", 7), ("small_conv", 3)):
                name = f"{p}downsample.proj.0.{branch}"
                h = h + batch_norm(sd, name + ".bn", conv(sd, name + ".conv", x, stride=2, padding=side // 2,
                                                          groups=x.shape[1]))
            if p + "downsample.proj.0.se.fc1.weight" in sd:
                h = squeeze(sd, p + "downsample.proj.0.se", h)
            x = branches(sd, p + "downsample.proj.1", F.gelu(h))
        if p + "pos_emb.pos_enc.weight" in sd:
            x = x + conv(sd, p + "pos_emb.pos_enc", x, padding=3, groups=x.shape[1])
        for block in range(depth):
            p = f"{t}stages.{stage}.blocks.{block}."
            if stage < 3:
                mixed = branches(sd, p + "token_mixer.mixer", x, activation=None)
                plain = branches(sd, p + "token_mixer.norm", x, activation=None)
                x = x + sd[p + "token_mixer.layer_scale.gamma"] * (mixed - plain)
                x = x + sd[p + "layer_scale.gamma"] * fastvit_mlp(sd, p, x)
                continue
            h = norm2d(sd, p + "norm", x, 1e-5) if len(tower["depths"]) == 5 else batch_norm(sd, p + "norm", x)
            q, k, v = linear(sd, p + "token_mixer.qkv", h.flatten(2).transpose(1, 2)).chunk(3, -1)
            h = linear(sd, p + "token_mixer.proj", softmax_attention(q, k, v, x.shape[1] // 32))
            x = x + sd[p + "layer_scale_1.gamma"] * h.transpose(1, 2).reshape(x.shape)
            x = x + sd[p + "layer_scale_2.gamma"] * fastvit_mlp(sd, p, x)
    x = F.gelu(squeeze(sd, t + "final_conv.se", branches(sd, t + "final_conv", x, activation=None)))
    return linear(sd, t + "head.fc", x.mean((2, 3)))


def fastvit_weights(w, model):
    tower, t = TIMM[model["vision_cfg"]["timm_model_name"]], "visual.trunk."
    five = len(tower["depths"]) == 5

    def branch(name, outputs, inputs, kernel):
        convolution_weights(w, name + ".conv", outputs, inputs, kernel, bias=False)
        batch_norm_weights(w, name + ".bn", outputs)
        w.draw(name + ".bn.weight", (outputs,), 0.1, 0.5)

    def block(name, outputs, inputs, kernel, scale=True, identity=False):
        branch(name + ".conv_kxk.0", outputs, inputs, kernel)
        if scale and kernel > 1:
            branch(name + ".conv_scale", outputs, inputs, 1)
        if identity:
            batch_norm_weights(w, name + ".identity", outputs)

    def squeeze_weights(name, channels, inside):
        convolution_weights(w, name + ".fc1", inside, channels, 1)
        convolution_weights(w, name + ".fc2", channels, inside, 1)

    def factors(name, n):
        w.draw(name + ".gamma", (n, 1, 1), 0.1, 0.4)

    n = tower["widths"][0]
    block(t + "stem.0", n, 3, 3, scale=not five)
    block(t + "stem.1", n, 1, 3, scale=not five)
    block(t + "stem.2", n, n, 1, identity=True)
    for stage, depth in enumerate(tower["depths"]):
        p, n = f"{t}stages.{stage}.", tower["widths"][stage]
        if stage:
            branch(p + "downsample.proj.0.large_conv", n, 1, 7)
            branch(p + "downsample.proj.0.small_conv", n, 1, 3)
            if stage >= 2 and not five:
                squeeze_weights(p + "downsample.proj.0.se", n, max(8, (n // 4 + 4) // 8 * 8))
            block(p + "downsample.proj.1", n, n, 1, identity=True)
        if stage >= 3:
            convolution_weights(w, p + "pos_emb.pos_enc", n, 1, 7)
        for i in range(depth):
            p = f"{t}stages.{stage}.blocks.{i}."
            if stage < 3:
                block(p + "token_mixer.mixer", n, 1, 3, identity=True)
                batch_norm_weights(w, p + "token_mixer.norm.identity", n)
                factors(p + "token_mixer.layer_scale", n)
                factors(p + "layer_scale", n)
            else:
                (w.norm if five else lambda *a: batch_norm_weights(w, *a))(p + "norm", n)
                w.linear(p + "token_mixer.qkv", 3 * n, n, bias=False)
                w.linear(p + "token_mixer.proj", n, n)
                factors(p + "layer_scale_1", n)
                factors(p + "layer_scale_2", n)
            branch(p + "mlp.conv", n, 1, 7)
            inside = (4 if five else 3) * n
            convolution_weights(w, p + "mlp.fc1", inside, n, 1)
            convolution_weights(w, p + "mlp.fc2", n, inside, 1)
    block(t + "final_conv", 2 * n, 1, 3)
    squeeze_weights(t + "final_conv.se", 2 * n, 2 * n // 16)
    w.linear(t + "head.fc", model["embed_dim"], 2 * n)


# ---- the families ----

TEXT = towers.TEXT
# What stands in the timm library's table of models; the tests know these names (tests/support/tower_folders.c).
VITAMIN = {"stem": 6, "depths": (2, 1), "widths": (6, 10), "width": 24, "layers": 2, "heads": 3, "mlp": 40}
CONVNEXT = {"depths": (1, 2, 1, 1), "widths": (6, 10, 12, 24)}
TIMM = {
    "tiny_convnext_base": {**CONVNEXT, "eps": 1e-6},
    "tiny_convnext_xxlarge": {**CONVNEXT, "eps": 1e-5},
    "convnext_base": {"depths": (3, 3, 27, 3), "widths": (128, 256, 512, 1024), "eps": 1e-6},
    "tiny_vitamin_base_224": {**VITAMIN, "positions": True},
    "tiny_vitamin_xlarge_256": {**VITAMIN, "positions": False},
    "tiny_vit_base_mci_224": {"stem": 6, "width": 24, "layers": 2, "heads": 3, "mlp": 40},
    "tiny_fastvit_mci0": {"depths": (1, 1, 1, 2), "widths": (4, 8, 16, 32)},
    "tiny_fastvit_mci3": {"depths": (1, 2, 1, 1, 1), "widths": (4, 8, 16, 32, 64)},
    "vitamin_base_224": {"stem": 128, "depths": (2, 4), "widths": (128, 256), "width": 768, "layers": 14, "heads": 12,
                         "mlp": 1536, "positions": True},
}


def trunk(name, size, proj):
    return {"image_size": size, "timm_model_name": name, "timm_pool": "", "timm_proj": proj}



FAMILIES = {
    "resnet": {"embed_dim": 48, "text_cfg": TEXT,
               "vision_cfg": {"image_size": 64, "layers": [1, 2, 1, 1], "width": 2, "head_width": 16, "patch_size": None}},
    "vitamin": {"custom_text": True, "text_cfg": TEXT, "vision_cfg": trunk("tiny_vitamin_base_224", 48, "linear")},
    "vitamin-no-position": {"custom_text": True, "text_cfg": TEXT,
                            "vision_cfg": trunk("tiny_vitamin_xlarge_256", 48, "mlp")},
    "convnext": {"text_cfg": TEXT, "vision_cfg": trunk("tiny_convnext_base", 64, "linear")},
    "mobileclip-vit": {"custom_text": True, "text_cfg": {**TEXT, "no_causal_mask": False},
                       "vision_cfg": {**trunk("tiny_vit_base_mci_224", 48, None), "timm_pool": "token"}},
    "fastvit": {"custom_text": True, "text_cfg": {**TEXT, "no_causal_mask": True},
                "vision_cfg": {**trunk("tiny_fastvit_mci0", 64, None), "timm_pool": "avg"}},
    "fastvit-five": {"custom_text": True, "text_cfg": {**TEXT, "no_causal_mask": True},
                     "vision_cfg": {**trunk("tiny_fastvit_mci3", 128, None), "timm_pool": "avg"}},
    "convnext-mlp": {"text_cfg": TEXT, "vision_cfg": trunk("tiny_convnext_xxlarge", 64, "mlp")},
}


def kind_of(model):
    name = model["vision_cfg"].get("timm_model_name", "")
    return next((kind for kind in VISION if kind in name), "resnet")


VISION = {"resnet": (resnet_weights, resnet_vision), "vitamin": (vitamin_weights, vitamin_vision),
          "convnext": (convnext_weights, convnext_vision), "vit_base_mci": (mci_weights, mci_vision),
          "fastvit": (fastvit_weights, fastvit_vision)}


def write_model(folder, model, weights):
    os.makedirs(folder, exist_ok=True)
    weights.write(os.path.join(folder, "open_clip_model.safetensors"))
    with open(os.path.join(folder, "open_clip_config.json"), "w") as f:
        json.dump({"model_cfg": model}, f, indent=1)
        f.write("\n")


def main():
    folder = os.path.join(GOLDEN, "towers")
    ids = towers.read_ids()
    for name, cfg in FAMILIES.items():
        model = {"embed_dim": EMBED, **cfg}
        make, vision = VISION[kind_of(model)]
        towers.EMBED = model["embed_dim"]
        weights = Weights(zlib.crc32(name.encode()))
        weights.draw("logit_scale", (), 0.1, 2.0)
        weights.open_clip_text(model)
        make(weights, model)
        pixels = torch.from_numpy(make_pixels(model["vision_cfg"]["image_size"]).astype(np.float64))
        own = os.path.join(folder, name)
        write_model(own, model, weights)
        np.save(os.path.join(own, "text_embeddings.npy"),
                towers.open_clip_text(weights.sd, model, ids).numpy().astype(np.float32))
        images = vision(weights.sd, model, pixels).numpy().astype(np.float32)
        np.save(os.path.join(own, "image_embeddings.npy"), images)
        if name == "resnet":  # as an archive without a configuration has it (golden/torch/write.py): heads of 64
            plain = {**model, "vision_cfg": {**model["vision_cfg"], "head_width": 64}}
            images = vision(weights.sd, plain, pixels).numpy().astype(np.float32)
            np.save(os.path.join(own, "archive_embeddings.npy"), images)
        print(name, sum(t.numel() for t in weights.sd.values()), "numbers; largest", abs(images).max())


SPEED = {
    "resnet": {"embed_dim": 1024, "vision_cfg": {"image_size": 224, "layers": [3, 4, 6, 3], "width": 64}},
    "vitamin": {"embed_dim": 512, "vision_cfg": trunk("vitamin_base_224", 224, "linear")},
    "convnext": {"embed_dim": 512, "vision_cfg": trunk("convnext_base", 224, "linear")},
}


def write_for_speed(folder, kind):
    towers.VOCABULARY, towers.CONTEXT, towers.EMBED = 1000, 77, SPEED[kind]["embed_dim"]
    model = {**SPEED[kind], "custom_text": kind == "vitamin",
             "text_cfg": {"vocab_size": 1000, "width": 512, "heads": 8, "layers": 12, "context_length": 77}}
    weights = Weights(1)
    weights.draw("logit_scale", (), 0.1, 2.0)
    weights.open_clip_text(model)
    VISION[kind][0](weights, model)
    write_model(folder, model, weights)
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(os.path.join(GOLDEN, "tiny-quickgelu", file), folder)
    torch.set_num_threads(1)
    sd = {name: tensor.float() for name, tensor in weights.sd.items()}
    side, count, begin = model["vision_cfg"]["image_size"], 0, time.time()
    x = torch.randn(8, 3, side, side)
    while count < 16 or time.time() - begin < 10:
        VISION[kind][1](sd, model, x)
        count += len(x)
    print(f"plain torch {torch.__version__}: {count / (time.time() - begin):.2f} images/s on one core")


if __name__ == "__main__":
    with torch.no_grad():
        if len(sys.argv) in (3, 4) and sys.argv[1] == "--speed":
            write_for_speed(sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else "resnet")
        elif len(sys.argv) == 1:
            main()
        else:
            sys.exit(__doc__)
