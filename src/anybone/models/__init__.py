"""The network: tensors in, tensors out. Nothing here knows a Volume, a file or a millimeter."""
