// The module: registration only.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <exception>
#include <stdexcept>

#include "bindings/bundle/bundle.hpp"
#include "bindings/function/function.hpp"
#include "bindings/value/recording.hpp"
#include "bindings/value/value.hpp"
#include "graph/backward.hpp"
#include "program/kernels/instruction_sets.hpp"

namespace py = pybind11;
using namespace megagrad;

namespace megagrad::python {
void register_optim(py::module_& module);  // optim.cpp
}

namespace {

const char* kind_name(Kind kind) {
    switch (kind) {
        case Kind::infix:
            return "infix";
        case Kind::binary:
            return "binary";
        case Kind::unary:
            return "unary";
        case Kind::parametric:
            return "parametric";
        case Kind::structural:
            break;
    }
    return "structural";
}

// Where Python has no memory for an object, pybind11 throws std::runtime_error, on top of the
// MemoryError that is set.
void keep_memory_error(std::exception_ptr thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::runtime_error&) {
        if (!PyErr_ExceptionMatches(PyExc_MemoryError)) throw;
    }
}

void register_ops(py::module_& module) {
    py::class_<OpInfo>(module, "OpInfo", py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                       "One entry of the op table.")
        .def_property_readonly("name", [](const OpInfo& entry) { return entry.name; })
        .def_property_readonly("label", [](const OpInfo& entry) { return entry.label; })
        .def_property_readonly("kind", [](const OpInfo& entry) { return kind_name(entry.kind); })
        .def_property_readonly("arity",
                               [](const OpInfo& entry) { return has_two_operands(entry) ? 2 : 1; })
        .def_property_readonly("parameter", [](const OpInfo& entry) { return entry.parameter; })
        .def_property_readonly("default",
                               [](const OpInfo& entry) { return entry.default_parameter; })
        .def_property_readonly("forward",
                               [](const OpInfo& entry) { return readable(entry.forward); })
        .def_property_readonly("dx", [](const OpInfo& entry) { return readable(entry.dx.formula); })
        .def_property_readonly("dy", [](const OpInfo& entry) { return readable(entry.dy.formula); })
        .def_property_readonly("needs", [](const OpInfo& entry) { return entry.needs; })
        .def_property_readonly("domain", [](const OpInfo& entry) { return entry.domain; })
        .def_property_readonly("doc", [](const OpInfo& entry) { return entry.doc; });
    module.def(
        "ops",
        [] {
            py::list entries;
            for (const OpInfo& entry : op_infos)
                if (entry.kind != Kind::structural)
                    entries.append(py::cast(&entry, py::return_value_policy::reference));
            return py::tuple(entries);
        },
        "The op table, a tuple of OpInfo.");
}

void register_value(py::module_& module) {
    PyTypeObject* type = python::make_value_type();
    if (type == nullptr || !python::make_pickling_types() || !python::make_copy_map_type())
        throw py::error_already_set();
    module.add_object("Value",
                      py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(type)));
    for (PyMethodDef* definition : {&python::restore_function, &python::set_state_function}) {
        PyObject* function = PyCFunction_NewEx(definition, nullptr, module.attr("__name__").ptr());
        if (function == nullptr) throw py::error_already_set();
        module.add_object(definition->ml_name, py::reinterpret_steal<py::object>(function));
    }
}

void register_function(py::module_& module) {
    if (!python::make_function_type(module.ptr())) throw py::error_already_set();
    module.def("instruction_sets", instruction_sets,
               "The names of the instruction sets that Functions can run on here, the best first.");
    module.def(
        "use_instruction_set",
        [](const std::string& name) {
            if (!use_instruction_set(name))
                throw py::value_error("no instruction set '" + name + "' here");
        },
        py::arg("name"), "Let Functions run on another instruction set, to compare.");
}

void after_fork_in_child() {
    leave_passes_to_other_threads();
    python::leave_drains_to_other_threads();
    python::leave_recordings_to_other_threads();
}

void register_fork() {
    const auto os = py::module_::import("os");
    if (py::hasattr(os, "register_at_fork"))
        os.attr("register_at_fork")(py::arg("after_in_child") =
                                        py::cpp_function(after_fork_in_child));
}

// Why the engine cannot be had here, or null. Nodes, types and the pool are the process's, and
// one lock guards them: the main interpreter's, or the engine's own.
const char* refusal() {
    if (PyInterpreterState_Get() != PyInterpreterState_Main())
        return "megagrad._core works in the main interpreter only, not in a sub-interpreter; use "
               "threads or processes";
    return nullptr;
}

}  // namespace

void register_functions(py::module_& module) {
    if (!python::make_bundle_type() || !python::intern_layer_names()) throw py::error_already_set();
    for (PyMethodDef* functions :
         {python::bulk_functions, python::linear_functions, python::number_functions,
          python::functional_functions, python::layer_functions, python::census_functions,
          python::recording_functions, python::grad_mode_functions})
        if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
}

PYBIND11_MODULE(core_of_main_interpreter, module, py::mod_gil_not_used()) {
    if (const char* why = refusal()) throw py::import_error(why);
    module.doc() = "megagrad's compiled engine.";
    module.attr("__version__") = MEGAGRAD_VERSION;
    py::register_local_exception_translator(keep_memory_error);
    register_value(module);
    register_ops(module);
    register_functions(module);
    register_function(module);
    python::register_optim(module);
    register_fork();
}

// Python's entry, ahead of pybind11's own, which in a sub-interpreter of Python 3.11 would wait for
// ever. From 3.13 on this runs in the main interpreter, whichever imports.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
    const char* why = refusal();
    if (why == nullptr) return PyInit_core_of_main_interpreter();
    PyErr_SetString(PyExc_ImportError, why);
    return nullptr;
}
