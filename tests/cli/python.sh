#!/usr/bin/env bash
# The Python package: installed by pip without a network and by CMake, its scores beside the program's, its types (mypy),
# the examples in its docstrings and those in scoring/python/examples.
. "$TESTS/cli/lib.sh" || exit 1
BUILD=$TOOLS/..
if nm "$BUILD/libnegbank.so" | grep -q __asan; then
    echo 'skipped: a library with sanitizers loads into programs with sanitizers only'
    exit 77
fi
python=
for candidate in /usr/bin/python3 python3; do # Debian's own has Debian's numpy
    if [ -z "$python" ] && "$candidate" -c 'import numpy; numpy.from_dlpack' 2>/dev/null; then
        python=$candidate
    fi
done
[ -n "$python" ] || {
    echo 'skipped: numpy from 1.23 on is absent (Debian: python3-numpy)'
    exit 77
}
. "$TESTS/cli/world.bash" || exit 1
export OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8
unset NEGBANK_LIBRARY NEGBANK_PROGRAM PYTHONPATH
package=$TESTS/../scoring/python

case_ 'a bank with a threshold, and what the program scores with it'
done_ embed text -q --model w/model -o t.nbe few.nbc
done_ embed images -q --model w/model -o images.nbe w/id-test.txt
run 0 "$python" -c 'import numpy
numpy.save("words.npy", numpy.random.default_rng(1).normal(size=(60, 32)).astype("f4"))'
done_ store import -q --embeddings words.npy -o words.nbe
done_ mine -q --texts words.nbe --labels w/labels.txt --model w/model --allow-mismatch --criterion random --count 50 \
    --calibrate images.nbe -o demo.nbank
# the program chooses kernels where OpenBLAS does not know the CPU; a library cannot, and other kernels round otherwise
OPENBLAS_CORETYPE=$("${NB[@]}" inspect info images.nbe --json | sed -n 's/.*"kernels": "OpenBLAS \([^,]*\),.*/\1/p' | head -1)
export OPENBLAS_CORETYPE
for score in neglabel mcm max-logit energy adaneg; do
    done_ score -q --bank demo.nbank --images images.nbe --score $score -o $score.jsonl
done
done_ score -q --bank demo.nbank --images images.nbe -o suggested.tsv
run 0 "${NB[@]}" inspect info demo.nbank --json
mv out info.json

case_ 'installed by pip, without a network'
if "$python" -c 'import pip' 2>/dev/null; then
    run 0 env NEGBANK_LIBRARY="$BUILD/libnegbank.so" "$python" -m pip install --quiet --disable-pip-version-check \
        --no-index --no-deps --target site "$package"
    [ -e site/negbank/py.typed ] || die 'the package does not say that it is typed'
    present "$(echo site/negbank/libnegbank.so.*)" site/negbank-*.dist-info/RECORD
    export PYTHONPATH=$T/site
else
    echo 'left out: pip is absent (Debian: python3-pip)'
    export PYTHONPATH=$package NEGBANK_LIBRARY=$BUILD/libnegbank.so
fi
export NEGBANK_PROGRAM=$NEGBANK
run 0 "$python" "$TESTS/library/package.py" "$package/examples"
prints ' checks passed'

case_ 'the examples as programs'
run 0 "$python" "$package/examples/plot_scores.py" demo.nbank scores.png id=images.nbe words=words.nbe
prints "id$(printf '\t')100 images"
if "$python" -c 'import matplotlib' 2>/dev/null; then
    present scores.png
else
    says 'matplotlib is absent'
    echo 'left out: matplotlib is absent (Debian: python3-matplotlib)'
fi

case_ 'installed by CMake, where it finds its library and its program'
run 0 cmake --install "$BUILD" --prefix "$T/prefix"
unset NEGBANK_LIBRARY NEGBANK_PROGRAM
export PYTHONPATH=$T/prefix/lib/python3/dist-packages
cat >where.py <<'PY'
import pathlib, negbank
from negbank import _library, _pull
prefix = pathlib.Path(negbank.__file__).parents[4]
assert _library.lib._cdll._name.startswith(f"{prefix}/lib"), _library.lib._cdll._name
assert _pull._program() == f"{prefix}/bin/negbank", _pull._program()
assert negbank.__version__ == negbank.library_version()
assert len(negbank.open("demo.nbank").labels) == 10
PY
run 0 "$python" where.py
[ -z "$(find "$T/prefix" -name __pycache__)" ] || die 'compiled files were installed'
cat >absent.py <<'PY'
try:
    import negbank
except ImportError as why:
    print(why)
PY
cp -r "$PYTHONPATH" alone
rm -rf prefix
run 0 env PYTHONPATH="$T/alone" "$python" absent.py
prints 'NEGBANK_LIBRARY'
run 1 env PYTHONPATH="$T/alone" NEGBANK_LIBRARY="$T/none.so" "$python" -c 'import negbank'

case_ 'types'
if command -v mypy >/dev/null; then
    cat >typed.py <<'PY'
import negbank
bank = negbank.open("demo.nbank")
bank.score([[1.0]]).score.upper()
negbank.pull(3)
PY
    run 1 mypy --strict --python-executable "$python" --cache-dir "$T/mypy" "$package/negbank" typed.py
    prints 'typed.py:3: error'
    prints 'typed.py:4: error'
    prints 'Found 2 errors in 1 file'
else
    echo 'left out: mypy is absent (Debian: mypy)'
fi
finish
