#!/usr/bin/env bash
# Files that are missing, empty, cut short, changed by a bit, or of another kind than is needed, in every place where a
# command reads one.
. "$TESTS/cli/world.bash" || exit 1
make_stores
done_ store export -q t.nbe --embeddings t.npy --names t.txt
done_ store export -q i.nbe --embeddings i.npy --labels l.npy
sed 's/.*/noun/' t.txt >tags.txt

# ---- no file, an empty one, a folder, a pipe, in every role ----

: >empty.x
mkdir folder.x
mkfifo pipe.x

# role OUTPUT ARGUMENTS...: the argument X, or what follows '=X', stands for the file.
role() {
    local output=$1 words word
    shift
    for file in absent.x empty.x folder.x pipe.x; do
        case_ "$file in $*"
        words=()
        for word in "$@"; do
            case $word in
                X) words+=("$file") ;;
                *=X) words+=("${word%X}$file") ;;
                *) words+=("$word") ;;
            esac
        done
        writer=
        if [ $file = pipe.x ]; then # of nothing; where pipes are read, that is an empty file
            : >pipe.x &
            writer=$!
        fi
        refused 3 "$output" "${words[@]}"
        [ -z "$writer" ] || kill "$writer" 2>/dev/null
        says "'$file'"
        case $file in
            absent.x) says 'No such file' ;;
            folder.x) says "$in_folder" ;;
            pipe.x) [ "$2" != pixels ] || says 'is not a regular file' ;;
        esac
    done
}
in_folder='is a directory'
mine=(mine --labels w/labels.txt --texts t.nbe --criterion neglabel -o out.nbank)
role out.nbc corpus -o out.nbc X
role out.nbc corpus -o out.nbc few.txt X
role out.nbc corpus -o out.nbc --exclude X few.txt
role out.nbe embed text --model w/model -o out.nbe X
in_folder='holds no embeddings' role out.nbe store import -o out.nbe --embeddings X
role out.nbe store import -o out.nbe --embeddings t.npy --names X
role out.nbe store import -o out.nbe --embeddings i.npy --labels X
role out.nbe store import -o out.nbe --embeddings t.npy --tags X
role out.npy store export X --embeddings out.npy
role out.nbank "${mine[@]}" --model w/model --texts X
role out.nbank "${mine[@]}" --model w/model --labels X
role out.nbank "${mine[@]}" --label-embeddings X
role out.nbank "${mine[@]}" --model w/model --id-images X
role out.nbank "${mine[@]}" --model w/model --wild-images X
role out.tsv score -o out.tsv --images s.nbe --bank X
role out.tsv score -o out.tsv --bank b.nbank --images X
role out.json eval -o out.json --id X --ood far=s.tsv
role out.json eval -o out.json --id s.tsv --ood far=X
role out.json eval -o out.json --id s.nbe --ood far=s.nbe --bank X
role out.json eval -o out.json --id X --ood far=s.nbe --bank b.nbank
role - inspect info X
role out.txt inspect export X --texts out.txt
role out.png inspect pixels --size 8 X -o out.png

# A folder is an input for images; a run file may be empty.
for file in absent.x empty.x; do
    case_ "$file as an image list"
    refused 3 out.nbe embed images --model w/model -o out.nbe "$file"
    says "'$file'"
done
for file in absent.x folder.x pipe.x; do
    case_ "$file as a run file"
    refused 3 out.nbc corpus -o out.nbc --config "$file" few.txt
    says "'$file'"
done
case_ 'an empty folder of images'
refused 3 out.nbe embed images --model w/model -o out.nbe folder.x
says "folder 'folder.x' holds no images"

# ---- a store, a corpus or a bank in the place of another ----

# kind OUTPUT KIND NEEDED ARGUMENTS...
kind() {
    local output=$1 phrase="is a negbank $2, a negbank $3 is needed"
    case_ "'$phrase'"
    shift 3
    refused 3 "$output" "$@"
    says "$phrase"
}
kind out.nbe 'embedding store' corpus embed text --model w/model -o out.nbe t.nbe
kind out.nbe bank corpus embed text --model w/model -o out.nbe b.nbank
kind out.nbank corpus 'embedding store' "${mine[@]}" --model w/model --texts c.nbc
kind out.nbank bank 'embedding store' "${mine[@]}" --model w/model --wild-images b.nbank
kind out.tsv 'embedding store' bank score --bank t.nbe --images s.nbe -o out.tsv
kind out.tsv corpus 'embedding store' score --bank b.nbank --images c.nbc -o out.tsv
kind out.npy bank 'embedding store' store export b.nbank --embeddings out.npy
case_ 'a score file where a bank is needed'
refused 3 out.tsv score --bank s.tsv --images s.nbe -o out.tsv
says "'s.tsv' is not a negbank file"
case_ 'a bank where a score file is needed'
refused 3 out.json eval --id b.nbank --ood far=s.tsv -o out.json
says "'b.nbank' is a negbank bank"
case_ 'a picture without a suffix is one image; a store is no list'
cp w/images/id-test/red_circle/000.png picture
run 0 "${NB[@]}" embed images -q --model w/model -o out.nbe picture
rm out.nbe out.nbe.run.json
refused 3 out.nbe embed images --model w/model -o out.nbe t.nbe
says_all "'t.nbe' line 1" 'an image list is a text file'
case_ 'a picture where labels are needed'
refused 3 out.nbank "${mine[@]}" --model w/model --labels picture
says "'picture' is a PNG image"
case_ 'embeddings of a corpus'
refused 3 out.npy inspect export few.nbc --embeddings out.npy
says 'it has no embeddings'
case_ 'labels of texts'
refused 3 out.npy store export t.nbe --embeddings out.npy --labels out-l.npy
says 'has no labels'
absent out-l.npy

# ---- sealed files cut short, lengthened, changed ----

# damaged FILE OUTPUT ARGUMENTS...: as role, the file X being a damaged copy of FILE.
damaged() {
    local file=$1 output=$2 words full
    shift 2
    words=("${@/#X/bad.x}")
    full=$(bytes_of "$file")
    for to in 1 7 8 100 511 512 600 $((full / 2)) $((full - 1)); do
        case_ "$file cut to $to bytes, in $*"
        cp "$file" bad.x
        truncate -s "$to" bad.x
        refused 3 "$output" "${words[@]}"
        says "'bad.x'"
    done
    case_ "a byte behind $file, in $*"
    cp "$file" bad.x
    printf '\0' >>bad.x
    refused 3 "$output" "${words[@]}"
    says_all "'bad.x'" 'longer than it was'
    # the seal: magic, version, kind, size, hole, digest, rest; then HDF5's first and last bytes
    for pair in 0:3 7:3 8:3 12:3 32:3 39:3 48:7 56:7 87:7 88:7 511:7 512:7 520:7 600:7 $((full / 2)):7 $((full - 1)):7; do
        at=${pair%:*}
        case_ "a bit of $file, byte $at, in $*"
        cp "$file" bad.x
        flip bad.x "$at"
        refused "${pair#*:}" "$output" "${words[@]}"
        says "'bad.x'"
    done
}
damaged c.nbc out.nbe embed text --model w/model -o out.nbe X
damaged t.nbe out.nbank "${mine[@]}" --model w/model --texts X
damaged b.nbank out.tsv score --images s.nbe -o out.tsv --bank X

case_ 'a bit of any byte, as inspect info sees it'
for file in c.nbc t.nbe b.nbank; do
    full=$(bytes_of $file)
    for i in $(seq 0 40); do
        at=$((i * (full - 1) / 40))
        cp $file bad.x
        flip bad.x $at $((1 << i % 8))
        timeout 20 "$NEGBANK" inspect info bad.x >out 2>err
        got=$?
        [ $got = 3 ] || [ $got = 7 ] || die "exit code $got with a bit of byte $at of $file changed"
        refusal -
    done
done

case_ 'a bit of the embeddings'
at=$(($(od -An -tu8 -j 40 -N 8 t.nbe) + 40)) # the seal says where they begin
cp t.nbe bad.x
flip bad.x $at
refused 7 out.nbank "${mine[@]}" --model w/model --texts bad.x
says_all "'bad.x' is damaged: rows" 'do not match their checksum'
refused 7 - inspect info bad.x
refused 7 out.npy store export bad.x --embeddings out.npy
refused 7 out.txt inspect export bad.x --texts out.txt
finish
