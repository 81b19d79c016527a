// The arguments of a call as CPython hands them to a METH_FASTCALL function.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <string>

namespace megagrad::python {

// Of a number that PyNumber_AsSsize_t() may have replaced by the nearest that fits.
inline std::string count_text(Py_ssize_t count) {
    if (count == PY_SSIZE_T_MAX || count == PY_SSIZE_T_MIN) return "one of more than 63 bits";
    return std::to_string(count);
}

// Fills `values` from a call's arguments, in the order of `names`; what is left out stays null.
template <std::size_t size>
bool take_arguments(const char* function, const std::array<const char*, size>& names,
                    std::size_t required, PyObject* const* args, Py_ssize_t count,
                    PyObject* keywords, std::array<PyObject*, size>& values) {
    const auto given = static_cast<std::size_t>(count);
    if (given > size) {
        PyErr_Format(PyExc_TypeError, "%s takes at most %zu arguments, got %zu", function, size,
                     given);
        return false;
    }
    for (std::size_t i = 0; i < given; ++i) values[i] = args[i];
    const Py_ssize_t named = keywords != nullptr ? PyTuple_GET_SIZE(keywords) : 0;
    for (Py_ssize_t k = 0; k < named; ++k) {
        PyObject* keyword = PyTuple_GET_ITEM(keywords, k);
        std::size_t i = 0;
        while (i < size && PyUnicode_CompareWithASCIIString(keyword, names[i]) != 0) ++i;
        if (i == size || values[i] != nullptr) {
            PyErr_Format(PyExc_TypeError,
                         i == size ? "%s has no argument '%U'" : "%s got '%U' twice", function,
                         keyword);
            return false;
        }
        values[i] = args[count + k];
    }
    for (std::size_t i = 0; i < required; ++i)
        if (values[i] == nullptr) {
            PyErr_Format(PyExc_TypeError, "%s needs an argument '%s'", function, names[i]);
            return false;
        }
    return true;
}

}  // namespace megagrad::python
