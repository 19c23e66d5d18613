"""The author's side: build the notebooks from their sources, run them, check them."""

import sys

# jsonschema, under nbformat, compiles this grammar of web addresses when it can: a second and more for each process,
# for a check that no notebook needs. None makes the import fail, which jsonschema is prepared for.
sys.modules.setdefault("rfc3987_syntax", None)
