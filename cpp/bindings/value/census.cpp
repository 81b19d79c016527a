// What a graph consists of, told without unfolding anything.
#include "graph/census.hpp"

#include "bindings/support/registration.hpp"
#include "bindings/value/value.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

Node& node_of(const py::object& object, const char* name) {
    if (is_value(object.ptr())) return as_value(object.ptr())->node;
    PyErr_Format(PyExc_TypeError, "%s must be a Value, not '%.100s'", name,
                 Py_TYPE(object.ptr())->tp_name);
    throw py::error_already_set();
}

py::dict census(const py::object& root) {
    const Census found = census_of(&node_of(root, "root"));
    py::dict counts;
    for (std::size_t i = 0; i < found.of_op.size(); ++i)
        if (found.of_op[i] != 0) counts[op_infos[i].name] = found.of_op[i];
    if (found.numbers != 0) counts["number"] = found.numbers;
    return counts;
}

const char* op_name(const py::object& value) {
    const Node& node = node_of(value, "value");
    if (node.has(has_closure)) return info(Op::custom).name;
    const Op op = node.op();
    return info(is_bulk(op) && !is_on_dot(op) ? Op::add : without_dot(op)).name;
}

}  // namespace

void register_census(py::module_& module) {
    module.def(
        "census", census, py::arg("root"), py::call_guard<EngineLock>(),
        "How many nodes of each op root depends on, itself included, by the ops' names; plain "
        "numbers under 'number'. Nothing unfolds.");
    module.def(
        "op_name", op_name, py::arg("value"), py::call_guard<EngineLock>(),
        "The name of the op that made a node, whatever its _op says; 'custom' for one of the\n"
        "program's own, and for a node with a _backward of its own.");
}

}  // namespace megagrad::python
