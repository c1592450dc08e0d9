# cmake -DNEGBANK=PROGRAM [-DEMULATOR=...] -DOUT=FOLDER -P pages.cmake: the man pages and the completion that the program
# prints, in OUT/man1, OUT/bash and OUT/zsh.
function(help_of out) # help_of(FILE WORDS...)
  execute_process(COMMAND ${EMULATOR} ${NEGBANK} help ${ARGN} OUTPUT_FILE ${out} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
set(ENV{ASAN_OPTIONS} "detect_leaks=0") # what MPI leaves at its end is the tests' business, not the build's
file(REMOVE_RECURSE ${OUT})
file(MAKE_DIRECTORY ${OUT}/man1 ${OUT}/bash ${OUT}/zsh)
help_of(${OUT}/man1/negbank.1 --man)
help_of(${OUT}/commands --list)
file(STRINGS ${OUT}/commands commands)
foreach(command IN LISTS commands)
  string(REPLACE " " ";" words ${command})
  string(REPLACE " " "-" name ${command})
  help_of(${OUT}/man1/negbank-${name}.1 --man ${words})
endforeach()
help_of(${OUT}/bash/negbank --completion bash)
help_of(${OUT}/zsh/_negbank --completion zsh)
