"""The section Advanced: which engines run, a model of one's own, and the threshold or the promise it keeps."""
