"""Results written safely: a folder that appears whole or not at all, private files, tables that run no formula."""
