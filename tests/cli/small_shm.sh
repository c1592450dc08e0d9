#!/usr/bin/env bash
# Ranks on a node whose /dev/shm is small, as Docker's is: what they share lies elsewhere, or they end with a word.
if [ -z "${NB_OWN_MOUNTS:-}" ] && unshare -rm true 2>/dev/null; then
    NB_OWN_MOUNTS=1 exec unshare -rm bash "$0"
fi
source "$TESTS/cli/lib.sh"
[ -n "${NB_OWN_MOUNTS:-}" ] || {
    echo 'skipped: no mount namespaces here'
    exit 77
}
export OMPI_MCA_btl=self,tcp OMPI_MCA_pml=ob1 # Open MPI's own segments need 4 MB a rank there
seq -f 'a photo of thing %.0f.' 40 >texts
run 0 "$NEGBANK" corpus -q texts -o texts.nbc
embed=("$NEGBANK" embed text -q --model "$GOLDEN/tiny-quickgelu" texts.nbc)
run 0 "${embed[@]}" -o alone.nbe
mount -t tmpfs -o size=64k small /dev/shm

case_ 'a small /dev/shm: a file in TMPDIR'
mkdir room
# shellcheck disable=SC2046
run 0 env TMPDIR="$T/room" $(mpi 2) "${embed[@]}" -o two.nbe
same two.nbe alone.nbe
[ -z "$(find room /dev/shm -name 'negbank-*')" ] || die 'a file was left'

case_ 'nowhere'
mkdir full
mount -t tmpfs -o size=64k small full
# shellcheck disable=SC2046
run 5 env TMPDIR="$T/full" $(mpi 2) "${embed[@]}" -o never.nbe
says 'memory shared by the ranks of a node'
says "$T/full: No space left on device"
says '--shm-size'
finish
