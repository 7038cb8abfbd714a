"""`python -m callhandler` is `callhandler`."""

import sys

from callhandler.cli import main

sys.exit(main())
