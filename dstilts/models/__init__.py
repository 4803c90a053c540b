"""The model: an encoder of any family, its heads, and the module that holds several of them."""
