# Spack recipe of negbank. Beside the source: `spack repo create R; cp -r slurm/package/negbank R/packages/;
# spack repo add R; spack dev-build negbank@main` from the top of the source folder.
import os

from spack.package import *


class Negbank(CMakePackage):
    """Negative-label banks for out-of-distribution detection with CLIP, mined under MPI."""

    maintainers = []
    license("Apache-2.0")

    # There is no release to fetch yet: build a checkout with `spack dev-build`.
    version("main", branch="main")

    variant("native", default=False, description="Tune for this CPU (the result may not run on another)")

    depends_on("c", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("openmpi@4.1:")
    # the program looks for HDF5 under the name that Debian's pkg-config files give it, see cmake_args
    depends_on("hdf5@1.10.8: +mpi")
    depends_on("openblas threads=none")
    depends_on("zstd")
    depends_on("jansson")
    depends_on("libyaml")
    depends_on("libsodium")
    depends_on("xxhash")
    depends_on("utf8proc")
    depends_on("libjpeg-turbo")
    depends_on("libpng")
    depends_on("libwebp")
    depends_on("libarchive")
    depends_on("cairo")
    depends_on("curl")
    depends_on("cmocka", type="test")

    generator("ninja")

    @run_before("cmake")
    def name_hdf5(self):
        """pkg-config knows parallel HDF5 as `hdf5` here, as `hdf5-openmpi` on Debian."""
        folder = join_path(self.stage.path, "pkgconfig")
        mkdirp(folder)
        for place in ("lib", "lib64"):
            found = join_path(self.spec["hdf5"].prefix, place, "pkgconfig", "hdf5.pc")
            if os.path.exists(found):
                copy(found, join_path(folder, "hdf5-openmpi.pc"))

    def setup_build_environment(self, env):
        env.prepend_path("PKG_CONFIG_PATH", join_path(self.stage.path, "pkgconfig"))

    def setup_run_environment(self, env):
        env.set("OPENBLAS_NUM_THREADS", "1")
        env.prepend_path("HDF5_PLUGIN_PATH", join_path(self.prefix, "lib/negbank/hdf5-plugin"))

    def cmake_args(self):
        return [
            self.define_from_variant("NEGBANK_NATIVE", "native"),
            self.define("BUILD_TESTING", self.run_tests),
        ]

    def check_install(self):
        Executable(join_path(self.prefix.bin, "negbank"))("--version")
