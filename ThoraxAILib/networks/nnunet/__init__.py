"""A person's own nnU-Net (version 2): the folder of a trained model, run with nnU-Net's own code."""
