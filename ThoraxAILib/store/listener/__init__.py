"""A DICOM receiver that analyzes what it is sent: a queue on the disk, facts that choose series, results to a store."""
