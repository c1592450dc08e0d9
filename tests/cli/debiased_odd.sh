#!/usr/bin/env bash
# Odd input to the criterion `debiased`: each gives the right result, the same on one rank and on three, or an error that
# says what is wrong and what to do.
source "$TESTS/cli/lib.sh" || exit 1
NB=("$NEGBANK")
rows() { run 0 python3 "$TESTS/support/npy_rows.py" "$@"; }
import() { run 0 "${NB[@]}" store import -q --force --embeddings "$2" "${@:3}" -o "$1.nbe"; }

case_ 'the world'
run 0 python3 "$TESTS/support/nested_world.py" w --labels 40 --candidates 2500 --wild 1200 --test 200 --width 32
import texts w/text.npy --names w/names.txt
import labels w/label_text.npy --names w/labels.txt
import id w/id.npy --labels w/id_classes.npy
import test w/test.npy --labels w/test_classes.npy
for set in near far wild; do
    import $set w/$set.npy
done
WILD=(--wild-images wild.nbe)

# What mine takes, unless a case has its own: X=STORE mined ...
inputs() {
    echo --texts "${X:-texts.nbe}" --labels "${L:-w/labels.txt}" --label-embeddings "${Q:-labels.nbe}" \
        --id-images "${I:-id.nbe}"
}

# Every second run is made on three ranks as well.
turn=0
on_three() { [ $((turn++ % 2)) = 0 ]; }

mined() { # NAME OPTIONS...: a bank and its table; on three ranks the same bytes
    # shellcheck disable=SC2046
    run 0 "${NB[@]}" mine --force $(inputs) "${@:2}" --explain "$1.tsv" -o "$1.nbank"
    if on_three; then
        cp "$T/err" "$1.err"
        # shellcheck disable=SC2046
        run 0 $(mpi 3) "$NEGBANK" mine -q --force $(inputs) "${@:2}" --explain "$1.3.tsv" -o "$1.3.nbank"
        same "$1.3.nbank" "$1.nbank"
        same "$1.3.tsv" "$1.tsv"
        cp "$1.err" "$T/err"
    fi
    run 0 "${NB[@]}" inspect info --json "$1.nbank"
    cp "$T/out" "$1.json"
    run 0 "${NB[@]}" eval -q --force --bank "$1.nbank" --id "${TESTED:-test}.nbe" --ood far=far.nbe -o "$1.eval.json"
}

refused() { # CODE OPTIONS...: on one rank and on three, with nothing left behind
    local nb ways=("${NB[*]}")
    on_three && ways=("$(mpi 3) $NEGBANK" "${NB[*]}")
    for nb in "${ways[@]}"; do
        # shellcheck disable=SC2046,SC2086
        run "$1" $nb mine -q $(inputs) "${@:2}" -o refused.nbank
        absent refused.nbank refused.nbank.partial refused.nbank.ledger
    done
}

found() { # NAME KEY VALUE: what inspect says of the bank; VALUE null is none, else within half a unit of its last place
    python3 - "$@" <<'PYTHON' || die "the bank's $2 is not $3"
import json, sys
with open(sys.argv[1] + ".json") as file:
    at = json.load(file)
for key in sys.argv[2].split("/"):
    at = at[int(key) if key.isdigit() else key]
want = None if sys.argv[3] == "null" else float(sys.argv[3])
places = len(sys.argv[3].partition(".")[2])
sys.exit(0 if at is want or want is not None and at is not None and round(at, places) == want else print(at) or 1)
PYTHON
}

measured() { # NAME MOST: AUROC of far images, in percent, is at least so much
    python3 -c 'import json, sys
a = 100 * json.load(open(sys.argv[1] + ".eval.json"))["datasets"]["far"]["auroc"]
sys.exit(0 if a >= float(sys.argv[2]) else "AUROC %.2f" % a)' "$@" 2>low || die "$(cat low), less than $2"
}

# log_of OPTIONS...: what mine says, on one rank, in $T/err for says.
log_of() {
    # shellcheck disable=SC2046
    run 0 "${NB[@]}" mine --force $(inputs) "$@" -o log.nbank
}

mined base "${WILD[@]}"
mined base500 "${WILD[@]}" --count 500

case_ 'one label, of two images'
head -1 w/labels.txt >one.txt
rows one.npy 'w/label_text.npy[0]'
rows one-images.npy 'w/id.npy[0:2]'
rows one-classes.npy 'w/id_classes.npy[0:2]'
rows one-test.npy 'w/id.npy[1]'
import one one.npy --names one.txt
import one-images one-images.npy --labels one-classes.npy
import one-test one-test.npy
L=one.txt Q=one.nbe I=one-images.nbe TESTED=one-test mined one-label "${WILD[@]}"
found one-label labels 1
measured one-label 99
L=one.txt Q=one.nbe I=one-images.nbe TESTED=one-test mined one-count "${WILD[@]}" --count 1000
for key in covered measured with_evidence; do # a size that was chosen says of itself what one that was asked for does
    [ "$(grep "\"$key\"" one-count.json)" = "$(grep "\"$key\"" one-label.json)" ] || die "$key differs by --count"
done
found one-label negatives 1000

case_ 'one image a class'
rows single.npy 'w/id.npy[::2]'
rows single-classes.npy 'w/id_classes.npy[::2]'
import single single.npy --labels single-classes.npy
I=single.nbe mined single "${WILD[@]}"
found single findings/id_images 40
measured single 85

case_ 'a class without images'
rows less.npy 'w/id.npy[2:]'
rows less-classes.npy 'w/id_classes.npy[2:]'
import less less.npy --labels less-classes.npy
I=less.nbe refused 3 "${WILD[@]}"
says "class 0 ('known 0 of group 0') has no image in 'less.nbe'"

case_ 'images of no class (label -1) count for nothing'
python3 -c 'import struct
h = b"{\x27descr\x27: \x27<i4\x27, \x27fortran_order\x27: False, \x27shape\x27: (1,), }".ljust(117) + b"\n"
open("unknown.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + h + struct.pack("<i", -1))'
rows mixed.npy w/id.npy 'w/far.npy[:40]'
rows mixed-classes.npy w/id_classes.npy 'unknown.npy[0*40]'
import mixed mixed.npy --labels mixed-classes.npy
I=mixed.nbe mined mixed "${WILD[@]}"
same mixed.tsv base.tsv
found mixed findings/id_images 80
for name in mixed base; do
    run 0 "${NB[@]}" inspect export -q --force $name.nbank --texts $name.txt --log-prior $name.prior.npy \
        --measured-proxies $name.measured.npy --evidence $name.evidence.npy --imputed-proxies $name.imputed.npy
done
for part in txt prior.npy measured.npy evidence.npy imputed.npy; do
    same mixed.$part base.$part
done

case_ 'ID images without labels'
import unlabelled w/id.npy
I=unlabelled.nbe refused 3 "${WILD[@]}"
says "'unlabelled.nbe' has no labels"

case_ 'wild images that are the ID images'
mined same-images --wild-images id.nbe
found same-images findings/id_share 1
found same-images findings/with_evidence 0
found same-images findings/measured 0
log_of --wild-images id.nbe
says 'warning: the wild images are evidence for no candidate'
measured same-images 85

case_ 'no wild images: the same bank, by another warning'
mined no-wild
found no-wild findings/id_share null
found no-wild findings/wild_images 0
log_of
says 'warning: no --wild-images'
run 0 "${NB[@]}" score -q --bank no-wild.nbank --images far.nbe -o no-wild.scores.tsv
run 0 "${NB[@]}" score -q --bank same-images.nbank --images far.nbe -o same-images.scores.tsv
cut -f4 no-wild.scores.tsv | tail -n +5 >a # evidence decides the order of the bank alone, all of which is kept
cut -f4 same-images.scores.tsv | tail -n +5 >b
paste a b | awk '{ d = $1 - $2 } d > 1e-4 || d < -1e-4 { exit 1 }' || die 'the scores differ'

case_ 'one wild image'
rows w1.npy 'w/wild.npy[0]'
import w1 w1.npy
mined wild-1 --wild-images w1.nbe
found wild-1 findings/wild_images 1
measured wild-1 85

case_ 'copies of one wild image'
rows copies.npy 'w/far.npy[3*1500]'
import copies copies.npy
mined copies --wild-images copies.nbe
found copies findings/wild_images 1500
measured copies 85

case_ 'a wild image 20 000 times among others'
rows repeated.npy w/wild.npy 'w/wild.npy[5*20000]'
import repeated repeated.npy
mined repeated --wild-images repeated.nbe
measured repeated 88

case_ 'candidates that are the labels by other names'
seq -f 'synonym %g' 40 >synonyms.txt
import synonyms w/label_text.npy --names synonyms.txt
X=synonyms.nbe mined synonyms "${WILD[@]}"
found synonyms negatives 40
X=synonyms.nbe log_of "${WILD[@]}"
says '40 accepted'

case_ 'fewer candidates than --count'
refused 2 "${WILD[@]}" --count 2501
says '--count 2501 is beyond the 2500 candidates accepted of 2500'
says 'hint: ask for at most 2500'

case_ 'a bank of one'
mined one-negative "${WILD[@]}" --max-bank 1
found one-negative negatives 1
found one-negative findings/sizes/0/negatives 1
grep -qx '# negatives 1, ID images move nan, wild images move nan, chosen' one-negative.tsv || die 'the table lacks the size'
refused 2 "${WILD[@]}" --max-bank 0
log_of "${WILD[@]}" --max-bank 1 --count 20
says 'warning: --max-bank has no effect'
refused 2 "${WILD[@]}" --count 0

case_ '--max-bank-bytes: too small, just enough, beyond'
refused 2 "${WILD[@]}" --max-bank-bytes 70K
says 'may take 75264 bytes before its first negative'
refused 2 "${WILD[@]}" --max-bank-bytes many
says "'many' is no size"
least=$((75264 + 2 * (32 * 2 + 4) + 64)) # and its first
refused 2 "${WILD[@]}" --max-bank-bytes $((least - 1))
mined least "${WILD[@]}" --max-bank-bytes $least
found least negatives 1
mined bytes "${WILD[@]}" --max-bank-bytes 200K
[ "$(stat -c %s bytes.nbank)" -le 204800 ] || die 'the bank is larger than asked for'
log_of "${WILD[@]}" --max-bank-bytes 200K
says 'warning: --max-bank-bytes 200K holds 647 negatives'
found bytes negatives 647
mined beyond "${WILD[@]}" --max-bank-bytes 1G
found beyond negatives 2500

case_ '--fraction'
mined fraction "${WILD[@]}" --fraction 0.2
run 0 "${NB[@]}" inspect export -q fraction.nbank --texts fraction.txt
run 0 "${NB[@]}" inspect export -q base500.nbank --texts base500.txt
same fraction.txt base500.txt
head -500 base.txt | cmp -s - base500.txt || die 'a smaller bank is not the beginning of a larger one'
refused 2 "${WILD[@]}" --count 5 --fraction 0.2
says '--count 5 and --fraction 0.2 are both given, choose one'
refused 2 "${WILD[@]}" --count auto --fraction 0.2
says '--count auto and --fraction 0.2 are both given, choose one'
printf 'mine:\n  fraction: 0.2\n  max-bank: 700\n' >run.yaml # which the command line overrides
mined overridden "${WILD[@]}" --config run.yaml --count auto
found overridden negatives 700

case_ '--count auto by the number of candidates'
sizes() { # COUNT SIZES CHOSEN: what stands at the table's end, in the bank, and how many negatives it has
    rows some.npy "w/text.npy[:$1]"
    head -"$1" w/names.txt >some.txt
    import some some.npy --names some.txt
    X=some.nbe mined auto "${WILD[@]}"
    [ "$(sed -n 's/^# negatives \([0-9]*\),.*/\1/p' auto.tsv | xargs)" = "$2" ] || die "$1: sizes $(tail -4 auto.tsv)"
    [ "$(sed -n 's/^# negatives \([0-9]*\),.*, chosen$/\1/p' auto.tsv)" = "$3" ] || die "$1: $(tail -4 auto.tsv)"
    [ "$(grep -c '^#' auto.tsv)" = "$(tail -4 auto.tsv | grep -c '^#')" ] || die 'a comment stands among the candidates'
    found auto negatives "$3"
    local i=0
    for size in $2; do
        found auto findings/sizes/$i/negatives "$size"
        [ "$size" != "$1" ] || found auto findings/sizes/$i/id_moves null
        i=$((i + 1))
    done
}
sizes 900 900 900
sizes 1000 1000 1000
sizes 1001 '1000 1001' 1000 # the last one moves nothing
sizes 2001 '1000 2000 2001' 2000
sizes 2500 '1000 2000 2500' 2500

case_ 'tags: one order over all'
awk '{ print NR % 5 ? NR % 7 ? "noun" : "none" : "adj" }' w/names.txt >tags.txt
import tagged w/text.npy --names w/names.txt --tags tags.txt
X=tagged.nbe mined tagged "${WILD[@]}" --count 500
run 0 "${NB[@]}" inspect export -q tagged.nbank --texts tagged.txt
same tagged.txt base500.txt

case_ '--reject interneg'
mined rejected "${WILD[@]}" --reject interneg
log_of "${WILD[@]}" --reject interneg
says "by interneg, $(grep -vc '	rejected:interneg	' <(tail -n +2 rejected.tsv | grep -v '^#')) accepted"
measured rejected 80

case_ 'labels and texts of a stop list among the candidates'
head -3 w/names.txt >stop.txt
sed -n 4,9p w/names.txt >six.txt
rows six.npy 'w/label_text.npy[:6]'
rows six-images.npy 'w/id.npy[:12]'
rows six-classes.npy 'w/id_classes.npy[:12]'
import six six.npy --names six.txt
import six-images six-images.npy --labels six-classes.npy
TESTED=six-images L=six.txt Q=six.nbe I=six-images.nbe mined six "${WILD[@]}" --stop-list stop.txt
run 0 "${NB[@]}" inspect export -q six.nbank --texts six-bank.txt
! grep -qxFf <(cat stop.txt six.txt) six-bank.txt || die 'a label or a stopped text is in the bank'
found six findings/candidates 2491
[ "$(cut -f4 six.tsv | grep -c '^rejected:label$') $(cut -f4 six.tsv | grep -c '^rejected:stop-list$')" = '6 3' ] ||
    die 'the table does not say what was rejected'

case_ 'every candidate is a label'
head -6 w/names.txt >same.txt
import same six.npy --names six.txt
X=same.nbe L=six.txt Q=six.nbe I=six-images.nbe refused 3 "${WILD[@]}"
says 'no candidate is left'

case_ 'equal candidates, so many that products run in single precision: ties by their numbers'
mapfile -t copies < <(yes w/text.npy | head -44)
rows many.npy "${copies[@]}"
for i in $(seq 44); do
    sed "s/$/, $i/" w/names.txt
done >many.txt
import many many.npy --names many.txt
X=many.nbe mined many "${WILD[@]}" --count 1100
tail -n +2 many.tsv | awk -F '\t' '$5 != "" { print $5 "\t" $1 "\t" $10 }' | sort -n >order.txt
awk -F '\t' '$1 % 3 { if ($3 == last && $2 < id) exit 1; last = $3; id = $2 }' order.txt || die 'ties stand in another order'
measured many 70

case_ 'a bank without proxies'
# shellcheck disable=SC2046
run 0 "${NB[@]}" mine -q $(inputs) --criterion neglabel -o neglabel.nbank
run 2 "${NB[@]}" score -q --bank neglabel.nbank --images test.nbe --score debiased -o none.tsv
says 'the bank has no proxies'
says 'hint: mine it again with --criterion debiased, or take the score that it suggests, neglabel'
absent none.tsv

case_ '--calibrate: the threshold, and what score makes of it'
mined calibrated "${WILD[@]}" --calibrate test.nbe
found calibrated calibration/measured 0.95
for set in test far; do
    run 0 "${NB[@]}" score -q --force --bank calibrated.nbank --images $set.nbe -o $set.tsv
done
[ "$(cut -f7 test.tsv | grep -c '^in$')" = 190 ] || die '190 of the 200 images should be in'
[ "$(cut -f7 far.tsv | grep -c '^out$')" -ge 60 ] || die 'few of the far images are out'

case_ 'wild images of another width'
run 0 python3 "$TESTS/support/nested_world.py" narrow --labels 20 --candidates 80 --wild 20 --test 20 --width 16
import narrow narrow/wild.npy
refused 3 --wild-images narrow.nbe
says 'narrow.nbe'

case_ 'a rank killed in mid-run, and --resume on another number of ranks'
disturbed=(--texts many.nbe --labels w/labels.txt --label-embeddings labels.nbe --id-images id.nbe "${WILD[@]}"
    --count 1100)
# shellcheck disable=SC2046
timeout -k 5 $LIMIT $(mpi 2) "$NEGBANK" mine "${disturbed[@]}" -o resumed.nbank >out 2>err </dev/null &
job=$!
grown() { [ "$(stat -c %s resumed.nbank.ledger 2>/dev/null || echo 0)" -gt 100000 ]; }
grown_or_done() { grown || ! kill -0 $job 2>/dev/null; }
until_ 100 grown_or_done
launcher=$(launcher_of $job)
victim=$(pgrep -P "${launcher:-0}" | tail -1)
[ -z "$victim" ] || kill -9 "$victim"
wait_mpirun $job
if [ "$got" = 0 ]; then
    echo 'too fast a machine to interrupt'
else
    absent resumed.nbank
    present resumed.nbank.ledger
    # shellcheck disable=SC2046
    run 0 $(mpi 3) "$NEGBANK" mine --resume "${disturbed[@]}" -o resumed.nbank
    says 'continuing'
fi
same resumed.nbank many.nbank
absent resumed.nbank.ledger
finish
