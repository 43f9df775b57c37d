"""Training of a network, epoch by epoch.

- `stochastic` and `lbfgs` are the two kinds of training; `training` is what they share, the begin
  and the end of an epoch.
- `steps` takes the steps of an epoch, and `step_table` makes the table that the engine reads.
- `history`, `snapshot` and `settings` hold what a training goes by.
"""
