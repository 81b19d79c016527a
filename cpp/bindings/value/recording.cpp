#include "bindings/value/recording.hpp"

#include <array>

#include "bindings/support/arguments.hpp"
#include "graph/walk.hpp"

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
    Array<Waiting> stack;
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

bool is_tuple_of_values(PyObject* object) {
    if (!PyTuple_Check(object)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i)
        if (!is_value(PyTuple_GET_ITEM(object, i))) return false;
    return true;
}

PyObject* while_recording(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    std::array<PyObject*, 2> values{};
    if (!take_arguments<2>("while_recording()", {"inputs", "fn"}, 2, args, count, keywords, values))
        return nullptr;
    if (!is_tuple_of_values(values[0]))
        return PyErr_Format(PyExc_TypeError, "inputs must be a tuple of Values");
    try {
        const RecordedInputs running(values[0]);
        const InMode recording(
            {0, true});  // the program is made of the graph, within no_grad() too
        return PyObject_CallNoArgs(values[1]);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

}  // namespace

RecordedInputs::RecordedInputs(PyObject* inputs) : held_(Py_NewRef(inputs)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inputs); ++i)
        inputs_.insert(&as_value(PyTuple_GET_ITEM(inputs, i))->node);
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

PyMethodDef recording_functions[] = {
    method_def<while_recording>(
        "while_recording", METH_FASTCALL | METH_KEYWORDS,
        "while_recording($module, /, inputs, fn)\n--\n\n"
        "Call fn(); meanwhile, data that depend on the inputs cannot be read."),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
