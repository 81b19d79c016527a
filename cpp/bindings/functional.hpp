// `megagrad.functional`: bulk operations, losses, and what is built from them.
#pragma once

#include <pybind11/pybind11.h>

namespace megagrad::python {

void register_functional(pybind11::module_& module);

}  // namespace megagrad::python
