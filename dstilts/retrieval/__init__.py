"""Nearest neighbours in another language, and what is built on them."""
