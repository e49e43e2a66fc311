"""A DICOM server for one machine: Orthanc behind TLS, with users and certificates made for it."""
