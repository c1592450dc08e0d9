-- Lmod module file of negbank. Copy it to MODULEPATH as negbank/VERSION.lua and set `root` to the prefix it was
-- installed under (cmake --install build --prefix PREFIX).
local root = pathJoin(os.getenv("NEGBANK_PREFIX") or "/opt/negbank", myModuleVersion())

whatis("Name: negbank")
whatis("Version: " .. myModuleVersion())
whatis("Description: negative-label banks for out-of-distribution detection with CLIP")
help([[
negbank mines negative-label banks for out-of-distribution detection with CLIP, under MPI.
  negbank --help          the commands
  negbank plan RUN.yaml   what a run file would take
]])
conflict("negbank")
-- what it was built with; name your site's
depends_on("openmpi")
prepend_path("PATH", pathJoin(root, "bin"))
prepend_path("LD_LIBRARY_PATH", pathJoin(root, "lib"))
prepend_path("PKG_CONFIG_PATH", pathJoin(root, "lib/pkgconfig"))
prepend_path("CMAKE_PREFIX_PATH", root)
prepend_path("HDF5_PLUGIN_PATH", pathJoin(root, "lib/negbank/hdf5-plugin"))
setenv("OPENBLAS_NUM_THREADS", "1")
