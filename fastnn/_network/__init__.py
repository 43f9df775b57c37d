"""Networks: layers compiled into a table of stages, and their parameters."""
