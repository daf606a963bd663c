"""What of a selection is to be published: figures, how they were measured, how sure they are, and how to cite them."""
