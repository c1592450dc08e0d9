#!/usr/bin/env bash
# inspect tokens with the real CLIP vocabulary, against the ids of the authors' tokenizer.
source "$TESTS/cli/lib.sh"
need_shared data/clip-bpe

case_ "tokens"
timeout 60 "$NEGBANK" inspect tokens --model "$SHARED/data/clip-bpe" --jsonl <"$GOLDEN/tokenizer/cases.jsonl" >got ||
    die "inspect tokens failed"
sed 's/.*"ids": \(\[[^]]*\]\).*/\1/' "$GOLDEN/tokenizer/cases.jsonl" >want
same got want

case_ "plain lines"
printf 'a photo of a cat.\n' | timeout 60 "$NEGBANK" inspect tokens --model "$SHARED/data/clip-bpe" >got
[ "$(cat got)" = "[49406, 320, 1125, 539, 320, 2368, 269, 49407]" ] || die "$(cat got)"
finish
