# Installs the Python package where `import negbank` finds it: Debian's folder of packages under /usr, which every
# version of its Python reads; under /usr/local that of its version; lib/python3/dist-packages under any other prefix.
set(folder "${NEGBANK_PYTHON_DIR}")
if(NOT folder AND CMAKE_INSTALL_PREFIX STREQUAL "/usr/local")
  find_program(PYTHON3 python3)
  if(PYTHON3)
    execute_process(COMMAND "${PYTHON3}" -c
      "import sys; print(next((p for p in sys.path if p.startswith('/usr/local/lib/') and p.endswith('-packages')), ''))"
      OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(NOT folder)
  set(folder lib/python3/dist-packages)
endif()
if(NOT IS_ABSOLUTE "${folder}")
  set(folder "${CMAKE_INSTALL_PREFIX}/${folder}")
endif()
file(INSTALL DESTINATION "${folder}" TYPE DIRECTORY FILES "${PYTHON_PACKAGE}" FILES_MATCHING PATTERN "*.py" PATTERN "py.typed"
  PATTERN "__pycache__" EXCLUDE)
