"""Where the lungs, lobes and airways are: segmenters behind one protocol, and a verdict on their result."""
