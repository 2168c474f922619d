"""A volume's way through the network, in nine steps; `engine.segmenter` shows them on one screen."""
