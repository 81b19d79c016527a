// linear(): a weighted sum for each row of weights, on the same inputs. What PyTorch calls a linear
// map.
#include <array>

#include "bindings/bundle/bundle.hpp"
#include "bindings/support/arguments.hpp"

namespace megagrad::python {

namespace {

constexpr const char* linear_name = "linear()";
constexpr Source input_source{linear_name, "input"}, weight_source{linear_name, "weight"};

// An iterable's items, which no code that runs meanwhile can change.
Owned fixed_items(PyObject* iterable, Source source) {
    const Owned items = items_of(iterable, source);
    return Owned(items ? PySequence_Tuple(items.get()) : nullptr);
}

Py_ssize_t length_of(const Owned& items) { return PySequence_Fast_GET_SIZE(items.get()); }

bool is_none(PyObject* object) { return object == nullptr || object == Py_None; }

// The weighted sum of one row. bias: null for none.
Owned output_of(PyObject* row, PyObject* bias, Bundled inputs) {
    Owned items = items_of(row, weight_source);
    if (!items) return nullptr;
    if (length_of(items) != length_of(inputs.items) || length_of(items) == 0) {
        PyErr_Format(
            PyExc_ValueError,
            "linear() needs as many inputs as each row of weight has, at least one; got %zd "
            "inputs and a row of %zd",
            length_of(inputs.items), length_of(items));
        return nullptr;
    }
    const Owned weights = bundle_of_items(items, bias, weight_source);
    if (!weights) return nullptr;
    return Owned(dot_of_bundles({items, weights}, inputs, bias, linear_name));
}

Owned outputs_of(PyObject* input, PyObject* weight, PyObject* bias) {
    Owned items = fixed_items(input, input_source);
    if (!items) return nullptr;
    const Owned rows = fixed_items(weight, weight_source);
    if (!rows) return nullptr;
    const Owned biases(is_none(bias) ? nullptr
                                     : fixed_items(bias, {linear_name, "bias"}).release());
    if (!is_none(bias) && !biases) return nullptr;
    if (biases && length_of(biases) != length_of(rows)) {
        PyErr_Format(PyExc_ValueError,
                     "linear() needs as many bias as weight has rows, got %zd and %zd",
                     length_of(biases), length_of(rows));
        return nullptr;
    }
    const Owned inputs = bundle_of_items(items, nullptr, input_source);
    if (!inputs) return nullptr;
    Owned outputs(PyList_New(0));
    for (Py_ssize_t i = 0; outputs && i < length_of(rows); ++i) {
        PyObject* const start = biases ? PyTuple_GET_ITEM(biases.get(), i) : nullptr;
        if (start == Py_None) {
            refuse_item({linear_name, "bias"}, static_cast<std::size_t>(i), start);
            return nullptr;
        }
        const Owned output = output_of(PyTuple_GET_ITEM(rows.get(), i), start, {items, inputs});
        if (!output || PyList_Append(outputs.get(), output.get()) < 0) return nullptr;
    }
    return outputs;
}

PyObject* call_linear(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    std::array<PyObject*, 3> values{};
    if (!take_arguments<3>(linear_name, {"input", "weight", "bias"}, 2, args, count, keywords,
                           values))
        return nullptr;
    return outputs_of(values[0], values[1], values[2]).release();
}

}  // namespace

PyMethodDef linear_functions[] = {
    method_def<call_linear>("linear", METH_FASTCALL | METH_KEYWORDS,
                            R"(linear($module, /, input, weight, bias=None)
--

The weighted sum of the inputs for each row of weight, a list of Values; one node each.

input: Values and real numbers, as many as each row of weight has, at least one. weight: rows of Values and real
numbers. bias: one for each row to start from; None is a plain 0. It is
[dot(row, input, b) for row, b in zip(weight, bias)], in one call.

Raises ValueError if the lengths do not fit, TypeError for anything but Values and real numbers.)"),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
