#!/usr/bin/env python3
"""spack_recipe.py RECIPE SOURCE PREFIX FOLDER: loads a Spack recipe over the stand-in, compares it with CMake.

Its dependencies are those that SOURCE's CMake files require, no fewer and no more; a configuration of SOURCE in FOLDER
with its arguments and environment passes and uses all of them; PREFIX, where negbank is installed, has what its run
environment names. Prints what it checked; what differs goes to standard error with exit code 1.
"""
import os
import re
import runpy
import subprocess
import sys
import types
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent / "spack_stand_in"))
from spack.package import parse, recorded  # noqa: E402

# What CMake asks for, and the spec that has it in Spack: module of pkg-config, package of find_package, language.
SPECS = {
    "${NEGBANK_MPI}": "openmpi", "${NEGBANK_HDF5}": "hdf5 ~mpi", "openblas": "openblas", "libzstd": "zstd", "zlib": "zlib-api",
    "GIF": "giflib", "libtiff-4": "libtiff", "snappy": "snappy", "liblz4": "lz4", "liblzma": "xz", "BZip2": "bzip2",
    "jansson": "jansson", "yaml-0.1": "libyaml", "libsodium": "libsodium", "libcrypto": "openssl",
    "libxxhash": "xxhash",
    "libutf8proc": "utf8proc +shared", "libjpeg": "libjpeg-turbo", "libpng": "libpng", "libwebp": "libwebp",
    "libwebpdemux": "libwebp +libwebpdemux", "libarchive": "libarchive", "cairo": "cairo +png +ft +fc",
    "libcurl": "curl", "cmocka": "cmocka", "PkgConfig": "pkgconfig", "Threads": None, "C": "c",
}
GENERATORS = {"ninja": "Ninja", "make": "Unix Makefiles"}  # CMakePackage itself depends on the program


class Environment(dict):
    """Of Spack's EnvironmentModifications."""

    def set(self, name, value):
        self[name] = value

    def prepend_path(self, name, path):
        self[name] = os.pathsep.join([path, *filter(None, [self.get(name, os.environ.get(name))])])


def fail(text):
    sys.exit(f"error: {text}")


def required(path):
    """What a CMake file cannot do without, in the order it stands there."""
    text = re.sub(r"#.*", "", path.read_text())
    found = re.findall(r"\bfind_package\(\s*(\w+)[^)]*\bREQUIRED\b", text)
    for words in re.findall(r"\bpkg_(?:check|search)_modules\(\s*\w+\s+([^)]*)\)", text):
        if "REQUIRED" in words:
            found += [word for word in words.split() if word not in ("REQUIRED", "IMPORTED_TARGET")]
    return found


def optional(path):
    """What a CMake file uses where it is there: the tests' modules."""
    text = re.sub(r"#.*", "", path.read_text())
    found = re.findall(r"\bpkg_check_modules\(\s*\w+\s+QUIET\s+([^)]*)\)", text)
    return [word for words in found for word in words.split() if word != "IMPORTED_TARGET"]


def same_dependencies(source):
    """The recipe's dependencies against the CMake files'; returns how many there are."""
    depends = recorded["depends_on"]
    text = (source / "CMakeLists.txt").read_text()
    least = re.search(r"cmake_minimum_required\(VERSION ([\d.]+)", text)[1]
    if depends.get("cmake", ("",))[0] != f"@{least}:":
        fail(f"CMakeLists.txt wants CMake {least}, the recipe another")
    wanted = {"cmake"}
    languages = re.search(r"project\([^)]*LANGUAGES ([^)]*)\)", text)[1].split()
    for kinds, asked in (({"build", "link"}, languages + required(source / "CMakeLists.txt")),
                         ({"test"}, optional(source / "CMakeLists.txt") + required(source / "tests/CMakeLists.txt"))):
        for word in asked:
            if word not in SPECS:
                fail(f"CMake requires '{word}': spack_recipe.py does not know its name in Spack")
            if SPECS[word] is None:
                continue
            name, _, variants = parse(SPECS[word])
            wanted.add(name)
            if name not in depends or not depends[name][2] & kinds:
                fail(f"CMake requires '{word}', the recipe has no depends_on(\"{name}\")")
            if not variants <= depends[name][1]:
                fail(f"'{word}' needs '{SPECS[word]}', the recipe has only '{name}' with {sorted(depends[name][1])}")
    if set(depends) - wanted:
        fail(f"nothing requires {sorted(set(depends) - wanted)} of the recipe")
    return len(depends)


def hdf5_of_spack(folder):
    """A folder with an hdf5.pc as Spack has it: this machine's serial HDF5 under that name, with a mark."""
    folder.mkdir(parents=True)
    flags = [subprocess.run(["pkg-config", word, "hdf5-serial"], check=True, capture_output=True, text=True).stdout
             for word in ("--cflags", "--libs")]
    (folder / "hdf5.pc").write_text(f"Name: hdf5\nDescription: of Spack\nVersion: 1.14\nCflags: -DOF_SPACK {flags[0]}"
                                    f"Libs: {flags[1]}")
    return str(folder)


def configure(package, source, folder):
    """CMake with the recipe's arguments; returns them."""
    environment = Environment(PKG_CONFIG_PATH=hdf5_of_spack(folder / "hdf5"))
    words = package.cmake_args()
    done = subprocess.run(["cmake", "-S", source, "-B", folder / "build", "-G", GENERATORS[recorded["generator"][0]],
                           *words, package.define("CMAKE_INSTALL_PREFIX", package.prefix)],
                          env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        fail(f"cmake {' '.join(words)}:\n{done.stderr}")
    if "not used by the project" in done.stderr:
        fail(done.stderr.strip())
    cache = (folder / "build/CMakeCache.txt").read_text()
    for word in words:
        if word[2:] not in cache.splitlines():
            fail(f"CMake has no option '{word[2:]}'")
    if "-DOF_SPACK" not in cache:
        fail("CMake found another HDF5 than Spack's")
    return words


def main():
    recipe, source, prefix, folder = map(Path, sys.argv[1:])
    names = runpy.run_path(str(recipe))
    count = same_dependencies(source)
    stage = types.SimpleNamespace(path=str(folder / "stage"), source_path=str(source))
    package = names["Negbank"](stage, prefix, {"native": True}, run_tests=False)
    words = configure(package, source, folder)
    environment = Environment()
    package.setup_run_environment(environment)
    for name, value in environment.items():
        if value.startswith(str(prefix)) and not os.path.exists(value.split(os.pathsep)[0]):
            fail(f"{name} names '{value}', which is not installed")
    names["Negbank"](stage, prefix, {}, run_tests=True).run("after", "install")
    print(f"{count} dependencies, {len(words)} arguments")


main()
