"""The fixtures of dmr_help.py, for every test in this folder."""

from dmr_help import ask, nobody, plain_environment, raw

__all__ = ["ask", "nobody", "plain_environment", "raw"]
