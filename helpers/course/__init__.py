"""The author's side: build the notebooks from their sources, run them, check them."""
