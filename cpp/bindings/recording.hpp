// Recordings that run: meanwhile no data that depends on one of their inputs may be read.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "value.hpp"

namespace megagrad::python {

inline std::size_t recordings = 0;

// Whether the Value depends on an input of a recording that runs.
bool depends_on_an_input(PyObject* value);
// The same; then a TypeError is set.
bool refuses_to_be_read(PyObject* value, const char* what);

// All that a read costs while nothing is recorded is a look at the count.
inline bool may_be_read(PyObject* value, const char* what) {
    return recordings == 0 || !refuses_to_be_read(value, what);
}

// The same of many; throws what pybind11 makes Python's exception.
inline void check_may_be_read(const std::vector<Node*>& nodes, const char* what) {
    for (Node* node : nodes)
        if (!may_be_read(object_of(node), what)) throw pybind11::error_already_set();
}

}  // namespace megagrad::python
