"""Python scripts run in a process of their own."""

import os
import subprocess
import sys
import textwrap


def run_script(script, timeout=60, **environment):
    """Return what a Python script prints; fail if the script fails or hangs."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
