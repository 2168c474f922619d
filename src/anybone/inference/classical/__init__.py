"""Classical baselines: segmentation without trained weights."""
