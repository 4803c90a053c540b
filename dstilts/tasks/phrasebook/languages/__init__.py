"""One TOML file a language."""
