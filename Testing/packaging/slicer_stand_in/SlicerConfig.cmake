# Stands for an installed Slicer in test_extension_build.py: enough to configure and install scripted modules.
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/CheckExtension.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/CheckExtension.cmake")
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "qt-scripted-modules")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "qt-scripted-modules")
