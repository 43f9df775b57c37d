"""Fitted networks written for other programs: as an ONNX model, and as a file of C."""
