"""Writes the golden checkpoint (../tiny-quickgelu) with torch.save and torch.jit.save, and keeps of every file what is
not a tensor's data: NAME.rest holds these bytes one behind another, NAME.parts says how they and the data follow each
other. The tests put the files together again (tests/support/weights/torch_files.c) and check the SHA-256 of the whole.

    python3 write.py [FOLDER]     needs torch (Debian: python3-torch 1.13) and numpy; FOLDER gets the whole files, too

A line of NAME.parts: "sha256 HEX" of the file; "rest N", N bytes of NAME.rest; "f32 TENSOR", "f16 TENSOR" or "bf16 TENSOR",
the data of a tensor of tiny-quickgelu under the name of Hugging Face or, with "open_clip" in front, of open_clip, in
that precision; "i64 N", the numbers 0 to N - 1. The seeds of tests/fuzz/common/checkpoint/fuzz_torch.c are written, too."""
import hashlib
import json
import os
import struct
import sys
import tempfile

import numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
PAIRS = {"attn.out_proj": "self_attn.out_proj", "ln_1": "layer_norm1", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
         "ln_2": "layer_norm2"}
ONCE = {"positional_embedding": "text_model.embeddings.position_embedding.weight",
        "text_projection": "text_projection.weight", "logit_scale": "logit_scale",
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "visual.proj": "visual_projection.weight",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "visual.ln_pre.weight": "vision_model.pre_layrnorm.weight",
        "visual.ln_pre.bias": "vision_model.pre_layrnorm.bias",
        "visual.ln_post.weight": "vision_model.post_layernorm.weight",
        "visual.ln_post.bias": "vision_model.post_layernorm.bias",
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "ln_final.weight": "text_model.final_layer_norm.weight", "ln_final.bias": "text_model.final_layer_norm.bias"}


def read_safetensors(path):
    with open(path, "rb") as f:
        length = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(length))
        data = f.read()
    out = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            dtype = {"F32": "<f4", "F16": "<f2"}[entry["dtype"]]
            array = numpy.frombuffer(data[begin:end], dtype=dtype).reshape(entry["shape"])
            out[name] = torch.from_numpy(array.copy())
    return out


def open_clip_names(hf):
    out = {}
    for name, old in ONCE.items():
        tensor = hf[old]
        out[name] = tensor.t().contiguous() if name in ("text_projection", "visual.proj") else tensor
    for tower, old in (("transformer", "text_model"), ("visual.transformer", "vision_model")):
        layer = 0
        while f"{old}.encoder.layers.{layer}.layer_norm1.weight" in hf:
            block, source = f"{tower}.resblocks.{layer}", f"{old}.encoder.layers.{layer}"
            for kind in ("weight", "bias"):
                out[f"{block}.attn.in_proj_{kind}"] = torch.cat(
                    [hf[f"{source}.self_attn.{p}_proj.{kind}"] for p in "qkv"])
                for new, was in PAIRS.items():
                    out[f"{block}.{new}.{kind}"] = hf[f"{source}.{was}.{kind}"]
            layer += 1
    return out


class Node(torch.nn.Module):
    """A module whose tree of attributes has the names of a state dict."""

    def forward(self, x):
        return x


def module_of(state):
    root = Node()
    for name, tensor in state.items():
        node, path = root, name.split(".")
        for step in path[:-1]:
            if step not in node._modules:
                node.add_module(step, Node())
            node = node._modules[step]
        if tensor.is_floating_point():
            node.register_parameter(path[-1], torch.nn.Parameter(tensor, requires_grad=False))
        else:
            node.register_buffer(path[-1], tensor)
    return root


def script(path, state):
    """As OpenAI's archives: a traced module, with the numbers that build_model drops."""
    state = dict(state)
    for name, value in (("input_resolution", 32), ("context_length", 77), ("vocab_size", 1000)):
        state[name] = torch.tensor(value)
    traced = torch.jit.trace(module_of(state).eval(), torch.zeros(1), check_trace=False)
    torch.jit.save(traced, path)


def bytes_of(tensor):
    tensor = tensor.contiguous()
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().tobytes()


WORD = {torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16"}


def keep(path, name, pieces):
    """pieces: (words, tensor) that the file holds somewhere; the longest first, since a short one may lie in a long one."""
    with open(path, "rb") as f:
        whole = f.read()
    found, taken = [], bytearray(len(whole))
    for words, tensor in pieces:
        data = bytes_of(tensor)
        if len(data) < 64:
            continue
        at = whole.find(data)
        while at >= 0:
            if not any(taken[at:at + len(data)]):
                found.append((at, len(data), words))
                taken[at:at + len(data)] = b"\1" * len(data)
                break
            at = whole.find(data, at + 1)
    rest, lines, at = b"", ["sha256 " + hashlib.sha256(whole).hexdigest()], 0
    for begin, length, words in sorted(found) + [(len(whole), 0, "")]:
        if begin > at:
            rest += whole[at:begin]
            lines.append(f"rest {begin - at}")
        if length:
            lines.append(words)
        at = begin + length
    with open(os.path.join(HERE, name + ".rest"), "wb") as f:
        f.write(rest)
    with open(os.path.join(HERE, name + ".parts"), "w") as f:
        f.write("\n".join(lines) + "\n")
    print(f"{name}: {len(whole)} bytes, {len(rest)} kept")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()
    hf = read_safetensors(os.path.join(HERE, "..", "tiny-quickgelu", "model.safetensors"))
    oc = open_clip_names(hf)
    positions = {"text_model.embeddings.position_ids": torch.arange(77).expand((1, -1)).contiguous(),
                 "vision_model.embeddings.position_ids": torch.arange(17).expand((1, -1)).contiguous()}

    def pieces(states):
        out = []
        for prefix, state in states:
            for name, tensor in state.items():
                if tensor.dtype == torch.int64:
                    out.append((f"i64 {tensor.numel()}", tensor))
                else:
                    out.append((f"{prefix}{WORD[tensor.dtype]} {name}", tensor))
        return sorted(out, key=lambda piece: -piece[1].numel())

    def write(name, how, *states):
        path = os.path.join(folder, name)
        how(path)
        keep(path, name, pieces(states))

    def as_type(state, dtype):
        return {name: tensor.to(dtype) for name, tensor in state.items()}

    from collections import OrderedDict
    full = OrderedDict({**positions, **hf})
    full._metadata = OrderedDict({"": {"version": 1}})  # as a module's state_dict() has it
    write("pytorch_model.bin", lambda p: torch.save(full, p), ("", full))
    write("legacy.bin", lambda p: torch.save(full, p, _use_new_zipfile_serialization=False), ("", full))
    half, brain = as_type(hf, torch.float16), as_type(hf, torch.bfloat16)
    write("half.bin", lambda p: torch.save(half, p), ("", half))
    write("bfloat_legacy.bin", lambda p: torch.save(brain, p, _use_new_zipfile_serialization=False), ("", brain))
    write("open_clip_pytorch_model.bin", lambda p: torch.save(OrderedDict(oc), p), ("open_clip ", oc))
    # two storages for all tensors, projections stored as the transpose of what they are, parameters as such
    flat = torch.cat([tensor.reshape(-1) for tensor in hf.values()])
    views, at = OrderedDict(), 0
    for name, tensor in hf.items():
        views[name] = flat[at:at + tensor.numel()].view(tensor.shape)
        at += tensor.numel()
    for name in ("text_projection.weight", "visual_projection.weight"):
        views[name] = torch.nn.Parameter(hf[name].t().contiguous().t())
    turned = {"text_projection": oc["text_projection"], "visual.proj": oc["visual.proj"]}
    write("views.bin", lambda p: torch.save(views, p), ("", hf), ("open_clip ", turned))
    # a training checkpoint of open_clip, of a model in DistributedDataParallel
    training = {"epoch": 3, "name": "run", "state_dict": OrderedDict(("module." + k, v) for k, v in oc.items()),
                "optimizer": {"state": {0: {"step": 7, "exp_avg": torch.zeros(3), "exp_avg_sq": torch.ones(3)}},
                              "param_groups": [{"lr": 5e-4, "betas": (0.9, 0.98), "amsgrad": False, "params": [0]}]}}
    write("epoch_3.pt", lambda p: torch.save(training, p), ("open_clip ", oc))
    oc_half = as_type(oc, torch.float16)
    write("script.pt", lambda p: script(p, oc), ("open_clip ", oc))
    write("script_half.pt", lambda p: script(p, oc_half), ("open_clip ", oc_half))
    # an archive of a ResNet: that of ../towers/resnet beside the text tower of the others; its batch norms are in single
    # precision and hold how many steps they were trained
    convolutions = read_safetensors(os.path.join(HERE, "..", "towers", "resnet", "open_clip_model.safetensors"))
    resnet = {name: tensor for name, tensor in oc_half.items() if not name.startswith("visual.")}
    for name, tensor in convolutions.items():
        if name.startswith("visual."):
            resnet[name] = tensor.float() if ".bn" in name or "downsample.1" in name else tensor
        if name.endswith("running_var"):
            resnet[name.replace("running_var", "num_batches_tracked")] = torch.tensor(7)
    write("resnet.pt", lambda p: script(p, resnet), ("open_clip ", {k: v for k, v in oc_half.items() if k in resnet}))
    names = sorted(full)
    for i in range(2):
        shard = {name: full[name] for k, name in enumerate(names) if k % 2 == i}
        write(f"pytorch_model-0000{i + 1}-of-00002.bin", lambda p: torch.save(shard, p), ("", shard))
    index = {"metadata": {"total_size": sum(t.numel() * t.element_size() for t in full.values())},
             "weight_map": {name: f"pytorch_model-0000{k % 2 + 1}-of-00002.bin" for k, name in enumerate(names)}}
    with open(os.path.join(HERE, "pytorch_model.bin.index.json"), "w") as f:
        json.dump(index, f, indent=1)
        f.write("\n")

    write_seeds(folder)


def write_seeds(folder):
    seeds = os.path.join(HERE, "..", "..", "fuzz", "corpus", "torch")
    os.makedirs(seeds, exist_ok=True)
    base = torch.arange(6, dtype=torch.float32)
    state = {"a": base[2:4], "b.c": torch.nn.Parameter(base.view(2, 3).t()), "d": torch.ones(2, 1).half()}
    for name, mode, how in (("zip", 0, lambda p: torch.save(state, p)), ("sealed", 1, lambda p: torch.save(state, p)),
                            ("script", 1, lambda p: torch.jit.save(torch.jit.trace(module_of(state), base), p)),
                            ("nested", 1, lambda p: torch.save({"state_dict": {"module." + k: v for k, v in
                                                                               state.items()}, "epoch": 3}, p)),
                            ("old", 0, lambda p: torch.save(state, p, _use_new_zipfile_serialization=False)),
                            ("old_object", 2, lambda p: torch.save(state, p, _use_new_zipfile_serialization=False))):
        path = os.path.join(folder, "seed")
        how(path)
        with open(path, "rb") as f:
            whole = f.read()
        if mode == 2:
            whole = whole[whole.index(b"\x80", whole.index(b"type_sizes")):]
        with open(os.path.join(seeds, name), "wb") as f:
            f.write(bytes([mode]) + whole)


main()
