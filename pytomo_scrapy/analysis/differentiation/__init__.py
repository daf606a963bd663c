"""Whether a line treats a service by its name: pairs of windows judged by Wehe's method and by our paired one."""
