"""Text for training: read, cleaned, deduplicated, split. Knows no model and no marketing."""
