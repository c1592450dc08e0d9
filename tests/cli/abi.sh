#!/usr/bin/env bash
# The C library's interface beside that of the last release (tests/library/negbank-VERSION.abi): while the soname's
# promise is the same, functions are added only, and no function, type or size changes.
#
#   tests/cli/abi.sh --write     writes the file of the version in scoring/negbank.h anew: at a release, and the older
#                                one is removed. TOOLS is the folder of the tests' programs, build/tests.
export TESTS="${TESTS:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
library=${TOOLS:=$TESTS/../build/tests}/libnegbank_abi.so
header=$TESTS/../scoring/negbank.h
number() { sed -n "s/^#define NEGBANK_VERSION_$1 //p" "$header"; }
# promise VERSION: the part of it that has a soname of its own.
promise() { sed 's/^\(0\.[0-9]*\)\..*/\1/; t; s/\..*//' <<<"$1"; }
# dump LIBRARY: its interface, without what depends on where it was built. Types are public when they are in the header,
# which is known by its name in a folder of its own.
dump() {
    local folder
    folder=$(mktemp -d) && cp "$header" "$folder" || exit 1
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --no-parameter-names \
        --exported-interfaces-only --drop-private-types --headers-dir "$folder" "$1" |
        sed "s|path='[^']*scoring/|path='scoring/|; s| soname='[^']*'||"
    rm -r "$folder"
}
version=$(number MAJOR).$(number MINOR).$(number PATCH)
if [ "${1:-}" = --write ]; then
    dump "$library" >"$TESTS/library/negbank-$version.abi"
    exit
fi
. "$TESTS/cli/lib.sh"
for tool in abidw abidiff; do
    command -v $tool >/dev/null || {
        echo "skipped: $tool is absent (Debian: abigail-tools)"
        exit 77
    }
done
[ -e "$library" ] || {
    echo 'skipped: it is not built with sanitizers'
    exit 77
}
[ "$(uname -m)" = x86_64 ] || {
    echo 'skipped: the stored interface is of x86_64'
    exit 77
}

case_ 'the library beside the last release'
stored=("$TESTS"/library/negbank-*.abi)
[ ${#stored[@]} = 1 ] || die "one interface is stored, not ${#stored[@]}"
of=${stored[0]##*/negbank-}
of=${of%.abi}
dump "$library" >now.abi
grep -q "name='negbank_result' size-in-bits=" now.abi || die 'the interface lacks its types'
# compare OTHER: 0 when nothing but additions tells it from the stored one.
compare() {
    abidiff --no-added-syms "${stored[0]}" "$1" >out 2>err
    got=$?
    [ $((got & 3)) = 0 ] || die 'abidiff cannot compare them'
    return $got
}
if [ "$(promise "$of")" = "$(promise "$version")" ]; then
    compare now.abi || die "version $version does not keep what $of promises: a new minor version is needed"
else
    compare now.abi || { echo "beside $of, whose soname is another:" && cat out; }
fi

case_ 'what changes is seen'
sed "s/\(name='negbank_result' size-in-bits='\)[0-9]*/\1256/" now.abi >grown.abi
compare grown.abi && die 'a grown result is not seen'
sed "/elf-symbol name='negbank_width'/d; /function-decl name='negbank_width'/,/<.function-decl>/d" now.abi >removed.abi
compare removed.abi && die 'a function that is gone is not seen'
finish
