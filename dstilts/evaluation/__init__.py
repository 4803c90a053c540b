"""The farm: a published model's predictions and scores in all languages."""
