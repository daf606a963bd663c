"""HTTP/1.1 as far as the lab speaks it: heads, ranges, requests and answers. No servers."""
