#!/usr/bin/env bash
# Embed stages as job arrays: preallocated once, more parts than an array may have tasks, a task that is stopped and comes
# back, one that fails and is made again alone; the bytes of one rank outside Slurm.
MORE_CONF=MaxArraySize=4
. "$TESTS/slurm/cluster.bash" || exit 1
case_ 'one rank, outside Slurm'
run 0 "$NB" demo -q -o world
sed '/^score:/,$d' "$TESTS/../configs/demo.yaml" >run.yaml
mkdir alone && cp -r world run.yaml alone/
(cd alone && run 0 "$NB" run run.yaml -q) || exit 1
cat >>run.yaml <<'C'
slurm:
  time: 10
  embed:
    array: 5
    ntasks: 2
    stripes: 8
C
mkdir bin
printf '#!/bin/sh\necho "$*" >>%s\n' "$D/stripes" >bin/lfs
# Part 2 fails with 4, until a file says otherwise; part 3 is told to stop, once.
cat >bin/flaky <<C
#!/bin/bash
case "\$* " in
*'--only embed-text --part 2/5 '*) [ -e '$D/mended' ] || { echo 'error: the disk is gone' >&2; exit 4; } ;;
*'--only embed-text --part 3/5 '*) [ -e '$D/stopped' ] || { touch '$D/stopped'; exit 85; } ;;
esac
exec '$NB' "\$@"
C
chmod +x bin/*
echo "PATH=$D/bin:\$PATH" >setup

case_ 'the cluster'
cluster_start
case_ 'what would be submitted'
submit run.yaml --no-plan --dry-run
[ "$(grep -c 'negbank-embed-text .*--array=1-3' "$T/out")" = 1 ] || die 'no array of three parts'
[ "$(grep -c 'negbank-embed-text .*--array=1-2' "$T/out")" = 1 ] || die 'no array of the last two parts'
[ "$(grep -c 'negbank-embed-text ' "$T/out")" = 3 ] || die 'nothing lays it out'
[ "$(grep -c 'negbank-mine .*--dependency=afterok:.*:' "$T/out")" = 1 ] || die 'mine stands behind nothing'
run 2 "$SLURM/submit" run.yaml --no-plan --array few
says "'few' is no number of parts"

case_ 'one part fails, one is stopped and comes back'
submit run.yaml --no-plan --negbank "$D/bin/flaky" --setup "$D/setup"
prints '5 parts'
until_ 150 all_ended || { show; die 'jobs do not end'; }
run 1 "$SLURM/status" run.yaml
grep -q '^embed-text  *failed .*4 of 5 parts done, 0 running, 0 pending, 1 failed: task [0-9]*_2, exit code 4 (reading or writing failed)' "$T/out" ||
    { show; die 'the failed part is not reported'; }
grep -q '^mine  *failed .*CANCELLED' "$T/out" || die 'mine ran'
run 1 "$SLURM/collect" run.yaml
grep -q '^== embed-text, job [0-9]*_2: exit code 4' "$T/out" || die 'collect does not name the task'
absent words.nbe
present words.nbe.partial
grep -q 'setstripe -c 8 \.' stripes || die 'no stripes were asked for'
grep -q '"stripes": "8"' wild.nbe.run.json || die 'the record does not say so'
[ "$(awk -F'\t' '$1 == "embed-text" && $4 == 85' run.run/ended.tsv | wc -l)" = 1 ] || die 'no part was stopped'

case_ 'submitted again: the failed part alone is computed'
touch mended
submit run.yaml --no-plan --negbank "$D/bin/flaky" --setup "$D/setup"
prints 'embed-images-wild: done already'
until_ 150 all_ended || { show; die 'jobs do not end'; }
run 0 "$SLURM/status" run.yaml || { show; exit 1; }
again=$(awk -F'\t' '$1 == "embed-text" { if ($3 != at) ids = ""; at = $3; ids = ids " " $2 } END { print ids }' run.run/jobs.tsv)
made=$(for id in $again; do grep -hE 'texts in .*\([1-9]' "run.run/logs/embed-text-$id"_*.out; done 2>/dev/null)
[ "$(grep -c . <<<"$made")" = 1 ] || { show; die "not one part was computed: $made"; }
absent words.nbe.partial
for f in words.nbc words.nbe id-train.nbe wild.nbe demo.nbank; do same $f alone/$f; done

case_ 'submitted again: nothing is left'
submit run.yaml --no-plan
grep -q ': job' "$T/out" && die 'something was submitted'
finish
