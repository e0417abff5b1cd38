"""`python -m hub.cli` is the `enlace` command."""

from . import main

main()
