# Spack recipe of negbank, for Spack 1.0 and later. From the top of the source folder:
#
#   spack repo create R negbank && cp -r slurm/package/negbank R/spack_repo/negbank/packages/
#   spack repo add R/spack_repo/negbank && spack dev-build negbank@main
from spack_repo.builtin.build_systems.cmake import CMakePackage, generator

from spack.package import *


class Negbank(CMakePackage):
    """Negative-label banks for out-of-distribution detection with CLIP, mined under MPI."""

    license("Apache-2.0")

    # There is no release to fetch yet: build a checkout with `spack dev-build`.
    version("main", branch="main")

    variant("native", default=False, description="Tune for this CPU (the result may not run on another)")

    depends_on("c", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("openmpi@4.1:", type=("build", "link", "run"))
    depends_on("hdf5@1.10.8: ~mpi")
    depends_on("openblas threads=none")
    depends_on("zstd")
    depends_on("zlib-api")
    depends_on("snappy")
    depends_on("lz4")
    depends_on("bzip2")
    depends_on("xz")
    depends_on("jansson")
    depends_on("libyaml")
    depends_on("libsodium")
    depends_on("openssl@3:")
    depends_on("xxhash@0.8:")
    depends_on("utf8proc +shared")  # the static one is no part of a shared library
    depends_on("libjpeg-turbo")
    depends_on("libpng")
    depends_on("libwebp +libwebpdemux")
    depends_on("giflib@5:")
    depends_on("libtiff@4.5:")
    depends_on("libarchive")
    depends_on("cairo +png +ft +fc +pdf +zlib")  # its recipe wants these five together
    depends_on("curl")
    depends_on("cmocka", type="test")

    generator("ninja")

    def setup_run_environment(self, env):
        env.set("OPENBLAS_NUM_THREADS", "1")
        env.prepend_path("HDF5_PLUGIN_PATH", join_path(self.prefix, "lib/negbank/hdf5-plugin"))

    def cmake_args(self):
        return [
            self.define_from_variant("NEGBANK_NATIVE", "native"),
            self.define("NEGBANK_HDF5", "hdf5"),  # its name here; on Debian it is hdf5-serial
            self.define("BUILD_TESTING", self.run_tests),
        ]

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(join_path(self.prefix.bin, "negbank"))("--version")
