"""The studies' settings as TOML files: NAME_small for the phrasebook, NAME_full for GPUs."""
