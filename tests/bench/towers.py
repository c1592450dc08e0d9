#!/usr/bin/env python3
"""Every kind of tower that is read beside CLIP's own, restated plainly in PyTorch, and tiny checkpoints of each.

    python3 tests/bench/towers.py                  writes tests/golden/towers anew (needs python3-torch, python3-numpy)
    python3 tests/bench/towers.py --speed FOLDER   writes three checkpoints of ViT-B/32's size into FOLDER, whose text
                                                   towers are causal, bidirectional, and that with 32 tokens:
                                                   negbank check --model FOLDER/causal says how fast each is
    python3 tests/bench/towers.py --speed-roberta FOLDER   the same of roberta-base and of a CLIP of its widths and layers

Weights are random, of fixed seeds, in the names and shapes of the library whose checkpoints they stand for: open_clip
(transformer.py: TextTransformer, VisionTransformer, AttentionalPooler, text_global_pool; timm_model.py; hf_model.py),
timm (models/eva.py, models/vision_transformer.py, layers/pos_embed_sincos.py, layers/attention_pool.py) and transformers
(models/roberta, models/t5, models/m2m_100: the encoders). They are stored in half precision; embeddings are computed in double precision of the stored
numbers and are not normalised. The texts are the first ones of golden/tiny-quickgelu, whose vocabulary all of them have.
"""
import json
import math
import os
import shutil
import struct
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
TEXTS, IMAGES, CONTEXT, VOCABULARY, END = 24, 6, 12, 1000, 999
SIZE, PATCH, EMBED = 12, 4, 16


# ---- the pieces ----

def activation(x, quick, kwargs):
    if quick:
        return x * torch.sigmoid(1.702 * x)
    return F.gelu(x, approximate=(kwargs or {}).get("approximate", "none"))


def norm(sd, name, x, eps):
    return F.layer_norm(x, x.shape[-1:], sd[name + ".weight"], sd[name + ".bias"], eps)


def linear(sd, name, x):
    return F.linear(x, sd[name + ".weight"], sd.get(name + ".bias"))


def softmax_attention(q, k, v, heads, mask=None):
    """Queries, keys and values [batch, rows, width] -> [batch, rows, width]."""
    b, n, w = q.shape
    q, k, v = (t.reshape(b, n, heads, w // heads).transpose(1, 2) for t in (q, k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(w // heads)
    if mask is not None:
        scores = scores + mask
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, w)


# ---- open_clip ----

def open_clip_blocks(sd, prefix, cfg, x, heads, quick, mask):
    eps = (cfg.get("norm_kwargs") or {}).get("eps", 1e-5)
    for i in range(cfg["layers"]):
        p = f"{prefix}transformer.resblocks.{i}."
        h = norm(sd, p + "ln_1", x, eps)
        q, k, v = F.linear(h, sd[p + "attn.in_proj_weight"], sd[p + "attn.in_proj_bias"]).chunk(3, -1)
        h = softmax_attention(q, k, v, heads, mask)
        if cfg.get("scale_attn_inner"):
            h = norm(sd, p + "attn.ln_inner", h, eps)
        h = linear(sd, p + "attn.out_proj", h)
        x = x + (h * sd[p + "ls_1.gamma"] if cfg.get("ls_init_value") is not None else h)
        h = activation(linear(sd, p + "mlp.c_fc", norm(sd, p + "ln_2", x, eps)), quick, cfg.get("act_kwargs"))
        if cfg.get("scale_fc"):
            h = norm(sd, p + "mlp.ln", h, eps)
        h = linear(sd, p + "mlp.c_proj", h)
        x = x + (h * sd[p + "ls_2.gamma"] if cfg.get("ls_init_value") is not None else h)
    return x


def open_clip_text(sd, model, ids):
    cfg = model["text_cfg"]
    prefix = "text." if model.get("custom_text") else ""
    x, rows, mask = sd[prefix + "token_embedding.weight"][ids], CONTEXT, None
    if cfg.get("embed_cls"):  # CoCa: a class token behind the context
        x, rows = torch.cat([x, sd[prefix + "cls_emb"].expand(len(x), 1, -1)], 1), CONTEXT + 1
    x = x + sd[prefix + "positional_embedding"]
    if not cfg.get("no_causal_mask"):
        mask = torch.full((rows, rows), -math.inf).triu(1).to(x.dtype)
    if cfg.get("embed_cls"):
        seen, own = ids != 0, torch.ones(len(ids), 1, dtype=torch.bool)
        seen = torch.cat([seen, own] if cfg.get("correct_cls_mask") else [own, seen], 1)
        mask = mask + torch.zeros(len(ids), 1, 1, rows, dtype=x.dtype).masked_fill(~seen[:, None, None], -math.inf)
    x = open_clip_blocks(sd, prefix, cfg, x, cfg["heads"], model.get("quick_gelu", False), mask)
    x = norm(sd, prefix + "ln_final", x, (cfg.get("norm_kwargs") or {}).get("eps", 1e-5))
    pool = "last" if cfg.get("embed_cls") else cfg.get("pool_type", "argmax")
    if pool == "first":
        x = x[:, 0]
    elif pool == "last":
        x = x[:, -1]
    elif pool == "argmax":
        x = x[torch.arange(len(x)), ids.argmax(-1)]
    else:
        x = x[torch.arange(len(x)), (ids == cfg["eos_id"]).int().argmax(-1)]
    if cfg.get("proj_type") == "none":
        return x
    if cfg.get("proj_bias"):
        return linear(sd, prefix + "text_projection", x)
    return x @ sd[prefix + "text_projection"]


def open_clip_vision(sd, model, pixels):
    cfg = model["vision_cfg"]
    eps = (cfg.get("norm_kwargs") or {}).get("eps", 1e-5)
    x = F.conv2d(pixels, sd["visual.conv1.weight"], stride=PATCH).flatten(2).transpose(1, 2)
    x = torch.cat([sd["visual.class_embedding"].expand(len(x), 1, -1), x], 1) + sd["visual.positional_embedding"]
    if not cfg.get("no_ln_pre"):
        x = norm(sd, "visual.ln_pre", x, eps)
    x = open_clip_blocks(sd, "visual.", cfg, x, cfg["width"] // cfg["head_width"], model.get("quick_gelu", False), None)
    average = cfg.get("pool_type", "tok") == "avg"
    if cfg.get("attentional_pool"):
        a, heads, embed = "visual.attn_pool.", cfg["attn_pooler_heads"], EMBED
        rows, query = norm(sd, a + "ln_k", x, eps), norm(sd, a + "ln_q", sd[a + "query"], eps)
        bias = sd[a + "attn.in_proj_bias"].chunk(3)
        q = F.linear(query, sd[a + "attn.q_proj_weight"], bias[0]).expand(len(x), -1, -1)
        k = F.linear(rows, sd[a + "attn.k_proj_weight"], bias[1])
        v = F.linear(rows, sd[a + "attn.v_proj_weight"], bias[2])
        q, k, v = (t.reshape(len(x), -1, heads, embed // heads).transpose(1, 2) for t in (q, k, v))
        x = (q @ k.transpose(-1, -2) / math.sqrt(embed // heads)).softmax(-1) @ v
        x = linear(sd, a + "attn.out_proj", x.transpose(1, 2).reshape(len(pixels), -1, embed))
        x = norm(sd, "visual.ln_post", x, eps)[:, 0]
    elif cfg.get("final_ln_after_pool"):
        x = norm(sd, "visual.ln_post", x[:, 1:].mean(1) if average else x[:, 0], eps)
    else:
        x = norm(sd, "visual.ln_post", x, eps)
        x = x[:, 1:].mean(1) if average else x[:, 0]
    return x @ sd["visual.proj"]


# ---- transformers' text towers in open_clip ----

def relative_kind(distance, kinds=32, farthest=128):
    """T5Attention._relative_position_bucket, bidirectional."""
    side = kinds // 2
    at, n, near = (distance > 0).long() * side, distance.abs(), side // 2
    far = near + (torch.log(n.float() / near) / math.log(farthest / near) * (side - near)).long()
    return at + torch.where(n < near, n, far.clamp(max=side - 1))


def roberta_rows(sd, t, ids, heads, layers):
    seen = ids != 1
    places = seen.long().cumsum(1) * seen + 1
    e = t + "embeddings."
    x = sd[e + "word_embeddings.weight"][ids] + sd[e + "token_type_embeddings.weight"][0]
    x = norm(sd, e + "LayerNorm", x + sd[e + "position_embeddings.weight"][places], 1e-5)
    mask = torch.zeros(ids.shape, dtype=x.dtype).masked_fill(~seen, -math.inf)[:, None, None]
    for i in range(layers):
        p = f"{t}encoder.layer.{i}."
        q, k, v = (linear(sd, p + "attention.self." + name, x) for name in ("query", "key", "value"))
        h = linear(sd, p + "attention.output.dense", softmax_attention(q, k, v, heads, mask))
        x = norm(sd, p + "attention.output.LayerNorm", x + h, 1e-5)
        h = linear(sd, p + "output.dense", F.gelu(linear(sd, p + "intermediate.dense", x)))
        x = norm(sd, p + "output.LayerNorm", x + h, 1e-5)
    return x, seen


def mt5_rows(sd, t, ids, heads, layers):
    def rms(name, x):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * sd[name + ".weight"]

    seen, x = ids != 0, sd[t + "embed_tokens.weight"][ids]
    place = torch.arange(ids.shape[1])
    kinds = relative_kind(place[None, :] - place[:, None])
    bias = sd[t + "block.0.layer.0.SelfAttention.relative_attention_bias.weight"][kinds].permute(2, 0, 1)[None]
    bias = bias + torch.zeros(ids.shape, dtype=x.dtype).masked_fill(~seen, -math.inf)[:, None, None]
    for i in range(layers):
        p = f"{t}block.{i}.layer.0."
        h = rms(p + "layer_norm", x)
        q, k, v = (linear(sd, p + "SelfAttention." + name, h) for name in "qkv")
        q = q * math.sqrt(q.shape[-1] // heads)  # T5 does not scale
        x = x + linear(sd, p + "SelfAttention.o", softmax_attention(q, k, v, heads, bias))
        p = f"{t}block.{i}.layer.1."
        h, d = rms(p + "layer_norm", x), p + "DenseReluDense."
        h = F.gelu(linear(sd, d + "wi_0", h), approximate="tanh") * linear(sd, d + "wi_1", h)
        x = x + linear(sd, d + "wo", h)
    return rms(t + "final_layer_norm", x), seen


def nllb_rows(sd, t, ids, heads, layers):
    seen, x = ids != 1, sd[t + "embed_tokens.weight"][ids]
    half = x.shape[-1] // 2
    places = (seen.long().cumsum(1) * seen + 1).double()
    angles = places[..., None] * torch.exp(torch.arange(half).double() * (-math.log(10000.0) / (half - 1)))
    x = x * math.sqrt(x.shape[-1]) + torch.cat([angles.sin(), angles.cos()], -1)
    mask = torch.zeros(ids.shape, dtype=x.dtype).masked_fill(~seen, -math.inf)[:, None, None]
    for i in range(layers):
        p = f"{t}layers.{i}."
        h = norm(sd, p + "self_attn_layer_norm", x, 1e-5)
        q, k, v = (linear(sd, p + f"self_attn.{name}_proj", h) for name in "qkv")
        x = x + linear(sd, p + "self_attn.out_proj", softmax_attention(q, k, v, heads, mask))
        h = F.relu(linear(sd, p + "fc1", norm(sd, p + "final_layer_norm", x, 1e-5)))
        x = x + linear(sd, p + "fc2", h)
    return norm(sd, t + "layer_norm", x, 1e-5), seen


def foreign_text(sd, model, ids):
    cfg, t = model["text_cfg"], "text.transformer."
    kind = FOREIGN[cfg["hf_model_name"]]
    ids = torch.where(PADDING, torch.full_like(ids, kind["pad"]), ids)
    x, seen = kind["rows"](sd, t, ids, kind["heads"], kind["layers"])
    if cfg["hf_pooler_type"] == "mean_pooler":
        x = (x * seen[..., None]).sum(1) / seen.sum(1, keepdim=True)
    else:
        x = x[:, 0]
        if t + "pooler.dense.weight" in sd:
            x = torch.tanh(linear(sd, t + "pooler.dense", x))
    if cfg.get("hf_proj_type", "mlp") == "linear":
        return linear(sd, "text.proj", x)
    return linear(sd, "text.proj.2", F.gelu(linear(sd, "text.proj.0", x)))


# ---- timm: EVA ----

def rotary(side, reference, head, offset=0, indexing="ij"):
    """Sines and cosines [side * side, head] of RotaryEmbeddingCat(head, in_pixels=False, ref_feat_shape=reference,
    grid_offset=offset, grid_indexing=indexing)."""
    bands = 1.0 / 10000.0 ** (torch.arange(head // 4, dtype=torch.float64) / (head // 4))
    t = (torch.arange(side, dtype=torch.float64) + offset) / side * reference
    grid = torch.stack(torch.meshgrid(t, t, indexing=indexing), -1).unsqueeze(-1)
    angles = (grid * bands).reshape(side * side, -1).repeat_interleave(2, -1)
    return angles.sin(), angles.cos()


def rotate(x, sin, cos):
    turned = torch.stack([-x[..., 1::2], x[..., ::2]], -1).reshape(x.shape)
    return x * cos + turned * sin


def eva_vision(sd, model, pixels, tower):
    cfg, t, eps = model["vision_cfg"], "visual.trunk.", 1e-6
    heads, width = tower["heads"], tower["width"]
    x = F.conv2d(pixels, sd[t + "patch_embed.proj.weight"], sd[t + "patch_embed.proj.bias"], stride=PATCH)
    x = x.flatten(2).transpose(1, 2)
    x = torch.cat([sd[t + "cls_token"].expand(len(x), -1, -1), x], 1) + sd[t + "pos_embed"]
    sin, cos = rotary(SIZE // PATCH, tower["rotary"], width // heads) if tower["rotary"] else (None, None)

    def attention(p, h):
        if p + "qkv.weight" in sd:
            bias = torch.cat([sd[p + "q_bias"], torch.zeros(width, dtype=x.dtype), sd[p + "v_bias"]])
            q, k, v = F.linear(h, sd[p + "qkv.weight"], bias).chunk(3, -1)
        else:
            q, k, v = linear(sd, p + "q_proj", h), linear(sd, p + "k_proj", h), linear(sd, p + "v_proj", h)
        if tower["rotary"]:
            def turned(y):
                b, n, _ = y.shape
                y = y.reshape(b, n, heads, width // heads).transpose(1, 2)
                y = torch.cat([y[:, :, :1], rotate(y[:, :, 1:], sin, cos)], 2)
                return y.transpose(1, 2).reshape(b, n, width)
            q, k = turned(q), turned(k)
        h = softmax_attention(q, k, v, heads)
        if p + "norm.weight" in sd:
            h = norm(sd, p + "norm", h, eps)
        return linear(sd, p + "proj", h)

    def mlp(p, h):
        if p + "fc1_g.weight" in sd:
            h = F.silu(linear(sd, p + "fc1_g", h)) * linear(sd, p + "fc1_x", h)
            h = norm(sd, p + "norm", h, eps)
        else:
            h = F.gelu(linear(sd, p + "fc1", h))
        return linear(sd, p + "fc2", h)

    for i in range(tower["layers"]):
        p = f"{t}blocks.{i}."
        if tower["post_norm"]:
            x = x + norm(sd, p + "norm1", attention(p + "attn.", x), eps)
            x = x + norm(sd, p + "norm2", mlp(p + "mlp.", x), eps)
        else:
            x = x + attention(p + "attn.", norm(sd, p + "norm1", x, eps))
            x = x + mlp(p + "mlp.", norm(sd, p + "norm2", x, eps))
    if cfg["timm_pool"] == "avg" and not cfg["timm_proj"]:
        x = norm(sd, t + "fc_norm", x[:, 1:].mean(1), eps)
    elif cfg["timm_pool"] == "avg":  # made for the class token, then open_clip resets the pooling
        x = norm(sd, t + "norm", x, eps)[:, 1:].mean(1)
    else:
        x = norm(sd, t + "norm", x, eps)[:, 0]
    return linear(sd, "visual.head.proj" if cfg["timm_proj"] else t + "head", x)


# ---- timm: PE-Core ----

def pe_core_vision(sd, pixels, tower):
    t, eps = "visual.trunk.", 1e-5
    heads, width = tower["heads"], tower["width"]
    prefix = 1 if tower["class_token"] else 0
    x = F.conv2d(pixels, sd[t + "patch_embed.proj.weight"], stride=PATCH).flatten(2).transpose(1, 2)
    if prefix:
        x = torch.cat([sd[t + "cls_token"].expand(len(x), -1, -1), x], 1)
    x = norm(sd, t + "norm_pre", x + sd[t + "pos_embed"], eps)
    sin, cos = rotary(SIZE // PATCH, tower["rotary"], width // heads, prefix, "xy")

    def turned(y):
        b, n, _ = y.shape
        y = y.reshape(b, n, heads, width // heads).transpose(1, 2)
        y = torch.cat([y[:, :, :prefix], rotate(y[:, :, prefix:], sin, cos)], 2)
        return y.transpose(1, 2).reshape(b, n, width)

    for i in range(tower["layers"]):
        p = f"{t}blocks.{i}."
        q, k, v = linear(sd, p + "attn.qkv", norm(sd, p + "norm1", x, eps)).chunk(3, -1)
        x = x + linear(sd, p + "attn.proj", softmax_attention(turned(q), turned(k), v, heads))
        x = x + linear(sd, p + "mlp.fc2", F.gelu(linear(sd, p + "mlp.fc1", norm(sd, p + "norm2", x, eps))))
    x = norm(sd, t + "norm", x, eps)
    a, (b, n, _), of = t + "attn_pool.", x.shape, tower["pool_heads"]  # AttentionPoolLatent
    q = linear(sd, a + "q", sd[a + "latent"].expand(b, -1, -1))
    q, k, v = (y.reshape(b, -1, of, width // of).transpose(1, 2) for y in (q, *linear(sd, a + "kv", x).chunk(2, -1)))
    x = (q @ k.transpose(-1, -2) / math.sqrt(width // of)).softmax(-1) @ v
    x = linear(sd, a + "proj", x.transpose(1, 2).reshape(b, 1, width))
    x = x + linear(sd, a + "mlp.fc2", F.gelu(linear(sd, a + "mlp.fc1", norm(sd, a + "norm", x, eps))))
    return linear(sd, t + "head", x[:, 0])


# ---- timm: ViT ----

def timm_vision(sd, model, pixels, tower):
    cfg, t, heads = model["vision_cfg"], "visual.trunk.", tower["heads"]
    gap = "gap" in cfg["timm_model_name"]
    eps = 1e-6 if gap else 1e-5
    x = F.conv2d(pixels, sd[t + "patch_embed.proj.weight"], sd.get(t + "patch_embed.proj.bias"), stride=PATCH)
    x = x.flatten(2).transpose(1, 2)
    if gap:
        x = x + sd[t + "pos_embed"]
    else:
        x = torch.cat([sd[t + "cls_token"].expand(len(x), -1, -1), x], 1) + sd[t + "pos_embed"]
        x = norm(sd, t + "norm_pre", x, eps)
    for i in range(tower["layers"]):
        p = f"{t}blocks.{i}."
        q, k, v = linear(sd, p + "attn.qkv", norm(sd, p + "norm1", x, eps)).chunk(3, -1)
        x = x + linear(sd, p + "attn.proj", softmax_attention(q, k, v, heads)) * sd.get(p + "ls1.gamma", 1.0)
        h = F.gelu(linear(sd, p + "mlp.fc1", norm(sd, p + "norm2", x, eps)))
        x = x + linear(sd, p + "mlp.fc2", h) * sd.get(p + "ls2.gamma", 1.0)
    x = norm(sd, t + "norm", x, eps)
    x = x.mean(1) if gap else x[:, 0]
    return linear(sd, "visual.head.proj" if cfg["timm_proj"] else t + "head", x)


# ---- random weights ----

class Weights:
    """Draws tensors, rounded to half precision; `sd` has them in double precision."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.sd = {}

    def draw(self, name, shape, deviation=None, mean=0.0):
        deviation = shape[-1] ** -0.5 if deviation is None else deviation
        values = np.asarray(mean + deviation * self.random.standard_normal(shape), dtype=np.float16)
        self.sd[name] = torch.tensor(values.astype(np.float64))

    def norm(self, name, width):
        self.draw(name + ".weight", (width,), 0.2, 1.0)
        self.draw(name + ".bias", (width,), 0.2)

    def linear(self, name, outputs, inputs, bias=True):
        self.draw(name + ".weight", (outputs, inputs))
        if bias:
            self.draw(name + ".bias", (outputs,), 0.2)

    def open_clip_blocks(self, prefix, cfg):
        w = cfg["width"]
        for i in range(cfg["layers"]):
            p = f"{prefix}transformer.resblocks.{i}."
            self.norm(p + "ln_1", w)
            self.draw(p + "attn.in_proj_weight", (3 * w, w))
            self.draw(p + "attn.in_proj_bias", (3 * w,), 0.2)
            self.linear(p + "attn.out_proj", w, w)
            self.norm(p + "ln_2", w)
            self.linear(p + "mlp.c_fc", 4 * w, w)
            self.linear(p + "mlp.c_proj", w, 4 * w)
            if cfg.get("scale_attn_inner"):
                self.norm(p + "attn.ln_inner", w)
            if cfg.get("scale_fc"):
                self.norm(p + "mlp.ln", 4 * w)
            if cfg.get("ls_init_value") is not None:
                self.draw(p + "ls_1.gamma", (w,), 0.2, 0.5)
                self.draw(p + "ls_2.gamma", (w,), 0.2, 0.5)

    def open_clip_text(self, model):
        cfg = model["text_cfg"]
        w, p = cfg["width"], "text." if model.get("custom_text") else ""
        self.draw(p + "token_embedding.weight", (VOCABULARY, w), 1.0)
        self.draw(p + "positional_embedding", (CONTEXT + cfg.get("embed_cls", False), w), 0.5)
        if cfg.get("embed_cls"):
            self.draw(p + "cls_emb", (w,), 1.0)
            self.draw("text_decoder.text_projection", (2, 3))
        self.open_clip_blocks(p, cfg)
        self.norm(p + "ln_final", w)
        if cfg.get("proj_bias"):
            self.linear(p + "text_projection", EMBED, w)
        elif cfg.get("proj_type") != "none":
            self.draw(p + "text_projection", (w, EMBED), w ** -0.5)

    def open_clip_vision(self, model):
        cfg = model["vision_cfg"]
        w = cfg["width"]
        self.draw("visual.class_embedding", (w,), 1.0)
        self.draw("visual.positional_embedding", ((SIZE // PATCH) ** 2 + 1, w), 0.5)
        self.draw("visual.conv1.weight", (w, 3, PATCH, PATCH), 0.2)
        if not cfg.get("no_ln_pre"):
            self.norm("visual.ln_pre", w)
        self.open_clip_blocks("visual.", cfg)
        if cfg.get("attentional_pool"):
            a = "visual.attn_pool."
            self.draw(a + "query", (cfg["attn_pooler_queries"], EMBED), 1.0)
            self.draw(a + "attn.q_proj_weight", (EMBED, EMBED))
            self.draw(a + "attn.k_proj_weight", (EMBED, w))
            self.draw(a + "attn.v_proj_weight", (EMBED, w))
            self.draw(a + "attn.in_proj_bias", (3 * EMBED,), 0.2)
            self.linear(a + "attn.out_proj", EMBED, EMBED)
            self.norm(a + "ln_q", EMBED)
            self.norm(a + "ln_k", w)
            w = EMBED
        self.norm("visual.ln_post", w)
        self.draw("visual.proj", (w, EMBED), w ** -0.5)

    def foreign_text(self, model):
        cfg, t = model["text_cfg"], "text.transformer."
        kind = FOREIGN[cfg["hf_model_name"]]
        w, m = kind["width"], kind["mlp"]
        if kind["rows"] is roberta_rows:
            e = t + "embeddings."
            self.draw(e + "word_embeddings.weight", (VOCABULARY, w), 1.0)
            self.draw(e + "position_embeddings.weight", (CONTEXT + 3, w), 0.5)
            self.draw(e + "token_type_embeddings.weight", (1, w), 0.5)
            self.norm(e + "LayerNorm", w)
            if cfg["hf_pooler_type"] == "cls_pooler":
                self.linear(t + "pooler.dense", w, w)
        else:
            self.draw(t + "embed_tokens.weight", (VOCABULARY, w), 1.0 if kind["rows"] is mt5_rows else w ** -0.5)
        for i in range(kind["layers"]):
            if kind["rows"] is roberta_rows:
                p = f"{t}encoder.layer.{i}."
                for name in ("query", "key", "value"):
                    self.linear(p + "attention.self." + name, w, w)
                self.linear(p + "attention.output.dense", w, w)
                self.norm(p + "attention.output.LayerNorm", w)
                self.linear(p + "intermediate.dense", m, w)
                self.linear(p + "output.dense", w, m)
                self.norm(p + "output.LayerNorm", w)
            elif kind["rows"] is mt5_rows:
                p = f"{t}block.{i}."
                for name in "qkvo":
                    self.draw(f"{p}layer.0.SelfAttention.{name}.weight", (w, w), w ** (-0.5 if name in "vo" else -0.75))
                if i == 0:
                    self.draw(p + "layer.0.SelfAttention.relative_attention_bias.weight", (32, kind["heads"]), 1.0)
                self.draw(p + "layer.0.layer_norm.weight", (w,), 0.2, 1.0)
                self.linear(p + "layer.1.DenseReluDense.wi_0", m, w, bias=False)
                self.linear(p + "layer.1.DenseReluDense.wi_1", m, w, bias=False)
                self.linear(p + "layer.1.DenseReluDense.wo", w, m, bias=False)
                self.draw(p + "layer.1.layer_norm.weight", (w,), 0.2, 1.0)
            else:
                p = f"{t}layers.{i}."
                for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    self.linear(p + "self_attn." + name, w, w)
                self.norm(p + "self_attn_layer_norm", w)
                self.linear(p + "fc1", m, w)
                self.linear(p + "fc2", w, m)
                self.norm(p + "final_layer_norm", w)
        if kind["rows"] is mt5_rows:
            self.draw(t + "final_layer_norm.weight", (w,), 0.2, 1.0)
        elif kind["rows"] is nllb_rows:
            self.norm(t + "layer_norm", w)
        if cfg.get("hf_proj_type", "mlp") == "linear":
            self.linear("text.proj", EMBED, w, bias=False)
        else:
            self.linear("text.proj.0", (w + EMBED) // 2, w, bias=False)
            self.linear("text.proj.2", EMBED, (w + EMBED) // 2, bias=False)

    def eva_vision(self, model, tower):
        w, m, t, cfg = tower["width"], tower["mlp"], "visual.trunk.", model["vision_cfg"]
        self.draw(t + "cls_token", (1, 1, w), 1.0)
        self.draw(t + "pos_embed", (1, (SIZE // PATCH) ** 2 + 1, w), 0.5)
        self.draw(t + "patch_embed.proj.weight", (w, 3, PATCH, PATCH), 0.2)
        self.draw(t + "patch_embed.proj.bias", (w,), 0.2)
        for i in range(tower["layers"]):
            p = f"{t}blocks.{i}."
            self.norm(p + "norm1", w)
            self.norm(p + "norm2", w)
            self.linear(p + "attn.proj", w, w)
            self.linear(p + "mlp.fc2", w, m)
            if tower["rotary"]:
                self.linear(p + "attn.q_proj", w, w)
                self.linear(p + "attn.k_proj", w, w, bias=False)
                self.linear(p + "attn.v_proj", w, w)
                self.norm(p + "attn.norm", w)
                self.linear(p + "mlp.fc1_g", m, w)
                self.linear(p + "mlp.fc1_x", m, w)
                self.norm(p + "mlp.norm", m)
            else:
                self.linear(p + "attn.qkv", 3 * w, w, bias=False)
                self.draw(p + "attn.q_bias", (w,), 0.2)
                self.draw(p + "attn.v_bias", (w,), 0.2)
                self.linear(p + "mlp.fc1", m, w)
        self.norm(t + ("fc_norm" if cfg["timm_pool"] == "avg" and not cfg["timm_proj"] else "norm"), w)
        self.linear("visual.head.proj" if cfg["timm_proj"] else t + "head", EMBED, w)

    def pe_core_vision(self, tower):
        w, t, a = tower["width"], "visual.trunk.", "visual.trunk.attn_pool."
        if tower["class_token"]:
            self.draw(t + "cls_token", (1, 1, w), 1.0)
        self.draw(t + "pos_embed", (1, (SIZE // PATCH) ** 2 + tower["class_token"], w), 0.5)
        self.draw(t + "patch_embed.proj.weight", (w, 3, PATCH, PATCH), 0.2)
        self.norm(t + "norm_pre", w)
        for i in range(tower["layers"]):
            p = f"{t}blocks.{i}."
            self.norm(p + "norm1", w)
            self.linear(p + "attn.qkv", 3 * w, w)
            self.linear(p + "attn.proj", w, w)
            self.norm(p + "norm2", w)
            self.linear(p + "mlp.fc1", tower["mlp"], w)
            self.linear(p + "mlp.fc2", w, tower["mlp"])
        self.norm(t + "norm", w)
        self.draw(a + "latent", (1, 1, w), 1.0)
        self.linear(a + "q", w, w)
        self.linear(a + "kv", 2 * w, w)
        self.linear(a + "proj", w, w)
        self.norm(a + "norm", w)
        self.linear(a + "mlp.fc1", tower["pool_mlp"], w)
        self.linear(a + "mlp.fc2", w, tower["pool_mlp"])
        self.linear(t + "head", EMBED, w)

    def timm_vision(self, model, tower):
        w, m, t, cfg = tower["width"], tower["mlp"], "visual.trunk.", model["vision_cfg"]
        gap = "gap" in cfg["timm_model_name"]
        if not gap:
            self.draw(t + "cls_token", (1, 1, w), 1.0)
            self.norm(t + "norm_pre", w)
        else:
            self.draw(t + "patch_embed.proj.bias", (w,), 0.2)
        self.draw(t + "pos_embed", (1, (SIZE // PATCH) ** 2 + (not gap), w), 0.5)
        self.draw(t + "patch_embed.proj.weight", (w, 3, PATCH, PATCH), 0.2)
        for i in range(tower["layers"]):
            p = f"{t}blocks.{i}."
            self.norm(p + "norm1", w)
            self.norm(p + "norm2", w)
            self.linear(p + "attn.qkv", 3 * w, w, bias=not gap)
            self.linear(p + "attn.proj", w, w)
            self.linear(p + "mlp.fc1", m, w)
            self.linear(p + "mlp.fc2", w, m)
            if gap:
                self.draw(p + "ls1.gamma", (w,), 0.2, 0.5)
                self.draw(p + "ls2.gamma", (w,), 0.2, 0.5)
        self.norm(t + "norm", w)
        self.linear("visual.head.proj" if cfg["timm_proj"] else t + "head", EMBED, w, bias=not cfg["timm_proj"])

    def write(self, path):
        header, at, parts = {}, 0, []
        for name, tensor in self.sd.items():
            data = tensor.numpy().astype("<f2").tobytes()
            header[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
            parts.append(data)
            at += len(data)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


# ---- the families ----

TEXT = {"context_length": CONTEXT, "vocab_size": VOCABULARY, "width": 16, "heads": 2, "layers": 2}
VISION = {"image_size": SIZE, "layers": 2, "width": 24, "head_width": 8, "patch_size": PATCH}
# What stands in the timm library's table of models; the tests know these names (tests/support/tower_folders.c).
TIMM = {
    "tiny_eva02_base_patch16_clip_224": {"width": 24, "layers": 2, "heads": 2, "mlp": 40, "rotary": 16, "post_norm": False},
    "tiny_eva_giant_patch14_clip_224": {"width": 24, "layers": 2, "heads": 3, "mlp": 40, "rotary": 0, "post_norm": False},
    "tiny_vit_large_patch14_clip_224": {"width": 24, "layers": 2, "heads": 3, "mlp": 40},
    "tiny_vit_medium_patch16_gap_256": {"width": 24, "layers": 2, "heads": 3, "mlp": 40},
    "tiny_eva02_enormous_patch14_clip_224": {"width": 24, "layers": 2, "heads": 3, "mlp": 40, "rotary": 0, "post_norm": True},
    "tiny_vit_pe_core_base_patch16_224": {"width": 24, "layers": 2, "heads": 2, "mlp": 40, "rotary": 14,
                                          "class_token": True, "pool_heads": 1, "pool_mlp": 56},
    "tiny_vit_pe_core_gigantic_patch14_448": {"width": 24, "layers": 2, "heads": 2, "mlp": 40, "rotary": 32,
                                              "class_token": False, "pool_heads": 3, "pool_mlp": 32},
}


# The same of the transformers library's models.
FOREIGN = {
    "tiny_roberta-base": {"rows": roberta_rows, "width": 24, "layers": 2, "heads": 3, "mlp": 40, "pad": 1},
    "tiny_mt5-base": {"rows": mt5_rows, "width": 24, "layers": 2, "heads": 3, "mlp": 40, "pad": 0},
    "tiny_nllb-200-distilled-600M": {"rows": nllb_rows, "width": 24, "layers": 2, "heads": 3, "mlp": 40, "pad": 1},
}
COCA = {**VISION, "attentional_pool": True, "attn_pooler_heads": 4, "attn_pooler_queries": 5, "output_tokens": True}


def foreign(name, pooler, **more):
    return {"context_length": CONTEXT, "hf_model_name": name, "hf_pooler_type": pooler, **more}


def eva(name, pool, proj, **more):
    return {"image_size": SIZE, "timm_model_name": name, "timm_pool": pool, "timm_proj": proj, **more}


FAMILIES = {
    "causal-last": {"custom_text": True, "text_cfg": {**TEXT, "pool_type": "last", "proj_bias": True,
                                                      "act_kwargs": {"approximate": "tanh"}},
                    "vision_cfg": {**VISION, "pool_type": "avg", "act_kwargs": {"approximate": "tanh"}}},
    "causal-eos": {"quick_gelu": True, "text_cfg": {**TEXT, "pool_type": "eos", "eos_id": END, "ls_init_value": 0.1},
                   "vision_cfg": {**VISION, "ls_init_value": 0.1, "patch_dropout": 0.5}},
    "causal-first": {"text_cfg": {**TEXT, "pool_type": "first"},
                     "vision_cfg": {**VISION, "no_ln_pre": True, "final_ln_after_pool": True}},
    "clipa": {"custom_text": True, "text_cfg": {**TEXT, "pool_type": "last", "no_causal_mask": True,
                                                "act_kwargs": {"approximate": "tanh"}, "norm_kwargs": {"eps": 1e-6}},
              "vision_cfg": {**VISION, "pool_type": "avg", "no_ln_pre": True, "final_ln_after_pool": True,
                             "pos_embed_type": "sin_cos_2d", "norm_kwargs": {"eps": 1e-6},
                             "act_kwargs": {"approximate": "tanh"}}},
    "bidirectional-argmax": {"quick_gelu": True, "text_cfg": {**TEXT, "no_causal_mask": True, "ls_init_value": 0.1},
                             "vision_cfg": {**VISION, "ls_init_value": 0.1, "pool_type": "avg",
                                            "norm_kwargs": {"eps": 0.01}}},
    "bidirectional-first": {"text_cfg": {**TEXT, "no_causal_mask": True, "pool_type": "first", "proj_type": "none",
                                         "scale_attn_inner": True, "scale_fc": True},
                            "vision_cfg": {**VISION, "scale_attn_inner": True, "scale_fc": True}},
    "eva02": {"custom_text": True, "text_cfg": TEXT,
              "vision_cfg": eva("tiny_eva02_base_patch16_clip_224", "token", None)},
    "eva02-avg": {"custom_text": True, "text_cfg": TEXT,
                  "vision_cfg": eva("tiny_eva02_base_patch16_clip_224", "avg", "linear", timm_proj_bias=True)},
    "eva01": {"custom_text": True, "text_cfg": TEXT,
              "vision_cfg": eva("tiny_eva_giant_patch14_clip_224", "token", None)},
    "eva01-avg": {"custom_text": True, "text_cfg": TEXT,
                  "vision_cfg": eva("tiny_eva_giant_patch14_clip_224", "avg", None)},
    "timm-clip": {"custom_text": True, "text_cfg": {**TEXT, "no_causal_mask": True},
                  "vision_cfg": eva("tiny_vit_large_patch14_clip_224", "token", None)},
    "timm-gap": {"custom_text": True, "text_cfg": TEXT,
                 "vision_cfg": eva("tiny_vit_medium_patch16_gap_256", "", "linear")},
    "eva02-enormous": {"custom_text": True, "text_cfg": TEXT,
                       "vision_cfg": eva("tiny_eva02_enormous_patch14_clip_224", "token", None)},
    "pe-core": {"custom_text": True, "text_cfg": TEXT,
                "vision_cfg": eva("tiny_vit_pe_core_base_patch16_224", "map", None)},
    "pe-core-patches": {"custom_text": True, "text_cfg": TEXT,
                        "vision_cfg": eva("tiny_vit_pe_core_gigantic_patch14_448", "map", None)},
    "roberta": {"text_cfg": foreign("tiny_roberta-base", "mean_pooler"), "vision_cfg": VISION},
    "roberta-cls": {"text_cfg": foreign("tiny_roberta-base", "cls_pooler", hf_proj_type="linear"), "vision_cfg": VISION},
    "mt5": {"text_cfg": foreign("tiny_mt5-base", "mean_pooler"), "vision_cfg": VISION},
    "nllb": {"text_cfg": foreign("tiny_nllb-200-distilled-600M", "cls_pooler", hf_proj_type="linear"),
             "vision_cfg": VISION},
    "coca": {"custom_text": True, "multimodal_cfg": {"context_length": CONTEXT, "vocab_size": VOCABULARY},
             "text_cfg": {**TEXT, "embed_cls": True, "output_tokens": True}, "vision_cfg": COCA},
    "coca-correct": {"custom_text": True, "multimodal_cfg": {"context_length": CONTEXT, "vocab_size": VOCABULARY},
                     "text_cfg": {**TEXT, "embed_cls": True, "correct_cls_mask": True}, "vision_cfg": COCA},
}


def write_for_speed(folder):
    global CONTEXT, VOCABULARY, SIZE, PATCH, EMBED
    VOCABULARY, SIZE, PATCH, EMBED = 1000, 224, 32, 512
    text = {"vocab_size": VOCABULARY, "width": 512, "heads": 8, "layers": 12}
    vision = {"image_size": SIZE, "layers": 12, "width": 768, "head_width": 64, "patch_size": PATCH}
    for name, own, context in (("causal", {}, 77), ("bidirectional", {"no_causal_mask": True}, 77),
                               ("bidirectional-32", {"no_causal_mask": True}, 32)):
        CONTEXT = context
        model = {"text_cfg": {**text, **own, "context_length": context}, "vision_cfg": vision}
        weights, path = Weights(1), os.path.join(folder, name)
        weights.draw("logit_scale", (), 0.1, 2.0)
        weights.open_clip_text(model)
        weights.open_clip_vision(model)
        os.makedirs(path)
        weights.write(os.path.join(path, "open_clip_model.safetensors"))
        with open(os.path.join(path, "open_clip_config.json"), "w") as f:
            json.dump({"model_cfg": {"embed_dim": EMBED, **model}}, f)
        for file in ("vocab.json", "merges.txt"):
            shutil.copy(os.path.join(GOLDEN, "tiny-quickgelu", file), path)


def write_roberta_for_speed(folder):
    global CONTEXT, VOCABULARY, SIZE, PATCH, EMBED
    CONTEXT, SIZE, PATCH, EMBED = 77, 32, 32, 512
    FOREIGN["roberta-base"] = {"rows": roberta_rows, "width": 768, "layers": 12, "heads": 12, "mlp": 3072, "pad": 1}
    vision = {"image_size": SIZE, "layers": 1, "width": 64, "patch_size": PATCH}
    clip = {"vocab_size": 1000, "width": 768, "heads": 12, "layers": 12, "context_length": CONTEXT}
    for name, text, files in (("clip-768", clip, "tiny-quickgelu"), ("roberta", foreign("roberta-base", "mean_pooler"),
                                                                   "byte_level")):
        VOCABULARY = text.get("vocab_size", 50265)
        weights, path, model = Weights(1), os.path.join(folder, name), {"text_cfg": text, "vision_cfg": vision}
        weights.draw("logit_scale", (), 0.1, 2.0)
        if name == "roberta":
            weights.foreign_text(model)
            p = "text.transformer.embeddings.position_embeddings.weight"
            weights.sd[p] = torch.cat([weights.sd[p], torch.zeros(514 - len(weights.sd[p]), 768)])
        else:
            weights.open_clip_text(model)
        weights.open_clip_vision({"vision_cfg": {**vision, "head_width": 64}})
        os.makedirs(path)
        weights.write(os.path.join(path, "open_clip_model.safetensors"))
        with open(os.path.join(path, "open_clip_config.json"), "w") as f:
            json.dump({"model_cfg": {"embed_dim": EMBED, **model}}, f)
        with open(os.path.join(GOLDEN, files, "vocab.json"), encoding="utf-8") as f:
            ids = json.load(f)
        for i in range(len(ids), VOCABULARY):  # tokens that no text has
            ids[f"unused{i}"] = i
        with open(os.path.join(path, "vocab.json"), "w", encoding="utf-8") as f:
            json.dump(ids, f, ensure_ascii=False)
        shutil.copy(os.path.join(GOLDEN, files, "merges.txt"), path)


# Texts with the tokens 0 and 1 inside, which some towers take for padding, by that vocabulary: !"a !"! b; !"" b "!; and
# one that is cut.
ODD = [[998, 0, 257, 320, 0, 1, 256, 321, 999], [998, 0, 1, 257, 321, 1, 256, 999], [998] + 5 * [0, 257] + [999]]


def odd_ids():
    global PADDING
    ids = torch.zeros((len(ODD), CONTEXT), dtype=torch.int64)
    PADDING = torch.ones(ids.shape, dtype=torch.bool)
    for i, own in enumerate(ODD):
        ids[i, :len(own)] = torch.tensor(own)
        PADDING[i, :len(own)] = False
    return ids


def read_ids():
    global PADDING
    ids = torch.zeros((TEXTS, CONTEXT), dtype=torch.int64)
    PADDING = torch.ones((TEXTS, CONTEXT), dtype=torch.bool)
    with open(os.path.join(GOLDEN, "tiny-quickgelu", "texts.jsonl")) as f:
        for i, line in zip(range(TEXTS), f):
            own = json.loads(line)["ids"]
            own = own if len(own) <= CONTEXT else own[:CONTEXT - 1] + [END]
            ids[i, :len(own)] = torch.tensor(own)
            PADDING[i, :len(own)] = False
    return ids


def main():
    folder = os.path.join(GOLDEN, "towers")
    pixels = np.random.default_rng(1).standard_normal((IMAGES, 3, SIZE, SIZE)).astype(np.float32)
    os.makedirs(folder, exist_ok=True)
    np.save(os.path.join(folder, "pixels.npy"), pixels.reshape(IMAGES, -1))
    pixels = torch.from_numpy(pixels.astype(np.float64))
    for name, model in FAMILIES.items():
        own = os.path.join(folder, name)
        os.makedirs(own, exist_ok=True)
        weights = Weights(zlib.crc32(name.encode()))
        weights.draw("logit_scale", (), 0.1, 2.0)
        is_foreign = "hf_model_name" in model["text_cfg"]
        if is_foreign:
            weights.foreign_text(model)
        else:
            weights.open_clip_text(model)
        tower = TIMM.get(model["vision_cfg"].get("timm_model_name"))
        if tower and "pool_heads" in tower:
            weights.pe_core_vision(tower)
            images = pe_core_vision(weights.sd, pixels, tower)
        elif tower and "rotary" not in tower:
            weights.timm_vision(model, tower)
            images = timm_vision(weights.sd, model, pixels, tower)
        elif tower:
            weights.eva_vision(model, tower)
            images = eva_vision(weights.sd, model, pixels, tower)
        else:
            weights.open_clip_vision(model)
            images = open_clip_vision(weights.sd, model, pixels)
        text_tower = foreign_text if is_foreign else open_clip_text
        if is_foreign or model["text_cfg"].get("embed_cls"):
            odd = text_tower(weights.sd, model, odd_ids())
            np.save(os.path.join(own, "odd_embeddings.npy"), odd.numpy().astype(np.float32))
        texts = text_tower(weights.sd, model, read_ids())
        weights.write(os.path.join(own, "open_clip_model.safetensors"))
        np.save(os.path.join(own, "text_embeddings.npy"), texts.numpy().astype(np.float32))
        np.save(os.path.join(own, "image_embeddings.npy"), images.numpy().astype(np.float32))
        with open(os.path.join(own, "open_clip_config.json"), "w") as f:
            json.dump({"model_cfg": {"embed_dim": EMBED, **model}}, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--speed":
        write_for_speed(sys.argv[2])
    elif len(sys.argv) == 3 and sys.argv[1] == "--speed-roberta":
        write_roberta_for_speed(sys.argv[2])
    elif len(sys.argv) == 1:
        main()
    else:
        sys.exit(__doc__)
