"""Nothing is believed: every output is read again and searched for what its input said about the person."""
