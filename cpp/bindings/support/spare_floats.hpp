// Floats that are given out again and again, for what loops read and drop.
#pragma once

#include <Python.h>

#include <utility>

#include "bindings/support/engine_lock.hpp"

namespace megagrad::python {

// A float that only this table refers to can get another number, as nobody sees it: a loop over
// `p.data` then makes and frees no object. There are two, as `p.data -= lr * p.grad` holds one
// number while it reads the other. Null with MemoryError set.
inline PyObject* short_lived_float(double number) {
    if (is_free_threaded) return PyFloat_FromDouble(number);  // there, counts say less
    static PyObject *next = nullptr, *other = nullptr;
    std::swap(next, other);
    if (next != nullptr && Py_REFCNT(next) == 1) [[likely]] {
        reinterpret_cast<PyFloatObject*>(next)->ob_fval = number;
        return Py_NewRef(next);
    }
    PyObject* made = PyFloat_FromDouble(number);
    if (made == nullptr) return nullptr;
    Py_XSETREF(next, Py_NewRef(made));
    return made;
}

}  // namespace megagrad::python
