"""Who becomes whom: the project key, keyed UIDs and pseudonyms, date shifts, and the encrypted key store."""
