"""The research questions: each a recipe, the grids it asks for, and an analysis with an answer."""
