#include "bindings/value/recording.hpp"

#include <pybind11/pybind11.h>

#include "bindings/support/registration.hpp"
#include "graph/walk.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

bool is_input(const Node& node) {
    for (const RecordedInputs* one = RecordedInputs::innermost(); one != nullptr;
         one = one->outer())
        if (one->has(node)) return true;
    return false;
}

bool has_input_below(Node& root) {
    bool found = is_input(root);
    if (found || is_leaf(root)) return found;
    Array<std::uintptr_t> stack;
    const std::uint64_t epoch = ++traversals & epoch_mask;
    depth_first<Visit::last_first>(
        &root, stack, [&](const Node& node) { return found || node.epoch == epoch; },
        [&](const Node& node) {
            found |= is_input(node);
            return found || is_leaf(node);
        },
        [&](Node* node) { node->mark(epoch); }, [](Node*) {});
    return found;
}

py::object while_recording(const py::tuple& inputs, const py::object& fn) {
    for (const py::handle& input : inputs)
        if (!is_value(input.ptr())) throw py::type_error("inputs must be Values");
    const RecordedInputs running(inputs);
    return fn();
}

}  // namespace

RecordedInputs::RecordedInputs(const py::tuple& inputs) : held_(inputs) {
    for (const py::handle& input : inputs) inputs_.insert(&as_value(input.ptr())->node);
}

void leave_recordings_to_other_threads() {
    RecordedInputs::leave_to_other_threads([](RecordedInputs&) {});
}

bool depends_on_an_input(PyObject* value) {
    if (RecordedInputs::innermost() == nullptr) return false;
    try {
        return has_input_below(as_value(value)->node);
    } catch (const std::bad_alloc&) {
        return false;
    }
}

bool refuses_to_be_read(PyObject* value, const char* what) {
    try {
        if (!has_input_below(as_value(value)->node)) return false;
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return true;
    }
    PyErr_Format(PyExc_TypeError,
                 "%s of a Value that depends on an input of record() would be frozen into the "
                 "program, for all points; choose with where(), maximum(), minimum(), relu() or "
                 "comparisons as methods, such as x.less(y), and for gradients call "
                 "value_and_grad() of what record() returns",
                 what);
    return true;
}

void register_recording(py::module_& module) {
    module.def("while_recording", while_recording, py::arg("inputs"), py::arg("fn"),
               py::call_guard<EngineLock>(),
               "Call fn(); meanwhile, data that depend on the inputs cannot be read.");
}

}  // namespace megagrad::python
