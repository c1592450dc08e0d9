#!/usr/bin/env bash
# slurm/package: the module file under a real Lmod, over an installed prefix; the Spack recipe over a stand-in of Spack;
# syntax of the Apptainer definition.
. "$TESTS/cli/lib.sh" || exit 1
[ -e /usr/share/lmod/lmod/init/bash ] || {
    echo 'skipped: Lmod is not installed'
    exit 77
}

case_ 'installed, with a module file beside'
V=$("$NEGBANK" --version | awk '{ print $2 }')
P=$T/apps/$V
run 0 cmake --install "$TOOLS/.." --prefix "$P"
mkdir -p modules/negbank modules/openmpi
cp "$TESTS/../slurm/package/negbank.lua" "modules/negbank/$V.lua"
echo 'whatis("Name: openmpi")' >modules/openmpi/4.1.lua
cat >loaded.bash <<'END'
. /usr/share/lmod/lmod/init/bash
module use "$PWD/modules"
"$@"
END

case_ 'loaded: the program, the libraries, the plugin'
cat >ask.bash <<END
module load negbank/$V || exit 1
module -t list 2>&1
command -v negbank
negbank --version
pkg-config --libs negbank
find "\$HDF5_PLUGIN_PATH" -name '*.so'
echo "threads \$OPENBLAS_NUM_THREADS"
END
run 0 env NEGBANK_PREFIX="$T/apps" bash -c '. ./loaded.bash; . ./ask.bash'
prints openmpi/4.1
prints "$P/bin/negbank"
prints "-L$P/lib"
prints "$P/lib/negbank/hdf5-plugin/"
prints 'threads 1'

case_ 'unloaded: nothing is left'
run 0 env NEGBANK_PREFIX="$T/apps" bash -c '. ./loaded.bash; module load negbank; module unload negbank; echo "now $PATH"'
grep -q "$T/apps" out && die 'the path still holds it'

case_ 'Spack: the recipe over a stand-in of its package API, with CMake behind'
run 0 python3 "$TESTS/support/spack_recipe.py" "$TESTS/../slurm/package/negbank/package.py" "$TESTS/.." \
    "$P" "$T/spack"
prints ' dependencies, 3 arguments'

case_ 'Spack: a recipe without one of its dependencies is noticed'
grep -v '"libsodium"' "$TESTS/../slurm/package/negbank/package.py" >short.py
run 1 python3 "$TESTS/support/spack_recipe.py" short.py "$TESTS/.." "$P" "$T/short"
says "CMake requires 'libsodium'"

case_ 'Apptainer: the sections of the definition parse as sh (slurm/package/try-def runs them)'
for section in post environment runscript test; do
    awk -v name="%$section" '/^%/ { on = $1 == name; next } on' "$TESTS/../slurm/package/negbank.def" >"$section.sh"
    present "$section.sh"
    run 0 sh -n "$section.sh"
done

finish
