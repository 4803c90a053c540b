"""What every other layer stands on: configuration, keys, files, processes, chance, logs."""
