"""Reading and checking of the data that users pass: rows, targets, weights and pickles."""
