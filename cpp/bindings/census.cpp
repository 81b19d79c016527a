// What a graph consists of, counted without unfolding anything.
#include "census.hpp"

#include "registration.hpp"
#include "value.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

py::dict census(const py::object& root) {
    if (!is_value(root.ptr())) {
        PyErr_Format(PyExc_TypeError, "root must be a Value, not '%.100s'",
                     Py_TYPE(root.ptr())->tp_name);
        throw py::error_already_set();
    }
    const OperandsKept kept;  // a signal's handler may take the graph apart
    Census found;
    if (!take_census(&as_value(root.ptr())->node, found, [] { return PyErr_CheckSignals() == 0; }))
        throw py::error_already_set();
    py::dict counts;
    for (std::size_t i = 0; i < found.of_op.size(); ++i)
        if (found.of_op[i] != 0) counts[op_infos[i].name] = found.of_op[i];
    if (found.numbers != 0) counts["number"] = found.numbers;
    return counts;
}

}  // namespace

void register_census(py::module_& module) {
    module.def(
        "census", census, py::arg("root"),
        "How many nodes of each op root depends on, itself included, by the ops' names; plain "
        "numbers under 'number'. Nothing unfolds.");
}

}  // namespace megagrad::python
