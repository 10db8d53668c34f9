"""Speed and memory, measured and never asserted: ratios within one run, medians. `make bench` runs them all."""
