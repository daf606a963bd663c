"""What a study is: its plan, how a file becomes one, and the order that it measures in. No database, no network."""
