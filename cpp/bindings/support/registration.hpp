// The parts of the module that have a file of their own.
#pragma once

#include <pybind11/pybind11.h>

namespace megagrad::python {

void register_census(pybind11::module_& module);
void register_optim(pybind11::module_& module);
void register_recording(pybind11::module_& module);

}  // namespace megagrad::python
