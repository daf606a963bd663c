"""What the lab's service answers: pages, player API, lists."""
