# The stand-in calls itself 5.12 unless STAND_IN_VERSION says otherwise; newer than asked for is good, as in Slicer.
set(PACKAGE_VERSION "5.12.0")
if(DEFINED STAND_IN_VERSION)
  set(PACKAGE_VERSION "${STAND_IN_VERSION}")
endif()
if(NOT PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
