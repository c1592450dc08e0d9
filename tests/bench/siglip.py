#!/usr/bin/env python3
"""SigLIP and SigLIP 2 restated plainly in PyTorch, their tokenizers as their own libraries apply them, and tiny
checkpoints of each.

    python3 tests/bench/siglip.py               writes tests/golden/siglip anew
    python3 tests/bench/siglip.py --speed DIR   writes DIR/clip and DIR/siglip: random models of equal size (ViT-B/16, text
                                                towers of width 768, 64 tokens) to compare `negbank check` of

The first needs python3-torch, python3-numpy, python3-sentencepiece, and the npm package `tokenizers` (Hugging Face's own, in Rust),
found by node through NODE_PATH.

    transformers   models/siglip: SiglipTextModel, SiglipVisionModel (SiglipMultiheadAttentionPoolingHead),
                   SiglipTokenizer; models/siglip2: Siglip2Tokenizer
    open_clip      transformer.py: TextTransformer, tokenizer.py: canonicalize_text; timm: models/vision_transformer.py,
                   layers/attention_pool.py

CLIP's model for the comparison has the vocabulary of golden/tiny-quickgelu, whose texts have more tokens than the real
one's.

Vocabularies are trained on the few texts below. Weights are random, of fixed seeds, stored in half precision; embeddings
are computed in double precision of the stored numbers and are not normalised.
"""
import base64
import html
import json
import os
import re
import shutil
import string
import struct
import subprocess
import sys
import tempfile

import numpy as np
import sentencepiece as spm
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from towers import Weights, linear, norm, softmax_attention  # noqa: E402

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "siglip")
CONTEXT, TOKENS_MOST, TEXTS, IMAGES, SIZE, PATCH, WIDTH, HEADS, LAYERS, MLP = 16, 64, 40, 4, 12, 4, 24, 3, 2, 40
EPS = 1e-6

TRAINING = """a photo of a dog
a photo of a cat on the mat
the quick brown fox jumps over the lazy dog
a red lantern at night, hanging above an old wooden door
three old umbrellas, folded and wet
it's the sea at night; it is never still
an aerial photograph of a river delta
a close-up of a small green frog on a leaf
people walking in the rain with umbrellas
a painting of mountains under a yellow sky
the cathedral and the market square in winter
a bowl of ripe oranges, apples and pears
wild geese flying over frozen fields
a child's drawing of a house with a red roof
photographs of trains, ships, trucks and bicycles
na\u00efve caf\u00e9 fa\u00e7ade d\u00e9j\u00e0 vu
1 2 3 4 5 6 7 8 9 0 10 20 1999 2024 100%
""".split("\n")

CASES = TRAINING + [
    "", " ", "   ", "!!!", "...", "_", "a", "A PHOTO OF A DOG", "a_photo_of_a_dog", "  leading and trailing  ",
    "tabs\tand\nlines", "a  b   c", "don't", "it's", "100%", "x<y>z", "&lt;b&gt; &amp;amp; co", "&#x41;&#66;",
    "</s>", "a </s> b", "<unk>", "a<unk>b", "</S> x", "ends </s>", "<pad> in text", "<eos>", "<bos>a", "<h1>title</h1>",
    "\u2581", "a\u2581b", "\u2581\u2581 two", "\u2581lead", "\ufb01ne \ufb02ow", "\uff21\uff22\uff23\uff11", "\u00bd cup", "cafe\u0301",
    "\u00a0nbsp\u00a0", "\u3000wide\u3000", "zero\u200bwidth", "soft\u00adhyphen", "\ufeffmark", "\u65e5\u672c\u8a9e", "\u65e5\u672c dog \u8a9e cat",
    "\u041f\u0440\u0438\u0432\u0435\u0442", "\u039f\u0394\u039f\u03a3 \u03a3", "\u0130stanbul", "STRASSE stra\u00dfe", "\U0001f600", "dog \U0001f468\u200d\U0001f469\u200d\U0001f467 dog", "\U0001f1e9\U0001f1ea",
    "e\u0301\u0301\u0301", "\ud55c\uad6d", "\u1112\u1161\u11ab", "\u0e01\u0e33", "aaaaaaaaaaaaaaaaaaaaaaaa", "abababababababab", "\n", "\n\n", "a\n\nb",
    "\u00d7\u00f7\u00b1", "1999 2024 3.14159", "a photo of a dog. " * 12, "the " * 100, "x" * 300, "\u65e5" * 100,
]


# ---- vocabularies ----

def train(path, **options):
    with tempfile.TemporaryDirectory() as work:
        texts, rules = os.path.join(work, "texts"), os.path.join(work, "rules.tsv")
        with open(texts, "w") as f:
            f.write("\n".join(TRAINING * 3))
        pairs = {"\ufb01": "fi", "\ufb02": "fl", "\u00bd": "1/2", "e\u0301": "\u00e9", "\u00a0": " ", "\u3000": " ", "\u200b": "", "\ufeff": "",
                 "\t": " ", "\n": " ", "\u1112\u1161\u11ab": "\ud55c"}
        pairs.update({chr(0xFF01 + i): chr(0x21 + i) for i in range(94)})
        with open(rules, "w") as f:
            for a, b in sorted(pairs.items()):
                f.write(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n")
        if options.pop("rules", False):
            options["normalization_rule_tsv"] = rules
        else:
            options["normalization_rule_name"] = "identity"
        spm.SentencePieceTrainer.train(input=texts, model_prefix=os.path.join(work, "m"), num_threads=1, minloglevel=2,
                                       **options)
        with open(os.path.join(work, "m.model"), "rb") as f:
            model = f.read()
    with open(path, "wb") as f:
        f.write(model)
    return model


def fields(data):
    """(number, value) of the fields of a Protocol Buffers message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
        else:
            size = varint() if tag & 7 == 2 else {1: 8, 5: 4}[tag & 7]
            yield tag >> 3, data[at:at + size]
            at += size


def charsmap(model):
    normalizer = next(value for number, value in fields(model) if number == 3)
    return next(value for number, value in fields(normalizer) if number == 2)


def added(pairs, special):
    return [{"id": i, "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
             "special": i < special} for text, i in pairs]


def template(end):
    return {"type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": end, "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {end: {"id": end, "ids": [1], "tokens": [end]}}}


def t5_json(model):
    """As transformers converts a T5 sentencepiece model."""
    sp = spm.SentencePieceProcessor(model_proto=model)
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": added([("<pad>", 0), ("</s>", 1), ("<unk>", 2)], 3),
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap(model)).decode()},
                {"type": "Strip", "strip_left": False, "strip_right": True},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}]},
            "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
            "post_processor": template("</s>"),
            "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
            "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": False,
                      "vocab": [[sp.id_to_piece(i), sp.get_score(i)] for i in range(len(sp))]}}


def gemma_json(model, user):
    """As transformers converts Gemma's sentencepiece model."""
    sp = spm.SentencePieceProcessor(model_proto=model)
    vocab = {sp.id_to_piece(i): i for i in range(len(sp))}
    merges = []
    for piece, i in vocab.items():
        cuts = [(piece[:k], piece[k:]) for k in range(1, len(piece)) if piece[:k] in vocab and piece[k:] in vocab]
        merges += [(left, right, sp.get_score(i)) for left, right in sorted(cuts, key=lambda c: (vocab[c[0]], vocab[c[1]]))]
    merges.sort(key=lambda m: (m[2], len(m[0]), len(m[1])), reverse=True)
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": added([("<pad>", 0), ("<eos>", 1), ("<bos>", 2), ("<unk>", 3)] + [(u, vocab[u]) for u in user], 4),
            "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
            "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
            "post_processor": template("<eos>"),
            "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
                                                         {"type": "ByteFallback"}, {"type": "Fuse"}]},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": vocab, "merges": [[left, right] for left, right, _ in merges]}}


# ---- tokens ----

def canonicalize(text):
    """open_clip's canonicalize_text behind its basic_clean, mojibake repair aside."""
    text = html.unescape(html.unescape(text)).strip().replace("_", " ")
    text = text.translate(str.maketrans("", "", string.punctuation)).lower()
    return re.sub(r"\s+", " ", text).strip()


def siglip_tokenizer(model):
    """SiglipTokenizer over the sentencepiece library."""
    sp = spm.SentencePieceProcessor(model_proto=model + b"\x1a\x02\x18\x00")  # add_dummy_prefix = False, merged
    unknown = len(sp.encode("<unk>"))

    def part(text):
        text = re.sub(r"\s+", " ", text.translate(str.maketrans("", "", string.punctuation))).strip()
        pieces = sp.encode("<unk>" + text, out_type=str)
        return pieces[unknown:] if len(pieces) >= unknown else pieces

    def encode(text):
        text = "".join(c.lower() for c in "\u2581" + text.replace("\u2581", " "))
        parts, pieces = re.split(r"(</s>|<unk>)", text), []
        for i in range(1, len(parts), 2):
            parts[i - 1], parts[i + 1] = parts[i - 1].rstrip(), parts[i + 1].lstrip()
        for i, one in enumerate(parts):
            pieces += [one] if i % 2 else part(one) if one else []
        if len(pieces) > 1 and pieces[0] == "\u2581" and pieces[1] in ("</s>", "<unk>"):
            pieces = pieces[1:]
        ids = [sp.piece_to_id(p) for p in pieces][:TOKENS_MOST - 1]
        return ids if ids and ids[-1] == 1 else ids + [1]
    return encode


def rust_ids(tokenizer, texts):
    """The ids of the tokenizers library, truncated."""
    script = """const {Tokenizer}=require('tokenizers'),fs=require('fs');
(async()=>{const [t,x]=process.argv.slice(1).map(f=>f);const k=Tokenizer.fromFile(t);k.setTruncation(%d);const o=[];
for(const s of JSON.parse(fs.readFileSync(x)))o.push((await k.encode(s)).getIds().map(Number));
console.log(JSON.stringify(o));})();""" % TOKENS_MOST
    with tempfile.TemporaryDirectory() as work:
        a, b = os.path.join(work, "tokenizer.json"), os.path.join(work, "texts.json")
        for path, value in ((a, tokenizer), (b, texts)):
            with open(path, "w") as f:
                json.dump(value, f)
        return json.loads(subprocess.run(["node", "-e", script, a, b], check=True, capture_output=True).stdout)


# ---- towers ----

def blocks(sd, prefix, names, x, tanh):
    for i in range(LAYERS):
        p = f"{prefix}{i}."
        h = norm(sd, p + names["norm1"], x, EPS)
        if "qkv" in names:
            q, k, v = F.linear(h, sd[p + names["qkv"] + "weight"], sd[p + names["qkv"] + "bias"]).chunk(3, -1)
        else:
            q, k, v = (linear(sd, p + f"self_attn.{n}_proj", h) for n in "qkv")
        x = x + linear(sd, p + names["out"], softmax_attention(q, k, v, HEADS))
        h = linear(sd, p + names["fc1"], norm(sd, p + names["norm2"], x, EPS))
        x = x + linear(sd, p + names["fc2"], F.gelu(h, approximate="tanh" if tanh else "none"))
    return x


HUGGING_FACE = {"norm1": "layer_norm1", "norm2": "layer_norm2", "out": "self_attn.out_proj", "fc1": "mlp.fc1", "fc2": "mlp.fc2"}
OPEN_CLIP = {"norm1": "ln_1", "norm2": "ln_2", "out": "attn.out_proj", "fc1": "mlp.c_fc", "fc2": "mlp.c_proj", "qkv": "attn.in_proj_"}
TIMM = {"norm1": "norm1", "norm2": "norm2", "out": "attn.proj", "fc1": "mlp.fc1", "fc2": "mlp.fc2", "qkv": "attn.qkv."}


def one_query(q, k, v):
    """A single query a sequence: [batch, 1, width] against [batch, rows, width]."""
    b, n, w = k.shape
    q, k, v = (t.reshape(b, -1, HEADS, w // HEADS).transpose(1, 2) for t in (q, k, v))
    scores = (q @ k.transpose(-1, -2) / (w // HEADS) ** 0.5).softmax(-1)
    return (scores @ v).transpose(1, 2).reshape(b, 1, w)


def patches(sd, name, pixels):
    return F.conv2d(pixels, sd[name + ".weight"], sd[name + ".bias"], stride=PATCH).flatten(2).transpose(1, 2)


def hugging_face_text(sd, ids):
    x = sd["text_model.embeddings.token_embedding.weight"][ids] + sd["text_model.embeddings.position_embedding.weight"]
    x = norm(sd, "text_model.final_layer_norm", blocks(sd, "text_model.encoder.layers.", HUGGING_FACE, x, True), EPS)
    return linear(sd, "text_model.head", x[:, -1])


def hugging_face_image(sd, pixels):
    x = patches(sd, "vision_model.embeddings.patch_embedding", pixels) + sd["vision_model.embeddings.position_embedding.weight"]
    x = norm(sd, "vision_model.post_layernorm", blocks(sd, "vision_model.encoder.layers.", HUGGING_FACE, x, True), EPS)
    h = "vision_model.head."
    (wq, wk, wv), (bq, bk, bv) = sd[h + "attention.in_proj_weight"].chunk(3), sd[h + "attention.in_proj_bias"].chunk(3)
    q = F.linear(sd[h + "probe"].expand(len(x), -1, -1), wq, bq)
    x = linear(sd, h + "attention.out_proj", one_query(q, F.linear(x, wk, bk), F.linear(x, wv, bv)))
    hidden = F.gelu(linear(sd, h + "mlp.fc1", norm(sd, h + "layernorm", x, EPS)), approximate="tanh")
    return (x + linear(sd, h + "mlp.fc2", hidden))[:, 0]


def open_clip_text(sd, ids):
    x = sd["text.token_embedding.weight"][ids] + sd["text.positional_embedding"]
    x = norm(sd, "text.ln_final", blocks(sd, "text.transformer.resblocks.", OPEN_CLIP, x, False), EPS)
    return linear(sd, "text.text_projection", x[:, -1])


def open_clip_image(sd, pixels):
    t = "visual.trunk."
    x = patches(sd, t + "patch_embed.proj", pixels) + sd[t + "pos_embed"]
    x = norm(sd, t + "norm", blocks(sd, t + "blocks.", TIMM, x, False), EPS)
    q = linear(sd, t + "attn_pool.q", sd[t + "attn_pool.latent"].expand(len(x), -1, -1))
    k, v = linear(sd, t + "attn_pool.kv", x).chunk(2, -1)
    x = linear(sd, t + "attn_pool.proj", one_query(q, k, v))
    hidden = F.gelu(linear(sd, t + "attn_pool.mlp.fc1", norm(sd, t + "attn_pool.norm", x, EPS)))
    return (x + linear(sd, t + "attn_pool.mlp.fc2", hidden))[:, 0]


# ---- random weights ----

def draw_blocks(w, prefix, names):
    for i in range(LAYERS):
        p = f"{prefix}{i}."
        w.norm(p + names["norm1"], WIDTH)
        w.norm(p + names["norm2"], WIDTH)
        if "qkv" in names:
            w.draw(p + names["qkv"] + "weight", (3 * WIDTH, WIDTH))
            w.draw(p + names["qkv"] + "bias", (3 * WIDTH,), 0.2)
        else:
            for n in "qkv":
                w.linear(p + f"self_attn.{n}_proj", WIDTH, WIDTH)
        w.linear(p + names["out"], WIDTH, WIDTH)
        w.linear(p + names["fc1"], MLP, WIDTH)
        w.linear(p + names["fc2"], WIDTH, MLP)


def draw_hugging_face(seed, vocabulary):
    w = Weights(seed)
    w.draw("logit_scale", (1,), 0.1, 2.0)
    w.draw("logit_bias", (1,), 0.1, -10.0)
    w.draw("text_model.embeddings.token_embedding.weight", (vocabulary, WIDTH), 1.0)
    w.draw("text_model.embeddings.position_embedding.weight", (CONTEXT, WIDTH), 0.5)
    draw_blocks(w, "text_model.encoder.layers.", HUGGING_FACE)
    w.norm("text_model.final_layer_norm", WIDTH)
    w.linear("text_model.head", WIDTH, WIDTH)
    v, h = "vision_model.", "vision_model.head."
    w.draw(v + "embeddings.patch_embedding.weight", (WIDTH, 3, PATCH, PATCH), 0.2)
    w.draw(v + "embeddings.patch_embedding.bias", (WIDTH,), 0.2)
    w.draw(v + "embeddings.position_embedding.weight", ((SIZE // PATCH) ** 2, WIDTH), 0.5)
    draw_blocks(w, v + "encoder.layers.", HUGGING_FACE)
    w.norm(v + "post_layernorm", WIDTH)
    w.draw(h + "probe", (1, 1, WIDTH), 1.0)
    w.draw(h + "attention.in_proj_weight", (3 * WIDTH, WIDTH))
    w.draw(h + "attention.in_proj_bias", (3 * WIDTH,), 0.2)
    w.linear(h + "attention.out_proj", WIDTH, WIDTH)
    w.norm(h + "layernorm", WIDTH)
    w.linear(h + "mlp.fc1", MLP, WIDTH)
    w.linear(h + "mlp.fc2", WIDTH, MLP)
    return w


def draw_open_clip(seed, vocabulary):
    w, t = Weights(seed), "visual.trunk."
    w.draw("logit_scale", (), 0.1, 2.0)
    w.draw("logit_bias", (), 0.1, -10.0)
    w.draw("text.token_embedding.weight", (vocabulary, WIDTH), 1.0)
    w.draw("text.positional_embedding", (CONTEXT, WIDTH), 0.5)
    draw_blocks(w, "text.transformer.resblocks.", OPEN_CLIP)
    w.norm("text.ln_final", WIDTH)
    w.linear("text.text_projection", WIDTH, WIDTH)
    w.draw(t + "patch_embed.proj.weight", (WIDTH, 3, PATCH, PATCH), 0.2)
    w.draw(t + "patch_embed.proj.bias", (WIDTH,), 0.2)
    w.draw(t + "pos_embed", (1, (SIZE // PATCH) ** 2, WIDTH), 0.5)
    draw_blocks(w, t + "blocks.", TIMM)
    w.norm(t + "norm", WIDTH)
    w.draw(t + "attn_pool.latent", (1, 1, WIDTH), 1.0)
    w.linear(t + "attn_pool.q", WIDTH, WIDTH)
    w.linear(t + "attn_pool.kv", 2 * WIDTH, WIDTH)
    w.linear(t + "attn_pool.proj", WIDTH, WIDTH)
    w.norm(t + "attn_pool.norm", WIDTH)
    w.linear(t + "attn_pool.mlp.fc1", MLP, WIDTH)
    w.linear(t + "attn_pool.mlp.fc2", WIDTH, MLP)
    return w


# ---- the folders ----

def write_json(folder, name, value):
    with open(os.path.join(folder, name), "w") as f:
        json.dump(value, f, indent=None if name == "tokenizer.json" else 1)
        f.write("\n")


def write_hugging_face(folder, vocabulary):
    tower = {"hidden_size": WIDTH, "intermediate_size": MLP, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    write_json(folder, "config.json", {
        "architectures": ["SiglipModel"], "model_type": "siglip",
        "text_config": {**tower, "model_type": "siglip_text_model", "vocab_size": vocabulary, "max_position_embeddings": CONTEXT},
        "vision_config": {**tower, "model_type": "siglip_vision_model", "image_size": SIZE, "patch_size": PATCH}})
    write_json(folder, "preprocessor_config.json", {
        "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        "image_processor_type": "SiglipImageProcessor", "processor_class": "SiglipProcessor", "resample": 3,
        "rescale_factor": 1 / 255, "size": {"height": SIZE, "width": SIZE}})


def write_open_clip(folder, vocabulary):
    write_json(folder, "open_clip_config.json", {
        "model_cfg": {"embed_dim": WIDTH, "init_logit_bias": -10, "custom_text": True,
                      "vision_cfg": {"image_size": SIZE, "timm_model_name": "tiny_vit_base_patch16_siglip_224",
                                     "timm_model_pretrained": False, "timm_pool": "map", "timm_proj": "none"},
                      "text_cfg": {"context_length": CONTEXT, "vocab_size": vocabulary, "hf_tokenizer_name": "tiny/siglip",
                                   "tokenizer_kwargs": {"clean": "canonicalize"}, "width": WIDTH, "heads": HEADS,
                                   "layers": LAYERS, "mlp_ratio": MLP / WIDTH + 0.001, "no_causal_mask": True,
                                   "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": EPS}}},
        "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}})


def write_embeddings(folder, weights, file, text, image, ids, pixels, pad):
    rows = torch.full((TEXTS, CONTEXT), pad, dtype=torch.int64)
    for i, own in enumerate(ids[:TEXTS]):
        own = own if len(own) <= CONTEXT else own[:CONTEXT - 1] + [1]
        rows[i, :len(own)] = torch.tensor(own)
    weights.write(os.path.join(folder, file))
    np.save(os.path.join(folder, "text_embeddings.npy"), text(weights.sd, rows).numpy().astype(np.float32))
    np.save(os.path.join(folder, "image_embeddings.npy"), image(weights.sd, pixels).numpy().astype(np.float32))


def write_speed(folder):
    """CLIP and SigLIP whose towers have the same widths and layers."""
    global WIDTH, HEADS, LAYERS, MLP, SIZE, PATCH, CONTEXT
    WIDTH, HEADS, LAYERS, MLP, SIZE, PATCH, CONTEXT = 768, 12, 12, 3072, 224, 16, 64
    siglip, clip = os.path.join(folder, "siglip"), os.path.join(folder, "clip")
    os.makedirs(siglip, exist_ok=True)
    os.makedirs(clip, exist_ok=True)
    write_hugging_face(siglip, 150)
    draw_hugging_face(1, 150).write(os.path.join(siglip, "model.safetensors"))
    for name in ("spiece.model", "tokenizer_config.json"):
        shutil.copy(os.path.join(FOLDER, "hugging-face", name), siglip)
    w = Weights(2)
    w.draw("logit_scale", (), 0.1, 2.0)
    for tower, rows in (("text_model.", CONTEXT), ("vision_model.", (SIZE // PATCH) ** 2 + 1)):
        w.draw(tower + "embeddings.position_embedding.weight", (rows, WIDTH), 0.5)
        draw_blocks(w, tower + "encoder.layers.", HUGGING_FACE)
    w.draw("text_model.embeddings.token_embedding.weight", (1000, WIDTH), 1.0)
    w.norm("text_model.final_layer_norm", WIDTH)
    w.draw("text_projection.weight", (WIDTH, WIDTH))
    w.draw("vision_model.embeddings.class_embedding", (WIDTH,), 1.0)
    w.draw("vision_model.embeddings.patch_embedding.weight", (WIDTH, 3, PATCH, PATCH), 0.2)
    w.norm("vision_model.pre_layrnorm", WIDTH)
    w.norm("vision_model.post_layernorm", WIDTH)
    w.draw("visual_projection.weight", (WIDTH, WIDTH))
    w.write(os.path.join(clip, "model.safetensors"))
    tower = {"hidden_size": WIDTH, "intermediate_size": MLP, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS}
    write_json(clip, "config.json", {
        "model_type": "clip", "projection_dim": WIDTH,
        "text_config": {**tower, "vocab_size": 1000, "max_position_embeddings": CONTEXT, "eos_token_id": 999},
        "vision_config": {**tower, "image_size": SIZE, "patch_size": PATCH}})
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(os.path.join(FOLDER, "..", "tiny-quickgelu", name), clip)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--speed":
        write_speed(sys.argv[2])
        return
    folders = {name: os.path.join(FOLDER, name) for name in ("hugging-face", "open-clip", "siglip2")}
    for folder in folders.values():
        os.makedirs(folder, exist_ok=True)
    user = ["\n", "\n\n", "\u2581\u2581", "<h1>", "</h1>"]
    t5 = train(os.path.join(folders["hugging-face"], "spiece.model"), model_type="unigram", vocab_size=150, rules=True,
               pad_id=0, eos_id=1, unk_id=2, bos_id=-1, character_coverage=1.0)
    gemma = train(os.path.join(folders["siglip2"], "tokenizer.model"), model_type="bpe", vocab_size=460, pad_id=0, eos_id=1,
                  bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", byte_fallback=True,
                  add_dummy_prefix=False, remove_extra_whitespaces=False, user_defined_symbols=user)
    t5_tokenizer, gemma_tokenizer = t5_json(t5), gemma_json(gemma, user)
    write_json(folders["open-clip"], "tokenizer.json", t5_tokenizer)
    write_json(folders["siglip2"], "tokenizer.json", gemma_tokenizer)
    write_json(folders["hugging-face"], "tokenizer_config.json", {
        "tokenizer_class": "SiglipTokenizer", "do_lower_case": True, "eos_token": "</s>", "pad_token": "</s>",
        "unk_token": "<unk>", "model_max_length": 64})
    write_json(folders["open-clip"], "tokenizer_config.json", {
        "tokenizer_class": "T5Tokenizer", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"})
    write_json(folders["siglip2"], "tokenizer_config.json", {
        "tokenizer_class": "GemmaTokenizer", "add_bos_token": False, "add_eos_token": True, "eos_token": "<eos>",
        "bos_token": "<bos>", "pad_token": "<pad>", "unk_token": "<unk>", "padding_side": "right"})
    siglip = siglip_tokenizer(t5)
    lower = dict(gemma_tokenizer, normalizer={"type": "Sequence", "normalizers": [{"type": "Lowercase"}, gemma_tokenizer["normalizer"]]})
    ids = {"hugging-face": [siglip(text) for text in CASES],
           "open-clip": rust_ids(t5_tokenizer, [canonicalize(text) for text in CASES]),
           "siglip2": rust_ids(lower, CASES)}
    with open(os.path.join(FOLDER, "cases.jsonl"), "w") as f:
        for i, text in enumerate(CASES):
            f.write(json.dumps({"text": text, **{name: own[i] for name, own in ids.items()}}) + "\n")
    pixels = np.random.default_rng(1).standard_normal((IMAGES, 3, SIZE, SIZE)).astype(np.float32)
    np.save(os.path.join(FOLDER, "pixels.npy"), pixels.reshape(IMAGES, -1))
    pixels = torch.from_numpy(pixels.astype(np.float64))
    sizes = {"hugging-face": 150, "open-clip": 150, "siglip2": 460}
    for seed, (name, folder) in enumerate(folders.items()):
        if name == "open-clip":
            write_open_clip(folder, sizes[name])
            write_embeddings(folder, draw_open_clip(seed, sizes[name]), "open_clip_model.safetensors", open_clip_text,
                             open_clip_image, ids[name], pixels, 1)
        else:
            write_hugging_face(folder, sizes[name])
            write_embeddings(folder, draw_hugging_face(seed, sizes[name]), "model.safetensors", hugging_face_text,
                             hugging_face_image, ids[name], pixels, 1 if name == "hugging-face" else 0)


if __name__ == "__main__":
    main()
