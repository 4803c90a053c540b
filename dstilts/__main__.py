"""`python -m dstilts`, and what `deepspeed --module dstilts` starts on every rank."""

from dstilts.cli.main import run

if __name__ == "__main__":
    run()
