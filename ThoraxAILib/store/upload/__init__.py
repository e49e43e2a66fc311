"""Sending de-identified files to a store so that nothing is lost, doubled, changed or sent by mistake."""
