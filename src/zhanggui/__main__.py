"""`python -m zhanggui` is the program `zhanggui`."""

from zhanggui.cli.main import main

main()
