"""Where a nodule ends: its voxels around a seed, used by detection and measurement alike."""
