"""Training: cached label maps -> weights.

The way from a cache to a training step needs torch, NumPy and safetensors alone, so that it runs on a bare GPU machine.
"""
