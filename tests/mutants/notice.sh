# What must notice a mutant: the matrix on NumPy, and the labels where Python may not look at them.
set -e
run="${PYTHON:-python} -m pytest -x -q -p no:cacheprovider"
$run -k "not million" tests/losses/test_values.py tests/losses tests/test_keras.py
XLOSSES_ENGINE=7 $run -k "not million" tests/losses/test_truth.py
$run tests/engine tests/own tests/backends/test_numpy.py tests/accuracy
$run --backend strict tests/losses/test_labels.py
