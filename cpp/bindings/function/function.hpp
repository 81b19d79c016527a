// `Function`: a recorded program as a Python object.
//
// The type is written against CPython's C API, as one call for a single point has to cost less than
// a microsecond; arrays go through pybind11's view of NumPy.
#pragma once

#include <pybind11/numpy.h>

#include <array>
#include <memory>
#include <vector>

#include "bindings/support/errors.hpp"
#include "bindings/value/value.hpp"
#include "program/plan/plan.hpp"
#include "program/program.hpp"
#include "program/run/replay.hpp"

namespace megagrad::python {

struct FunctionState {
    Program program;
    bool has_one_output = true;                        // given as a Value, not as a list
    pybind11::tuple parameters;                        // the Values
    std::vector<Node*> nodes;                          // theirs
    std::array<std::unique_ptr<const Plan>, 4> plans;  // made when they are first needed
    std::unique_ptr<ReplayMemory> spare;               // the last call's, for the next one

    std::size_t inputs() const { return program.inputs; }
    std::size_t outputs() const { return program.outputs.size(); }
    const Plan& plan(Wanted wanted);
};

struct PyFunction {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    FunctionState* state;  // null only until it is made, and once the collector took it apart
    PyObject* weakrefs;
};

bool make_function_type(PyObject* module);

// A new Function that takes the state over; may throw what loading NumPy does.
PyObject* new_function(PyTypeObject* type, std::unique_ptr<FunctionState> state);
// Throws ValueError for one that was taken apart.
FunctionState& state_of_function(PyObject* self);

// --- arrays (arrays.cpp) ----------------------------------------------------------------

using Numbers = pybind11::array_t<double, pybind11::array::c_style>;

// Before a Function can be called, as that may be from anywhere.
void load_numpy();
// What the user passed, as a contiguous array of doubles. Throws TypeError unless it is made of
// real numbers.
Numbers numbers_of(PyObject* object, const char* what);
[[noreturn]] void refuse_shape(const char* what, const std::string& wanted, const Numbers& array);

// --- calls (calls.cpp) ------------------------------------------------------------------

PyObject* call_function(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* names);
extern PyMethodDef function_calls[];

// --- construction (construction.cpp) ----------------------------------------------------

PyObject* construct_function(PyTypeObject* type, PyObject* args, PyObject* keywords);

// --- copies and files (pickle.cpp) ------------------------------------------------------

extern PyMethodDef function_pickling[];

}  // namespace megagrad::python
