"""`python -m entrepot`: the command line, for the interpreter that runs already."""

import sys

from entrepot.cli.main import main

sys.exit(main())
