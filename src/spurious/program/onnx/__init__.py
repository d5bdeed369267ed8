"""How `from_onnx` reads the graphs of ONNX files. Needs the extra `onnx`."""
