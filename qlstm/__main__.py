"""``python -m qlstm`` is the console command `qlstm`."""

from qlstm.commands.main import main

if __name__ == "__main__":
    main()
