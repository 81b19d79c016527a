// Function(inputs, outputs, parameters): recording.
#include "bindings/function/function.hpp"
#include "bindings/support/arguments.hpp"
#include "bindings/value/walk.hpp"
#include "program/record/record.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

// The Values of a list, or of an array of any shape, which the tuple keeps.
py::tuple values_of(const py::handle& given, const char* what) {
    const py::object list = is_value(given.ptr()) || !py::hasattr(given, "ravel")
                                ? py::reinterpret_borrow<py::object>(given)
                                : given.attr("ravel")();
    if (is_value(list.ptr()) || py::isinstance<py::str>(list) ||
        (Py_TYPE(list.ptr())->tp_iter == nullptr && !PySequence_Check(list.ptr())))
        throw py::type_error(std::string(what) + " must be a list of Values, not '" +
                             Py_TYPE(list.ptr())->tp_name + "'");
    const py::tuple values = py::reinterpret_steal<py::tuple>(tuple_of_items(list.ptr()).release());
    if (!values) throw py::error_already_set();
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!is_value(values[i].ptr()))
            throw py::type_error(std::string(what) + "[" + std::to_string(i) +
                                 "] must be a Value, not '" + Py_TYPE(values[i].ptr())->tp_name +
                                 "'");
    return values;
}

std::vector<Node*> nodes_of(const py::tuple& values) {
    std::vector<Node*> nodes;
    for (const py::handle& value : values) nodes.push_back(&as_value(value.ptr())->node);
    return nodes;
}

std::string description(const Node& node) {
    // Held: its attributes may run any code.
    const auto value = py::reinterpret_borrow<py::object>(object_of(const_cast<Node*>(&node)));
    const auto text_of = [](const py::object& object) {  // with what UTF-8 has not as an escape
        return py::str(object).attr("encode")("utf-8", "backslashreplace").cast<std::string>();
    };
    const auto attribute = [&](const char* name) { return text_of(value.attr(name)); };
    const std::string label = attribute("label"), op = attribute("_op");
    std::string text = text_of(py::repr(value));
    if (!op.empty()) text += " with _op '" + op + "'";
    if (!label.empty()) text += " and label '" + label + "'";
    return text;
}

// Leaves, no two of them the same, in this list and those before it.
class DistinctLeaves {
public:
    void add(const py::tuple& values, const char* what) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            Node& node = as_value(values[i].ptr())->node;
            const std::string name = std::string(what) + "[" + std::to_string(i) + "]";
            if (!is_leaf(node))
                throw py::value_error(name + " must be a leaf, but was computed: it is " +
                                      description(node));
            const auto [place, is_new] = names_.emplace(&node, name);
            if (!is_new) throw py::value_error(name + " is the same Value as " + place->second);
        }
    }

private:
    std::unordered_map<const Node*, std::string> names_;
};

std::unique_ptr<FunctionState> recorded(const py::handle& inputs, const py::handle& outputs,
                                        const py::handle& parameters, bool contract) {
    auto state = std::make_unique<FunctionState>();
    const py::tuple in = values_of(inputs, "inputs");
    state->has_one_output = is_value(outputs.ptr());
    const py::tuple out =
        state->has_one_output ? py::make_tuple(outputs) : values_of(outputs, "outputs");
    if (out.empty()) throw py::value_error("outputs must have at least one Value, got none");
    const bool given = parameters && !parameters.is_none();
    if (given) state->parameters = values_of(parameters, "parameters");
    DistinctLeaves leaves;  // which any of these iterables may have changed
    leaves.add(in, "inputs");
    leaves.add(state->parameters, "parameters");
    const std::vector<Node*> parameter_nodes = nodes_of(state->parameters);
    Recording recording;
    try {
        recording =
            record(nodes_of(in), nodes_of(out), given ? &parameter_nodes : nullptr, contract);
    } catch (const NotRecordable& refused) {
        throw py::value_error(
            "cannot record a rule of the user's own: " + description(*refused.node) +
            " has a _backward or local gradients that no op describes");
    } catch (const NoOrder&) {
        throw py::value_error("cannot record a graph that contains itself");
    }
    state->program = std::move(recording.program);
    state->nodes = std::move(recording.parameters);
    if (!given) {
        const Held meanwhile(state->nodes);  // an allocation may run the collector, and so any code
        py::tuple found(state->nodes.size());
        for (std::size_t i = 0; i < state->nodes.size(); ++i)
            found[i] = py::reinterpret_borrow<py::object>(object_of(state->nodes[i]));
        state->parameters = found;
    }
    return state;
}

}  // namespace

PyObject* construct_function(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    static const char* const names[] = {"inputs", "outputs", "parameters", "contract", nullptr};
    PyObject *inputs, *outputs, *parameters = Py_None;
    int contract = 1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|O$p:Function", const_cast<char**>(names),
                                     &inputs, &outputs, &parameters, &contract))
        return nullptr;
    return guarded(
        [&] { return new_function(type, recorded(inputs, outputs, parameters, contract != 0)); });
}

}  // namespace megagrad::python
