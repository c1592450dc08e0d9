#!/usr/bin/env bash
# Parquet on RANKS ranks: a file of 100 row groups gives the texts of the same lines as plain text, and the same bytes on
# any number of ranks; damage in one row group ends all ranks with one code.
source "$TESTS/cli/lib.sh"
: "${RANKS:?}"
# shellcheck disable=SC2046
build() { run 0 $(mpi "$ranks") "$NEGBANK" corpus --force "$@"; }
parquet() { python3 "$TESTS/support/plain_parquet.py" "$@" || die 'no Parquet file is written'; }

# 60000 lines, some of them equal, some empty, some not UTF-8: about 3 MB.
awk 'BEGIN { for (i = 0; i < 60000; i++)
    if (i % 1000 == 7) print ""; else if (i % 1777 == 3) printf "bad\377%d\n", i
    else printf "a caption of %d words, number %d, which is long\n", i % 5, i % 40000 }' >lines.txt
parquet lines.parquet 100 <lines.txt
parquet few.parquet 3 text <lines.txt

case_ 'alone, beside the same lines as text'
ranks=1
build -o lines.nbc lines.txt
build -o one.nbc lines.parquet
says 'dropped 60: missing'
says 'dropped 34: invalid-utf8'
says "kept $(grep -v bad lines.txt | LC_ALL=C sort -u | grep -c .) of 60000"
says 'duplicate'
[ "$(sed -n 's/^\([0-9]*\) pieces of 1 inputs.*/\1/p' err)" -ge 8 ] || die 'it is not read in pieces'
for f in lines one; do run 0 "$NEGBANK" inspect export -q --force $f.nbc --texts $f.texts; done
same lines.texts one.texts

case_ "$RANKS ranks"
ranks=$RANKS
build -o two.nbc lines.parquet
same one.nbc two.nbc
case_ 'little memory, so that runs are spilled'
build --memory 1M -o two.nbc lines.parquet
same one.nbc two.nbc

case_ 'beside other inputs'
printf 'id,caption\n1,one\n2,two\n' >small.csv
ranks=1
build --column 2 -o one.nbc lines.parquet small.csv few.parquet
ranks=$RANKS
build --column 2 -o two.nbc few.parquet small.csv lines.parquet
same one.nbc two.nbc

case_ 'a row group that is damaged, in the part of one rank'
size=$(wc -c <lines.parquet)
for place in $((size / 10)) $((size / 10 * 9)); do
    cp lines.parquet bad.parquet
    # over the head of a page: the texts of a row group begin behind the 600 numbers of 8 bytes
    python3 - bad.parquet $place <<'P'
import sys
path, place = sys.argv[1], int(sys.argv[2])
data = bytearray(open(path, "rb").read())
at = data.index(b"a caption", place) - 4
data[at:at + 4] = b"\xff\xff\xff\x7f"
open(path, "wb").write(data)
P
    run 3 $(mpi "$RANKS") "$NEGBANK" corpus -q -o x.nbc bad.parquet
    says 'its texts are cut short'
    says "column 'caption', row group "
    absent x.nbc x.nbc.partial
done
finish
