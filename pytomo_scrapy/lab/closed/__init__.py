"""What a Python process of the lab may reach: this machine, and nothing else.

The folder comes first in PYTHONPATH there, so that every interpreter runs its `sitecustomize`.
"""
