"""The parts of a SAM-style network: prompt encoder, two-way transformer, mask decoder."""
