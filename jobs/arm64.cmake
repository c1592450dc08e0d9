# Toolchain for building on another machine for arm64, with Debian's cross compiler and arm64's libraries beside the
# machine's own (jobs/packages arm64): cmake --preset arm64. What is built runs under qemu-user, tests too, where that is
# installed. jobs/README.md says more.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

# Programs are the build machine's; libraries and headers are arm64's, which Debian has in folders of their own.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)

find_program(NEGBANK_QEMU NAMES qemu-aarch64-static qemu-aarch64)
if(NEGBANK_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${NEGBANK_QEMU})
endif()
