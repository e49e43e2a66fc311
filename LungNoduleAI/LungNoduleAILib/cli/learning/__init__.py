"""Commands that train, calibrate and evaluate what ``lung analyze`` runs, and the data sets they need."""
