#!/usr/bin/env bash
# Places where no output can go: refused before work begins where that can be seen, and never half written.
if [ -z "${NB_OWN_MOUNTS:-}" ] && unshare -rm true 2>/dev/null; then
    # mounts made here end with the test, whatever ends it
    NB_OWN_MOUNTS=1 exec unshare -rm bash "$0"
fi
. "$TESTS/cli/world.bash" || exit 1
make_stores
done_ store export -q s.nbe --embeddings s.npy

# Every command that writes a file, its output last but for the name.
writers=(
    'corpus few.txt -o'
    'embed text --model w/model few.nbc -o'
    'embed images --model w/model w/images/id-test/red_circle -o'
    'store import --embeddings s.npy -o'
    'store export t.nbe --embeddings'
    'store export t.nbe --parquet'
    'store export t.nbe --embeddings good.npy --force --names'
    'store export i.nbe --embeddings good.npy --force --labels'
    'mine --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 5 -o'
    'mine --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 5 --force -o good.nbank --explain'
    'score --bank b.nbank --images s.nbe -o'
    'score --bank b.nbank --model w/model w/images/id-test/red_circle -o'
    'eval --id s.tsv --ood a=s.tsv -o'
    'inspect export b.nbank --texts'
    'inspect export b.nbank --embeddings'
    'inspect pixels w/images/id-test/red_circle/000.png --size 8 -o'
)
echo old >exists
mkdir folder
mkfifo pipe
ln -s nowhere/file link
for writer in "${writers[@]}"; do
    read -ra words <<<"$writer"
    rm -f good.*
    case "$writer" in
        *--force*) ;;
        *)
            case_ "an output that exists: $writer"
            refused 2 - "${words[@]}" exists
            says_all "output 'exists' exists" '--force'
            [ "$(cat exists)" = old ] || die 'it was overwritten'
            absent exists.partial
            ;;
    esac
    case_ "a folder for an output: $writer"
    refused 2 - "${words[@]}" folder
    says "output 'folder' is a directory"
    refused 2 - "${words[@]}" folder/
    says "output 'folder/' names no file"
    case_ "a pipe for an output, even with --force: $writer"
    refused 2 - "${words[@]}" pipe --force
    says "output 'pipe' is a device or a pipe"
    [ -p pipe ] || die 'the pipe was replaced'
    case_ "an output into a folder that is missing: $writer"
    refused 4 nowhere/out "${words[@]}" nowhere/out
    says "folder 'nowhere/' of output 'nowhere/out' does not exist"
    absent nowhere
    case_ "an output below a file: $writer"
    refused 4 exists/out "${words[@]}" exists/out
    says "'exists/out'"
    absent good.npy good.nbank
    case_ "an output where nothing can be made: $writer"
    refused 4 /proc/negbank-out "${words[@]}" /proc/negbank-out
    says "/proc/negbank-out."
    case_ "an output with too long a name: $writer"
    name=$(printf 'x%.0s' {1..300})
    refused 4 - "${words[@]}" "$name"
    says 'File name too long'
    case_ "a stale partial: $writer"
    echo stale >out.x.partial
    run 0 "${NB[@]}" "${words[@]}" out.x -q
    present out.x
    absent out.x.partial
    rm -f out.x out.x.run.json good.*
    case_ "overwriting with --force: $writer"
    cp exists out.x
    run 0 "${NB[@]}" "${words[@]}" out.x -q --force
    ! same_bytes out.x exists || die 'it was not overwritten'
    rm -f out.x out.x.run.json good.*
done

case_ 'the demo world into a folder that is not empty'
mkdir busy
touch busy/thing
refused 2 - demo -o busy
says_all "directory 'busy' is not empty" '--force'
case_ 'the demo world below a file'
refused 4 - demo -o exists/world
says "'exists' exists and is not a directory"
case_ 'the demo world on a file'
refused 4 - demo -o exists
says "'exists' exists and is not a directory"

# ---- standard output ----

case_ 'a full standard output'
for words in --version 'corpus --help' 'mine --print-config' 'inspect info b.nbank' 'inspect info --json b.nbank' \
    'eval --id s.tsv --ood a=s.tsv'; do
    # shellcheck disable=SC2086
    timeout 20 "$NEGBANK" $words >/dev/full 2>err
    got=$?
    [ $got = 4 ] || die "exit code $got instead of 4: $words"
    says 'No space left on device'
done
timeout 20 "$NEGBANK" inspect tokens --model w/model <w/labels.txt >/dev/full 2>err
[ $? = 4 ] || die 'not exit code 4: inspect tokens'
says 'No space left on device'

case_ 'a closed standard output'
timeout 20 "$NEGBANK" inspect info b.nbank >&- 2>err
[ $? = 4 ] || die 'not exit code 4'
case_ 'a closed standard error: nothing that would be said there goes into the output'
timeout 60 "${NB[@]}" embed text --model w/model c.nbc -o out.nbe <&- >&- 2>&- || die "exit code $?"
done_ store export out.nbe --embeddings out.npy
done_ store export t.nbe --embeddings t.npy
same out.npy t.npy

# ---- no memory ----

if (ulimit -v 400000 && "$NEGBANK" --version) >/dev/null 2>&1; then # not under a sanitizer
    case_ 'not enough memory'
    head -c 60000000 /dev/zero | tr '\0' 'x' >long.txt
    (ulimit -v 400000 && timeout 60 "$NEGBANK" inspect tokens --model w/model) <long.txt >out 2>err
    [ $? = 5 ] || die 'not exit code 5'
    says_all 'standard input, line 1' 'out of memory'
fi

# ---- a limit on file sizes ----

for writer in 'corpus w/corpus/noun.demo.txt -o' 'embed text --model w/model c.nbc -o' 'score --bank b.nbank --images s.nbe -o' \
    'mine --texts t.nbe --labels w/labels.txt --model w/model --criterion random --count 50 -o' \
    'store export t.nbe --embeddings'; do
    read -ra words <<<"$writer"
    for kb in 0 1 2 5; do
        case_ "files of at most $kb KiB: $writer"
        (ulimit -f $kb && timeout 60 "${NB[@]}" "${words[@]}" limited >"$T/out") 2>&1 | cat >"$T/err"
        got=${PIPESTATUS[0]}
        [ $got = 4 ] || die "exit code $got instead of 4"
        refusal limited
        says_all 'limited' 'File too large'
    done
done

# ---- a full disk ----

mkdir disk
if mount -t tmpfs -o size=64k none disk 2>/dev/null; then
    for writer in "${writers[@]}" 'corpus w/corpus/noun.demo.txt -o' 'embed text --model w/model c.nbc -o'; do
        read -ra words <<<"$writer"
        for kb in 0 4 8 12 16 20 24 28 40 56; do
            case_ "a full disk with $kb KiB left: $writer"
            rm -rf disk/* good.*
            head -c 65536 /dev/zero >disk/filler 2>/dev/null
            truncate -s $((65536 - kb * 1024)) disk/filler
            timeout 60 "${NB[@]}" "${words[@]}" disk/out >out 2>err
            got=$?
            if [ $got = 0 ]; then
                present disk/out # it was small enough
                absent disk/out.partial disk/out.run.json.partial
                case $writer in
                    corpus* | embed* | 'store import'* | mine*' -o')
                        [ -s disk/out.run.json ] || says "warning: no record of this run beside 'disk/out'"
                        ;;
                esac
                continue
            fi
            [ $got = 4 ] || die "exit code $got instead of 4"
            refusal disk/out
            says disk/out
        done
    done
    rm -rf disk/*
    mount -o remount,ro disk
    for writer in "${writers[@]}"; do
        read -ra words <<<"$writer"
        case_ "a file system that is read-only: $writer"
        refused 4 disk/out "${words[@]}" disk/out
        says 'Read-only file system'
        rm -f good.*
    done
    umount disk
else
    echo 'no full or read-only disk: mounting is not permitted here'
fi
finish
