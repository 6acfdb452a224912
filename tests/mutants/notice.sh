# What must notice a mutant, on one framework: the matrix first, which notices most.
set -e
backend=${1:-numpy}
run="${PYTHON:-python} -m pytest -x -q -p no:cacheprovider"
few="not million and not memory"
case $backend in
numpy)
    $run -k "$few" tests/losses tests/own tests/test_keras.py
    $run -k "$few" tests/backends/test_numpy.py tests/engine
    $run --backend strict tests/losses tests/own
    $run tests/engine/test_numpy.py -k "memory and (mse_loss or cross_entropy) and not other"
    $run tests/accuracy tests/fuzz/test_properties.py -k "not parameter and not reductions"
    ;;
*)
    XLOSSES_TESTS=sorts $run --backend "$backend" tests/losses/test_values.py tests/own tests/engine
    $run --backend "$backend" -k "$few" tests/losses "tests/backends/test_$backend.py" tests/transformations
    ;;
esac
