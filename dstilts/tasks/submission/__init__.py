"""The benchmarks' layout of predictions and labels: `<task>/test-<language>.{tsv,json}`."""
