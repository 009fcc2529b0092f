"""`python -m workflow_hub`: the command line."""

from workflow_hub.cli import main

main()
