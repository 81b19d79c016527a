// From C++ exceptions to Python's, for functions that CPython calls without pybind11.
#pragma once

#include <pybind11/pybind11.h>

#include <new>
#include <stdexcept>

namespace megagrad::python {

// Runs `body`, which returns a new reference; C++ exceptions become Python's.
template <class Body>
PyObject* guarded(Body body) noexcept {
    try {
        return body();
    } catch (pybind11::error_already_set& error) {
        error.restore();
    } catch (const pybind11::builtin_exception& error) {
        error.set_error();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::length_error& error) {
        PyErr_SetString(PyExc_OverflowError, error.what());
    } catch (const std::invalid_argument& error) {
        PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const std::exception& error) {
        // pybind11 throws so where Python had no memory for an object, and said it.
        if (!PyErr_ExceptionMatches(PyExc_MemoryError))
            PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

}  // namespace megagrad::python
