// What repr(), print() and format() show of a Value. It is to be looked at, so it may be shown
// while record() runs, when numbers may not be read.
#include <cmath>

#include "bindings/value/value.hpp"

namespace megagrad::python {

namespace {

// Four decimals, and where these would show too few digits, or too many, a power of ten.
Owned digits(double number) {
    const double size = std::abs(number);
    const bool has_power = size != 0 && (size < 1e-3 || size >= 1e8);
    char* text = PyOS_double_to_string(number, has_power ? 'e' : 'f', 4, 0, nullptr);
    if (text == nullptr) return nullptr;
    Owned result(PyUnicode_FromString(text));
    PyMem_Free(text);
    return result;
}

PyObject* format(PyObject* self, PyObject* specification) {
    if (PyUnicode_Check(specification) && PyUnicode_GET_LENGTH(specification) == 0)
        return PyObject_Str(self);
    const Owned data(PyFloat_FromDouble(as_value(self)->node.data));
    return data ? PyObject_CallMethod(data.get(), "__format__", "(O)", specification) : nullptr;
}

}  // namespace

PyObject* represent(PyObject* self) {
    const Node& node = as_value(self)->node;
    Owned data(PyFloat_FromDouble(node.data)), grad(PyFloat_FromDouble(node.grad));
    if (!data || !grad) return nullptr;
    return PyUnicode_FromFormat("Value(data=%R, grad=%R)", data.get(), grad.get());
}

PyObject* to_string(PyObject* self) {
    const Node& node = as_value(self)->node;
    const Owned data = digits(node.data), grad = digits(node.grad);
    if (!data || !grad) return nullptr;
    return node.grad == 0
               ? PyUnicode_FromFormat("Value(data = %U)", data.get())
               : PyUnicode_FromFormat("Value(data = %U, grad = %U)", data.get(), grad.get());
}

PyMethodDef text_methods[] = {
    {"__format__", locked<format>, METH_O,
     "__format__($self, format_spec, /)\n--\n\n"
     "Format the data, as in f'{v:.3f}'; without a specification, as str does."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
