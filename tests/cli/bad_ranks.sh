#!/usr/bin/env bash
# A sample of bad input on three ranks: the job ends, with the code of one process alone, and says once what is wrong.
if [ -z "${NB_OWN_MOUNTS:-}" ] && unshare -rm true 2>/dev/null; then
    NB_OWN_MOUNTS=1 exec unshare -rm bash "$0"
fi
. "$TESTS/cli/world.bash" || exit 1
make_stores
mine=(mine --labels w/labels.txt --model w/model --criterion neglabel --count 5 -o out.nbank --texts)

# ---- found before MPI is up, on every rank ----

case_ 'an unknown command'
refused3 2 - minne
says "unknown command 'minne'"
case_ 'an unknown option, several times: the launcher may not end rank 0 before it spoke'
for i in 1 2 3 4; do
    refused3 2 out.nbank "${mine[@]}" t.nbe --cuont 5
    says "unknown option '--cuont' of 'mine'"
done
case_ 'a number out of bounds'
refused3 2 out.nbank "${mine[@]}" t.nbe --tau 2
says "--tau: '2' is not within"
case_ 'a run file that is not there'
refused3 3 out.nbank "${mine[@]}" t.nbe --config absent.yaml
says "'absent.yaml'"
case_ 'a run file that one rank cannot read'
cat >one.sh <<'S'
[ "$OMPI_COMM_WORLD_RANK" = 1 ] && export NEGBANK_MINE_COUNT=many
exec "$NEGBANK" mine --labels w/labels.txt --texts t.nbe --model w/model --criterion neglabel -o out.nbank
S
run 2 mpirun --bind-to none -np 3 bash one.sh
refusal out.nbank
says_all 'rank 1' "NEGBANK_MINE_COUNT: 'many' is not a whole number"
case_ 'help and configuration are printed once'
run 0 "${NB3[@]}" mine --help
[ "$(grep -c '^usage: ' out)" = 1 ] || die 'the usage is not there once'
run 0 "${NB3[@]}" mine --print-config --count 3
[ "$(grep -c '^mine.count: 3' out)" = 1 ] || die 'the value is not there once'

# ---- found on every rank, or on rank 0 alone ----

case_ 'an output that exists'
echo old >exists
refused3 2 - embed text --model w/model few.nbc -o exists
says "output 'exists' exists"
[ "$(cat exists)" = old ] || die 'it was overwritten'
case_ 'an output into a folder that is missing'
refused3 4 nowhere/out corpus -o nowhere/out few.txt
says "folder 'nowhere/'"
case_ 'a missing input'
refused3 3 out.nbc corpus -o out.nbc few.txt absent.txt
says "'absent.txt'"
case_ 'a corpus of which nothing is left'
printf '\n\n' >x.txt
refused3 3 out.nbc corpus -o out.nbc x.txt
says 'no candidate is left of 2 read'
case_ 'a corpus of one line of 10 MB'
long_line >x.txt
refused3 3 out.nbc corpus -o out.nbc x.txt
says 'dropped 1: too-long'
case_ 'a bad line in the part of the last rank'
head -2000 w/corpus/noun.demo.txt >x.txt
refused3 3 out.nbc corpus --format wordnet -o out.nbc x.txt
says "'x.txt' line"
case_ 'a comment among labels'
printf 'cat\ndog\n# cat\n' >l.txt
refused3 3 out.nbank mine --texts t.nbe --labels l.txt --model w/model --criterion neglabel -o out.nbank
says "'l.txt' line 3"
case_ 'a damaged checkpoint'
model m
poke m/model.safetensors $(($(od -An -tu8 -N 8 m/model.safetensors) + 8)) '\000\000\300\177'
refused3 3 out.nbe embed text --model m few.nbc -o out.nbe
says_all m/model.safetensors logit_scale
refused3 3 out.nbank mine --texts t.nbe --labels w/labels.txt --model m --criterion neglabel -o out.nbank
says_all m/model.safetensors logit_scale
case_ 'a vocabulary that does not match'
model m
edit m/config.json '"vocab_size": 1014' '"vocab_size": 1015'
refused3 3 out.nbe embed images --model m w/images/id-test -o out.nbe
says 'vocab.json has 1014 tokens'
case_ 'a corpus with a bit changed'
cp c.nbc bad.x
flip bad.x 2000
refused3 7 out.nbe embed text --model w/model bad.x -o out.nbe
says "'bad.x' is damaged"
case_ 'a store with a bit changed'
cp t.nbe bad.x
flip bad.x 1000
refused3 7 out.nbank "${mine[@]}" bad.x
says "'bad.x' is damaged"
case_ 'a store with a bit of its embeddings changed'
cp t.nbe bad.x
flip bad.x $(($(od -An -tu8 -j 40 -N 8 t.nbe) + 100000))
refused3 7 out.nbank "${mine[@]}" bad.x
says_all "'bad.x' is damaged: rows" checksum
case_ 'images with a bit of their embeddings changed'
cp s.nbe bad.x
flip bad.x $(($(od -An -tu8 -j 40 -N 8 s.nbe) + 4000))
refused3 7 out.tsv score --bank b.nbank --images bad.x -o out.tsv
says "'bad.x' is damaged"
case_ 'a bank with a bit changed'
cp b.nbank bad.x
flip bad.x $(($(bytes_of b.nbank) - 1))
refused3 7 out.tsv score --bank bad.x --images s.nbe -o out.tsv
says "'bad.x' is damaged"
case_ 'a store cut short'
head -c 5000 t.nbe >bad.x
refused3 3 out.nbank "${mine[@]}" bad.x
says "'bad.x' is cut short"
case_ 'a bank for a store'
refused3 3 out.nbank "${mine[@]}" b.nbank
says 'is a negbank bank, a negbank embedding store is needed'
case_ 'more than there is'
refused3 2 out.nbank mine --labels w/labels.txt --model w/model --criterion neglabel --texts t.nbe --count 1000000 -o out.nbank
says '--count 1000000 is beyond'
case_ 'a class without images'
grep -v ' 2$' w/id-train.txt >w/without.txt
done_ embed images -q --model w/model -o without.nbe w/without.txt
refused3 3 out.nbank "${mine[@]}" t.nbe --criterion interneg --id-images without.nbe
says 'has no image in'
case_ 'a list that names a missing image'
{ head -50 w/id-test.txt; echo 'images/nowhere.png 1'; } >w/x.txt
refused3 3 out.nbe embed images --model w/model w/x.txt -o out.nbe
says "'w/x.txt' line 51"
case_ 'damaged pictures on every rank: named once, left out'
mkdir p
for i in $(seq 100 147); do head -c $((i > 109 && i < 140 ? 9999999 : 60)) w/images/id-test/red_circle/000.png >p/$i.png; done
run 0 "${NB3[@]}" embed images --model w/model p -o out.nbe
says '30 images -> out.nbe; 18 could not be decoded'
for i in 100 109 140 147; do [ "$(grep -c "skipped:.*p/$i.png" err)" = 1 ] || die "$i.png is not named once"; done
rm out.nbe out.nbe.run.json
rm p/1[1-3]?.png
refused3 3 out.tsv score --bank b.nbank --model w/model p -o out.tsv
says 'none of 18 images can be decoded'

mkdir disk
if mount -t tmpfs -o size=96k none disk 2>/dev/null; then
    # full KIB ARGUMENTS...: on a disk with so much left, which is not enough.
    full() {
        rm -f disk/*
        truncate -s 0 disk/filler
        head -c $(((96 - $1) * 1024)) /dev/zero >disk/filler
        shift
        refused3 4 disk/out "$@" disk/out
        says_all disk/out 'No space left on device'
    }
    case_ 'a full disk'
    full 4 corpus w/corpus/noun.demo.txt -o
    full 4 embed text --model w/model c.nbc -o
    full 0 embed images --model w/model w/id-test.txt -o
    full 8 mine --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 500 -o
    full 0 score --bank b.nbank --images i.nbe -o
    case_ 'a disk that fills up while tiles are written'
    full 60 embed text --model w/model c.nbc -o
    says 'cannot write a tile'
    case_ 'scratch space that fills up'
    rm -f disk/*
    seq 300000 >many.txt
    refused3 4 out.nbc corpus --memory 1M --scratch disk -o out.nbc many.txt
    says_all "cannot write to a scratch file in 'disk'" 'No space left on device' '--scratch DIR'
    [ -z "$(ls -A disk)" ] || die 'a scratch file is left'
    export SLURM_TMPDIR=disk
    refused3 4 out.nbc corpus --memory 1M -o out.nbc many.txt
    says_all "cannot write to a scratch file in 'disk'"
    unset SLURM_TMPDIR
    umount disk
else
    echo 'no full disk: mounting is not permitted here'
fi
finish
