"""What `benchmark_models` and `ablation` share: their runs, sentences and strips."""
