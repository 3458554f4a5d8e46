"""Tasks out of files and data sets."""
