"""What `check_training` says of a sound training, and of one with three mistakes."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from fastnn import MLPClassifier
from fastnn.diagnostics import check_training

X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X / 16, y, stratify=y, random_state=0)

model = MLPClassifier((64, 32), random_state=0, max_iter=60)
print(check_training(model, X_train, y_train, X_val=X_val, y_val=y_val))

print("\nA feature in another unit, a learning rate of 1, and an activation that saturates:\n")
X_train[:, 20] *= 1000
X_val[:, 20] *= 1000
model = MLPClassifier((64, 32), "tanh", learning_rate_init=1.0, random_state=0, max_iter=60)
print(check_training(model, X_train, y_train, X_val=X_val, y_val=y_val))
