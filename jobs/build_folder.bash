# Where jobs/quickstart and tests/run build, sourced with $root, the checkout, set: $build, which is NEGBANK_BUILD or the
# checkout's own build. One that cannot be written (a read-only checkout, a folder of another user) ends the script.
build=${NEGBANK_BUILD:-$root/build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
# shellcheck disable=SC2015
mkdir -p "$build" 2>/dev/null && [ -w "$build" ] && { [ ! -e "$build/CMakeCache.txt" ] || [ -w "$build/CMakeCache.txt" ]; } || {
    echo "error: the build folder '$build' cannot be written: NEGBANK_BUILD=FOLDER names another" >&2
    exit 1
}
