"""What the notebooks of the course import; `docs/architecture.md` says which part does what."""

from helpers.process import prepare_process

prepare_process()
