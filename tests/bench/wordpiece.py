#!/usr/bin/env python3
"""Makes tests/golden/wordpiece: a small vocabulary of BERT's kind and the ids that the tokenizers library gives texts.

    NODE_PATH=FOLDER/node_modules python3 tests/bench/wordpiece.py

FOLDER is where `npm install tokenizers@0.23.2` has put the library. vocab.txt and tokenizer.json hold the same
vocabulary. cases.jsonl: of each text, `ids` of the text as it is, cut to 24, and `clipa`, as open_clip's HFTokenizer
with strip_sep_token makes them for a context of 12: HTML unescaped twice, white space collapsed, padded with 0.
"""
import html
import json
import os
import re
import subprocess

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "wordpiece")
CUT, CONTEXT = 24, 12

SPECIALS = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789\u03b1\u03c3\u03c2\u0434\u0438\u0131\u00e6\u00f8\u05d0\u0e01\u30ab\u1100\u1161"
SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u00a3\u00a9\u2026\u2014\u3001\u3002\u4e00\u91ce\u53e3\U00020000"
WORDS = ("the of and in to a photo dog cat with on cafe naive resume new york red un able ##able ##ing ##s ##ed ##ly "
         "photograph ##graph ##graphs ##er bird birds house boat water ##fall water ##melon strasse uber ist anbul "
         "##anbul ##ist \u03bf\u03b4\u03bf\u03c3 no 10 100 ##00 ##0000 [ ##] sep ##ep")

TEXTS = [
    "", " ", "a photo of a dog", "A Photo of THE Dog.", "unable", "unabled photographers", "photographing",
    "waterfalls and watermelons", "the dog's house", "don't!?", "new-york, \"red\" (house)", "cost: $10 + 100%",
    "e=mc^2 ~ `x` | <b> {y} [z] \\ / _ @ #", "caf\u00e9 na\u00efve r\u00e9sum\u00e9", "cafe\u0301 nai\u0308ve",
    "\u00dcber Stra\u00dfe", "\u0130stanbul istanbul I\u0307stanbul", "\u03a3\u03a3 \u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03bf\u03c2",
    "\u0414\u0438\u0434\u0438 \u0439", "\u4e00\u91ce\u53e3\u9f8d", "dog\u4e00cat", "\U00020000a\U0002b820b", "\u30ab\u30ac \uff76\uff9e",
    "\u1100\u1161 \uac00 \uac01", "\u05d0\u05b8\u05d0", "\u0e01\u0e34\u0e01", "a\u00a0b\u2003c\u3000d\u2028e\u1680f",
    "tab\there\nline\rreturn", "bell\u0007 nul\u0000x del\u007f", "zero\u200bwidth soft\u00adhyphen \ufeffdog",
    "broken \ufffd char", "private \ue000 use", "a\u000bb\u000cc\u0085d", "\u2026\u2014 \u2018dog\u2019 \u201ccat\u201d",
    "\u00a3\u00a9\u00ae\u20ac", "\u3001\u3002\uff01", "dog \U0001f415 cat", "dogs\U0001f415", "x" * 100, "x" * 101,
    "dog " + "x" * 101 + " cat", "\u00e9" * 101, "e\u0301" * 60, "\u4e00" * 30, "a " * 40, "b" * 30,
    "[SEP] in a [MASK] text [CLS][PAD]x", "[sep] [UNK]", "[unused0] [ SEP ]", "a[SEP]b", " [SEP] ", "[[SEP]]",
    "fish &amp; chips", "&amp;lt;dog&amp;gt; &eacute;", "&#91;SEP&#93;", "  the   dog  \t in  ", "a\u001cb\u001fc", "\u0345a",
    "\u00c6\u00d8\u0131\u0049", "\u1e9e\u01c5\ufb01", "##ing", "#ing # #", "a##ing", "1000000 10 1001", "naively abled",
    "photo-graph photo_graph photo.graph", "\u0301", "\u0301 a \u0301b", "\u093f\u0915\u093f", "\u00bd \u00b2 \u2167",
]

SCRIPT = """
const {Tokenizer} = require('tokenizers'), fs = require('fs');
const [path, texts] = JSON.parse(fs.readFileSync(0, 'utf8'));
(async () => {
  const out = [];
  for (const [cut, list] of texts) {
    const t = Tokenizer.fromFile(path), ids = [];
    t.setTruncation(cut);
    for (const text of list) ids.push((await t.encode(text)).getIds());
    out.push(ids);
  }
  console.log(JSON.stringify(out));
})();
"""


def vocabulary():
    pieces = SPECIALS + list(SIGNS)
    for piece in list(LETTERS) + ["##" + c for c in LETTERS if c not in "qz"] + WORDS.split():
        if piece not in pieces:
            pieces.append(piece)
    return pieces


def tokenizer(pieces):
    def special(i):
        return {"id": i, "content": pieces[i], "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True}

    def around(name):
        return {"SpecialToken": {"id": name, "type_id": 0}}

    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [special(i) for i in (0, 2, 3, 4, 5)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [around("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, around("[SEP]")],
            "pair": [around("[CLS]"), {"Sequence": {"id": "A", "type_id": 0}}, around("[SEP]"),
                     {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {t: {"id": t, "ids": [pieces.index(t)], "tokens": [t]} for t in ("[CLS]", "[SEP]")}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {piece: i for i, piece in enumerate(pieces)}},
    }


def clean(text):
    text = html.unescape(html.unescape(text)).strip()
    # White_Space, as open_clip's `regex` module has \s; Python's own `re` adds U+001C to U+001F.
    return re.sub(r"[^\S\x1c-\x1f]+", " ", text).strip()


def main():
    pieces = vocabulary()
    path = os.path.join(FOLDER, "tokenizer.json")
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, "vocab.txt"), "w", encoding="utf-8") as f:
        f.write("".join(piece + "\n" for piece in pieces))
    with open(path, "w", encoding="utf-8") as f:
        json.dump(tokenizer(pieces), f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    asked = json.dumps([os.path.abspath(path), [[CUT, TEXTS], [CONTEXT, [clean(t) for t in TEXTS]]]])
    run = subprocess.run(["node", "-e", SCRIPT], input=asked, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    plain, cleaned = json.loads(run.stdout)
    with open(os.path.join(FOLDER, "cases.jsonl"), "w", encoding="utf-8") as f:
        for text, ids, clipa in zip(TEXTS, plain, cleaned):
            clipa = [0 if i == pieces.index("[SEP]") else i for i in clipa]
            f.write(json.dumps({"text": text, "ids": ids, "clipa": clipa + [0] * (CONTEXT - len(clipa))},
                               separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
