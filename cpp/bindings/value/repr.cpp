// What repr() and print() show of a Value.
#include "bindings/value/value.hpp"

namespace megagrad::python {

PyObject* represent(PyObject* self) {
    const Node& node = as_value(self)->node;
    Owned data(PyFloat_FromDouble(node.data)), grad(PyFloat_FromDouble(node.grad));
    if (!data || !grad) return nullptr;
    return PyUnicode_FromFormat("Value(data=%R, grad=%R)", data.get(), grad.get());
}

PyObject* to_string(PyObject* self) {
    char* digits = PyOS_double_to_string(as_value(self)->node.data, 'f', 4, 0, nullptr);
    if (digits == nullptr) return nullptr;
    PyObject* text = PyUnicode_FromFormat("Value(data = %s)", digits);
    PyMem_Free(digits);
    return text;
}

}  // namespace megagrad::python
