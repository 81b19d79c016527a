// Recordings that run: meanwhile no data that depends on one of their inputs may be read.
#pragma once

#include "value.hpp"

namespace megagrad::python {

inline std::size_t recordings = 0;

// Whether the Value depends on an input of a recording that runs; then a TypeError is set.
bool refuses_to_be_read(PyObject* value, const char* what);

// All that a read costs while nothing is recorded is a look at the count.
inline bool may_be_read(PyObject* value, const char* what) {
    return recordings == 0 || !refuses_to_be_read(value, what);
}

}  // namespace megagrad::python
