"""Developer scripts that rebuild ../data from its published sources; nothing here runs in the product."""
