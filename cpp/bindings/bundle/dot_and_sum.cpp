// dot() and sum(): entered as cheaply as operators are.
#include <algorithm>
#include <array>

#include "bindings/bundle/bundle.hpp"
#include "bindings/support/arguments.hpp"

namespace megagrad::python {

namespace {

// The loop itself, for operators that are not ours; of no terms, the start.
template <class TermOf>
PyObject* by_loop(Py_ssize_t count, PyObject* start, TermOf term_of) {
    Owned total(start != nullptr && start != Py_None ? plain_operand(start) : PyLong_FromLong(0));
    for (Py_ssize_t i = 0; total && i < count; ++i) {
        const Owned term(term_of(i));
        if (!term) return nullptr;
        total.reset(PyNumber_Add(total.get(), term.get()));
    }
    double number = 0;
    if (!total || is_value(total.get()) || to_number(total.get(), number) <= 0)
        return PyErr_Occurred() ? nullptr : total.release();
    return new_number(number);
}

PyObject* dot_by_loop(const Owned& w, const Owned& x, PyObject* bias) {
    // The operators may change the lists.
    const Owned weights(PySequence_Tuple(w.get())), inputs(PySequence_Tuple(x.get()));
    if (!weights || !inputs) return nullptr;
    const Py_ssize_t count =
        std::min(PyTuple_GET_SIZE(weights.get()), PyTuple_GET_SIZE(inputs.get()));
    return by_loop(count, bias, [&](Py_ssize_t i) {
        const Owned weight(plain_operand(PyTuple_GET_ITEM(weights.get(), i)));
        const Owned input(weight ? plain_operand(PyTuple_GET_ITEM(inputs.get(), i)) : nullptr);
        return input ? PyNumber_Multiply(weight.get(), input.get()) : nullptr;
    });
}

PyObject* sum_by_loop(const Owned& xs, PyObject* start) {
    const Owned terms(PySequence_Tuple(xs.get()));
    if (!terms) return nullptr;
    return by_loop(PyTuple_GET_SIZE(terms.get()), start,
                   [&](Py_ssize_t i) { return plain_operand(PyTuple_GET_ITEM(terms.get(), i)); });
}

bool lengths_fit(const char* function, const Owned& w, const Owned& x) {
    const Py_ssize_t w_length = PySequence_Fast_GET_SIZE(w.get());
    const Py_ssize_t x_length = PySequence_Fast_GET_SIZE(x.get());
    if (w_length == x_length && w_length > 0) return true;
    if (w_length == x_length)
        PyErr_Format(PyExc_ValueError, "%s needs at least one w and one x, got none", function);
    else
        PyErr_Format(PyExc_ValueError, "%s needs as many x as w, got %zd w and %zd x", function,
                     w_length, x_length);
    return false;
}

PyObject* call_dot(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    std::array<PyObject*, 3> values{};
    if (!take_arguments<3>("dot()", {"w", "x", "bias"}, 2, args, count, keywords, values))
        return nullptr;
    return dot_of_items(values[0], values[1], values[2], "dot()");
}

PyObject* call_sum(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    std::array<PyObject*, 2> values{};
    if (!take_arguments<2>("sum()", {"xs", "start"}, 1, args, count, keywords, values))
        return nullptr;
    return sum_of_items(values[0], values[1], "sum()");
}

template <auto call>
PyMethodDef function(const char* name, const char* doc) {
    return method_def<call>(name, METH_FASTCALL | METH_KEYWORDS, doc);
}

}  // namespace

PyObject* dot_node(const Owned& weights, const Owned& x) {
    return bulk_node(Op::dot, dot(bundle_in(weights), bundle_in(x)), weights, x);
}

PyObject* dot_of_bundles(Bundled w, Bundled x, PyObject* bias, const char* function) {
    if (bundle_in(w.bundle).count != bundle_in(x.bundle).count)
        return PyErr_Format(PyExc_RuntimeError, "%s: an argument changed size meanwhile", function);
    if (needs_loop(w.bundle, x.bundle)) return dot_by_loop(w.items, x.items, bias);
    return dot_node(w.bundle, x.bundle);
}

PyObject* dot_of_items(PyObject* w, PyObject* x, PyObject* bias, const char* function) {
    Owned w_items = items_of(w, {function, "w"});
    if (!w_items) return nullptr;
    Owned x_items = items_of(x, {function, "x"});
    if (!x_items || !lengths_fit(function, w_items, x_items)) return nullptr;
    const Owned weights = bundle_of_items(w_items, bias, {function, "w"});
    if (!weights) return nullptr;
    const Owned inputs = bundle_of_items(x_items, nullptr, {function, "x"});
    if (!inputs) return nullptr;
    return dot_of_bundles({w_items, weights}, {x_items, inputs}, bias, function);
}

PyObject* sum_of_items(PyObject* xs, PyObject* start, const char* function) {
    Owned items = items_of(xs, {function, "xs"});
    if (!items) return nullptr;
    if (start == Py_None)
        return PyErr_Format(PyExc_TypeError, "%s needs a Value or a real number as start, not None",
                            function);
    const Owned terms = bundle_of_items(items, start, {function, "xs"});
    if (!terms) return nullptr;
    if (needs_loop(terms) || bundle_in(terms).count == 0) return sum_by_loop(items, start);
    return bulk_node(Op::sum, sum(bundle_in(terms)), terms, nullptr);
}

PyMethodDef bulk_functions[] = {
    function<call_dot>(
        "dot",
        "dot($module, /, w, x, bias=None)\n--\n\n"
        "The weighted sum bias + w[0]*x[0] + w[1]*x[1] + ..., added in that order; one node.\n\n"
        "w, x: lists, tuples, iterators or arrays of Values and real numbers, of one length.\n"
        "bias: a Value or a real number to start from; None is a plain 0. To the last bit it is\n"
        "what a loop of total = total + w[i] * x[i] gives, and once looked at (_prev, _children)\n"
        "the same nodes.\n\n"
        "Raises ValueError if the lengths differ or are 0, TypeError for anything but Values\n"
        "and real numbers."),
    function<call_sum>(
        "sum",
        "sum($module, /, xs, start=0)\n--\n\n"
        "The sum start + xs[0] + xs[1] + ..., added in that order; one node.\n\n"
        "xs: a list, tuple, iterator or array of Values and real numbers. start: a Value or a\n"
        "real number; it is the sum of nothing. To the last bit it is what a loop of\n"
        "total = total + xs[i] gives, and once looked at (_prev, _children) the same nodes. (From\n"
        "Python 3.12 on the builtin adds plain floats by another algorithm.)\n\n"
        "Raises TypeError for anything but Values and real numbers."),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
