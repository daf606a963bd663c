"""The item pipeline: thin glue, one file a stage, in the order of the flow."""
