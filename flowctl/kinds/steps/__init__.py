"""Steps that are no stream."""
