"""Names that pickles know from here."""

from fastnn.preprocessing.splitting import train_val_test_split  # noqa: F401
