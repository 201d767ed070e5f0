"""The desk: what people read about a delivery."""
