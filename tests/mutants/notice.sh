# What must notice a mutant, on one framework: the matrix first, which notices most.
set -e
backend=${1:-numpy}
run="${PYTHON:-python} -m pytest -x -q -p no:cacheprovider --backend $backend"
few="not million"
case $backend in
numpy)
    $run -k "$few" tests/losses tests/own tests/test_keras.py
    $run tests/backends/test_numpy.py tests/engine -k "not other_reductions"
    XLOSSES_ENGINE=7 $run -k "$few" tests/losses/test_truth.py
    $run tests/accuracy tests/fuzz/test_properties.py -k "not parameter and not reductions"
    $run --backend strict tests/losses tests/own
    ;;
*)
    $run -k "$few" tests/own "tests/backends/test_$backend.py" "tests/engine/test_$backend.py"
    $run -k "$few" tests/losses tests/engine tests/transformations
    ;;
esac
