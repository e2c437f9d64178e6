"""How a check of the chart fails."""

import sys


def require(holds, complaint):
    """Ends with the complaint unless it holds."""
    if not holds:
        sys.exit(f"chart: {complaint}")
