"""Measurements of dstilts beside its peers, each as one command."""
