"""Networks by name, one a file: `network:row-transformer` is the class of row_transformer.py."""
