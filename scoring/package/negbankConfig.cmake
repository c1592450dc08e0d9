include("${CMAKE_CURRENT_LIST_DIR}/negbankTargets.cmake")
