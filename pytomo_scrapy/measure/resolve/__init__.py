"""Resolution: from a video to its signed media URLs, and why it failed."""
