"""What the generated regions of the documents hold: one module for each table of the code."""
