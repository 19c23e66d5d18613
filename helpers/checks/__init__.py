"""One module of checks per chapter: `ch05` holds the exercises 5.1, 5.2, ..."""
