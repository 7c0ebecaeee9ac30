"""A package, so that its files can import from each other what they share."""
