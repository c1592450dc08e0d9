#!/usr/bin/env python3
"""Makes tests/golden/byte_level: a small vocabulary of RoBERTa's kind and the ids that the tokenizers library gives texts.

    npm install --prefix FOLDER tokenizers@0.23.2 && NODE_PATH=FOLDER/node_modules python3 tests/bench/bytelevel.py

vocab.json, merges.txt and tokenizer.json (model BPE, pre_tokenizer ByteLevel, post_processor RobertaProcessing) are the
same vocabulary. cases.jsonl: `ids` of each text as it is, cut to 24. With --fuzz FILE 4000 random texts go to FILE
instead, with their ids.
"""
import json
import os
import random
import subprocess
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "byte_level")
CUT = 24
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
WORDS = ("a photo of the dog and its cat , a dog's tail . the photos in 1000 boxes don't say what I'll see ; they're red "
         "caf\u00e9 \u72d7 \u732b \u043a\u043e\u0442 \U0001f415 !!! ... (a) \"b\"").split(" ")
TEXTS = [
    "", " ", "  ", "\n", "a", " a", "a ", " a ", "a  b", "a   b  ", "a photo of a dog", "a photo of the dog's tail.",
    "I'll don't they're we've I'm he'd it's 's 'S 'LL x'", "1000 boxes 10a a10", "a\tb\n\nc \t d", "caf\u00e9 \u72d7\u732b",
    "\u043a\u043e\u0442 \U0001f415\U0001f415", "!!! ...?! (a) \"b\"", "<s> a </s>", "a <mask> b", "a<mask>b <pad>x<unk>",
    "<mask>", "a  <mask>  b", "<S>", "\u00a0a \u00a0 b", "\u3000a\u2028b", "\u0345a a\u0345", "\u00bd \u00b2 \u2167 x\u00b2",
    "\u0130\u0131 \u00c6", "e\u0301 \u0301", "a\u200db \u200c", "the photos the photos the photos the photos the photos the",
    "''s ''", "' s", "dogdogdog catdog", "\u0000\u0001\u007f a", "x\u001cy \u0085z", "\ufffd \ue000",
]

SCRIPT = """
const {Tokenizer} = require('tokenizers'), fs = require('fs');
const [path, cut, texts] = JSON.parse(fs.readFileSync(0, 'utf8'));
(async () => {
  const t = Tokenizer.fromFile(path), ids = [];
  t.setTruncation(cut);
  for (const text of texts) ids.push((await t.encode(text)).getIds());
  console.log(JSON.stringify(ids));
})();
"""


def characters():
    """GPT-2's character for every byte."""
    plain = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    spare = iter(range(256, 512))
    return {b: chr(b if b in plain else next(spare)) for b in range(256)}


def vocabulary():
    """Pieces in the order of their ids, and merges: those that build each word from its left end, with a blank before it
    and without."""
    of = characters()
    pieces, merges = SPECIALS + list(of.values()), []
    for word in WORDS:
        for text in (" " + word, word):
            symbols = [of[b] for b in text.encode()]
            left = symbols[0]
            for right in symbols[1:]:
                if left + right not in pieces:
                    pieces.append(left + right)
                    merges.append(f"{left} {right}")
                left += right
    return pieces + ["<mask>"], merges


def tokenizer(pieces, merges):
    ids = {piece: i for i, piece in enumerate(pieces)}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": ids[t], "content": t, "single_word": False, "lstrip": t == "<mask>", "rstrip": False,
                          "normalized": False, "special": True} for t in SPECIALS + ["<mask>"]],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", ids["</s>"]], "cls": ["<s>", ids["<s>"]],
                           "trim_offsets": True, "add_prefix_space": False},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "vocab": ids, "merges": merges},
    }


def random_texts():
    draw = random.Random(1)
    parts = [w for w in WORDS] + ["'s", "'ll", "'", " ", "  ", "\n", "\t", "\u00a0", "\u3000", "<mask>", "<s>", "7", "\u00b2",
                                  "\u0301", "\u0345", "e", "\u1e9e", "\u0e01", "\u2019", "-", "_", "\ufb01", "\U00020000"]
    return ["".join(draw.choice(parts) for _ in range(draw.randrange(1, 12))) for _ in range(4000)]


def main():
    pieces, merges = vocabulary()
    path = os.path.join(FOLDER, "tokenizer.json")
    os.makedirs(FOLDER, exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(tokenizer(pieces, merges), f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    with open(os.path.join(FOLDER, "vocab.json"), "w", encoding="utf-8") as f:
        json.dump({piece: i for i, piece in enumerate(pieces)}, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    with open(os.path.join(FOLDER, "merges.txt"), "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(m + "\n" for m in merges))
    fuzz = len(sys.argv) == 3 and sys.argv[1] == "--fuzz"
    texts = random_texts() if fuzz else TEXTS
    run = subprocess.run(["node", "-e", SCRIPT], input=json.dumps([os.path.abspath(path), CUT, texts]),
                         stdout=subprocess.PIPE, check=True, encoding="utf-8")
    with open(sys.argv[2] if fuzz else os.path.join(FOLDER, "cases.jsonl"), "w", encoding="utf-8") as f:
        for text, ids in zip(texts, json.loads(run.stdout)):
            f.write(json.dumps({"text": text, "ids": ids}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
