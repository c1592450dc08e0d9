#!/usr/bin/env bash
# A stream that passes over a corpus (tanl) on RANKS ranks: the same bytes as on one, also when it is stopped and goes on
# from its state, which has the same bytes too; what fails on all ranks alike.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
# shellcheck disable=SC2046
on_ranks() { run "$1" $(mpi "$RANKS") "$NEGBANK" "${@:2}"; }
one() { run 0 "$NEGBANK" "$@"; }
G=$GOLDEN/methods
# the corpus: three tiles of entries around the golden texts
python3 - "$G/texts.npy" corpus.npy <<'P' || die 'no corpus is written'
import random, struct, sys
data = open(sys.argv[1], "rb").read()
begin = 10 + struct.unpack_from("<H", data, 8)[0]
head = data[:begin].decode("latin-1")
rows, width = eval(head[head.index("'shape':") + 8:head.rindex("}")].split(")")[0] + ")")
values = struct.unpack_from(f"<{rows * width}f", data, begin)
random.seed(1)
many = 5000
out = [values[i % rows * width + k] + random.gauss(0, 0.02) * (i >= rows) for i in range(many) for k in range(width)]
head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({many}, {width}), }}".ljust(117) + "\n"
open(sys.argv[2], "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(out)}f", *out))
P
for name in id_text texts images_id images_ood; do one store import -q -o $name.nbe --embeddings "$G/$name.npy"; done
one store import -q -o corpus.nbe --embeddings corpus.npy
one store import -q -o noise.nbe --embeddings "$GOLDEN/methods2/tanl_noise_images.npy"
one inspect export -q id_text.nbe --texts labels.txt
one mine -q --texts texts.nbe --labels labels.txt --label-embeddings id_text.nbe --criterion neglabel --count 60 -o b.nbank
stream=(--bank b.nbank --score tanl --texts corpus.nbe --noise noise.nbe --beta 100 --queue 40 --batch 64 --seed 3)
rows() { grep -v '^#' "$1"; }

case_ 'one rank'
one score -q "${stream[@]}" --images images_id.nbe --images images_ood.nbe --state one.state -o one.tsv
[ "$(rows one.tsv | cut -f 4 | sort -u | wc -l)" -gt 100 ] || die 'scores do not differ'

case_ "$RANKS ranks"
on_ranks 0 score -q "${stream[@]}" --images images_id.nbe --images images_ood.nbe --state all.state -o all.tsv
same one.tsv all.tsv
same one.state all.state

case_ 'stopped on one rank, continued on all'
one score -q "${stream[@]}" --images images_id.nbe --state half.state -o first.tsv
on_ranks 0 score -q "${stream[@]}" --images images_ood.nbe --state half.state -o second.tsv
(rows first.tsv && rows second.tsv | tail -n +2) >got
rows one.tsv >want
same got want
same one.state half.state

case_ 'an order'
(seq 639 -1 0) >order.txt
one score -q "${stream[@]}" --images images_id.nbe --images images_ood.nbe --order order.txt -o one.tsv --force
on_ranks 0 score -q "${stream[@]}" --images images_id.nbe --images images_ood.nbe --order order.txt -o all.tsv --force
same one.tsv all.tsv

case_ 'what is refused'
on_ranks 2 score -q --bank b.nbank --score tanl --images images_id.nbe -o out.tsv
says 'needs an embedded corpus: --texts'
on_ranks 2 score -q --bank b.nbank --score tanl --texts corpus.nbe --images images_id.nbe -o out.tsv
says 'needs noise images'
on_ranks 2 score -q "${stream[@]}" --beta 5001 --images images_id.nbe -o out.tsv
says 'a bank of 5001 negatives cannot be taken from a corpus of 5000'
on_ranks 3 score -q "${stream[@]}" --alpha 0.5 --images images_id.nbe --state one.state -o out.tsv
says 'with alpha=0, this one has alpha=0.5'
on_ranks 3 score -q "${stream[@]}" --texts texts.nbe --images images_id.nbe --state one.state -o out.tsv
says 'the state is of a stream with texts=5000'
absent out.tsv
finish
