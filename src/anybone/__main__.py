"""`python -m anybone`: the command line, where the script `anybone` is not on the path."""

from anybone.cli.main import main

main()
