"""How good a classifier is: nested cross-validation, curves, ablation, tests."""
