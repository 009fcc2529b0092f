"""What docstrings_quality.py measures with: labels, the packages, who is measured, and the figures."""
