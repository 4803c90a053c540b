"""Top-k similarity search: reference, kernels and the function that picks between them."""
