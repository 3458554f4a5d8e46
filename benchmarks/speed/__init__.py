"""How fast: this package and what people use, side by side on this machine. `make bench`, or `python -m benchmarks.speed`."""
