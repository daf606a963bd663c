"""Page text to video ids and continuations; no request objects."""
