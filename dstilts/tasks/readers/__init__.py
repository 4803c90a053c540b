"""Raw formats to examples, one format a file."""
