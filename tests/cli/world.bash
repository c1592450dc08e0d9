# What the tests of bad input share, on top of the frame (lib.sh): the demo world in $T/w, damaged files, and what a
# refusal looks like. A script that sources this runs in $T; outputs of its cases are named out.* there.
. "$TESTS/cli/lib.sh" || exit 1

# A process alone starts four times faster without a daemon and a network.
NB=(env OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_btl=self OMPI_MCA_pml=ob1 "$NEGBANK")
NB3=(mpirun --bind-to none -np 3 "$NEGBANK")

# One error line, nothing on standard output, and of OUTPUT ('-': the case has none) nothing at all.
refusal() {
    [ "$(grep -c '^error: ' "$T/err")" = 1 ] || die "there is not one line that begins with 'error:'"
    [ ! -s "$T/out" ] || die "something is on standard output"
    [ "$1" = - ] || absent "$1" "$1.partial" "$1.run.json"
}

# refused CODE OUTPUT ARGUMENTS...: negbank with these arguments refuses with CODE; refused3 on three ranks.
refused() {
    local code=$1 output=$2
    shift 2
    run "$code" "${NB[@]}" "$@"
    refusal "$output"
}
refused3() {
    local code=$1 output=$2
    shift 2
    run "$code" "${NB3[@]}" "$@"
    refusal "$output"
}

# done_ ARGUMENTS...: negbank works and prints nothing on standard output.
done_() {
    run 0 "${NB[@]}" "$@"
    [ ! -s "$T/out" ] || die "something is on standard output"
}

# says_all WORDS...: every one of them is in the error.
says_all() { for w in "$@"; do says "$w"; done; }

# flip FILE OFFSET [BITS]: changes bits of one byte, by default the lowest.
flip() {
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    # shellcheck disable=SC2059
    printf "\\$(printf %03o $((byte ^ ${3:-1})))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# poke FILE OFFSET BYTES: overwrites bytes, given as printf has them.
poke() {
    # shellcheck disable=SC2059
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# edit FILE OLD NEW: replaces the first OLD (a basic regular expression) on each line, which must be there.
edit() {
    LC_ALL=C grep -qa -- "$2" "$1" || die "'$1' has no '$2' to edit"
    LC_ALL=C sed -i "s"$'\001'"$2"$'\001'"$3"$'\001' "$1" || die "'$1' cannot be edited"
}

bytes_of() { stat -c %s "$1"; }
same_bytes() { cmp -s "$1" "$2"; }

# model NAME: a fresh copy of the demo's checkpoint.
model() {
    rm -rf "$1"
    cp -r w/model "$1"
}

# A line of ten million bytes, without its end.
long_line() { head -c 10000000 /dev/zero | tr '\0' 'x'; }

case_ 'the demo world'
done_ demo --random-weights -o w -q
printf 'an old umbrella\nred lantern\nquiet\n' >few.txt
done_ corpus -q -o few.nbc few.txt

# The world's stores and bank, for the scripts that want them.
make_stores() {
    done_ corpus -q -o c.nbc w/corpus/noun.demo.txt w/corpus/adj.demo.txt
    done_ embed text -q --model w/model -o t.nbe c.nbc
    done_ embed images -q --model w/model -o i.nbe w/id-train.txt
    done_ embed images -q --model w/model -o s.nbe w/id-test.txt
    done_ mine -q --texts t.nbe --labels w/labels.txt --model w/model --id-images i.nbe --criterion dnm --reject none \
        --count 50 -o b.nbank
    done_ score -q --bank b.nbank --images s.nbe -o s.tsv
}
