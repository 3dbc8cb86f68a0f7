"""Entry point of ``python -m simulators``: see :mod:`simulators.process`."""

import os
import sys

from simulators.process import main

sys.exit(main(sys.argv[1:], os.environ))
