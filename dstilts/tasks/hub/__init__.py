"""The source `hub`: tables of the Hugging Face hub, read with the `datasets` library."""
