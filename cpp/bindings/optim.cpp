// Optimisers' rules and the clipping of gradients, for Python.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bindings/value/recording.hpp"
#include "bindings/value/value.hpp"
#include "optim/rules.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

// What a rule remembers, by name: a number for each parameter. Empty before the first step.
using Columns = std::map<std::string, std::vector<double>>;

Node* node_at(PyObject* sequence, Py_ssize_t index) {
    PyObject* item = PySequence_Fast_GET_ITEM(sequence, index);
    if (!is_value(item))
        throw py::type_error("parameter " + std::to_string(index) + " must be a Value, not '" +
                             Py_TYPE(item)->tp_name + "'");
    // Its gradient may be written, which is that of other nodes too while it is folded.
    if (!unfold_if_bulk(as_value(item))) throw py::error_already_set();
    return &as_value(item)->node;
}

// `sequence` is a list or tuple; it keeps the nodes.
std::vector<Node*> nodes_of(PyObject* sequence) {
    std::vector<Node*> nodes(static_cast<std::size_t>(PySequence_Fast_GET_SIZE(sequence)));
    for (std::size_t i = 0; i < nodes.size(); ++i)
        nodes[i] = node_at(sequence, static_cast<Py_ssize_t>(i));
    return nodes;
}

// Of which gradients will be read.
std::vector<Node*> with_gradients(const py::list& values) {
    const std::vector<Node*> nodes = nodes_of(values.ptr());
    if (!may_be_read(nodes, "the grad")) throw py::error_already_set();
    return nodes;
}

py::object item(const py::dict& group, const char* name) {
    const py::str key(name);
    py::object found = py::reinterpret_steal<py::object>(dict_item(group.ptr(), key.ptr()));
    if (PyErr_Occurred()) throw py::error_already_set();
    if (!found) throw py::key_error("the parameter group has lost its " + std::string(name));
    return found;
}

double number(const py::object& object, const char* name) {
    double number;
    if (!number_or_type_error(object.ptr(), name, number)) throw py::error_already_set();
    return number;
}

void read(const py::object& object, const char* name, double& option) {
    option = number(object, name);
}

void read(const py::object& object, const char*, bool& option) {
    const int truth = PyObject_IsTrue(object.ptr());
    if (truth < 0) throw py::error_already_set();
    option = truth != 0;
}

void read(const py::object& object, const char* name, Betas& option) {
    if (!PyTuple_Check(object.ptr()) || PyTuple_GET_SIZE(object.ptr()) != 2)
        throw py::type_error(std::string(name) + " must be a tuple of two numbers");
    const auto betas = py::reinterpret_borrow<py::tuple>(object);
    option = {number(betas[0], name), number(betas[1], name)};
}

template <class Options>
Options options_of(const py::dict& group) {
    Options options;
    options.for_each(
        [&](const char* name, auto& option) { read(item(group, name), name, option); });
    return options;
}

void show(Columns& columns, const char* name, const std::vector<double>& column) {
    if (!column.empty()) columns[name] = column;
}

Columns columns_of(const SgdState& state, std::size_t) {
    Columns columns;
    show(columns, "momentum_buffer", state.momentum_buffer);
    return columns;
}

Columns columns_of(const AdamState& state, std::size_t count) {
    Columns columns;
    if (state.step == 0) return columns;
    show(columns, "step", std::vector<double>(count, state.step));
    show(columns, "exp_avg", state.exp_avg);
    show(columns, "exp_avg_sq", state.exp_avg_sq);
    show(columns, "max_exp_avg_sq", state.max_exp_avg_sq);
    return columns;
}

Columns columns_of(const NadamState& state, std::size_t count) {
    Columns columns;
    if (state.step == 0) return columns;
    show(columns, "step", std::vector<double>(count, state.step));
    show(columns, "mu_product", std::vector<double>(count, state.mu_product));
    show(columns, "exp_avg", state.exp_avg);
    show(columns, "exp_avg_sq", state.exp_avg_sq);
    return columns;
}

Columns columns_of(const RmspropState& state, std::size_t count) {
    Columns columns;
    if (state.step == 0) return columns;
    show(columns, "step", std::vector<double>(count, state.step));
    show(columns, "square_avg", state.square_avg);
    show(columns, "momentum_buffer", state.momentum_buffer);
    show(columns, "grad_avg", state.grad_avg);
    return columns;
}

// Its sums are there before the first step, too.
Columns columns_of(const AdagradState& state, std::size_t count) {
    Columns columns;
    if (state.sum.empty()) return columns;
    show(columns, "step", std::vector<double>(count, state.step));
    show(columns, "sum", state.sum);
    return columns;
}

// Takes a column out of `columns`, of one number for each of `count` parameters.
std::vector<double> take(Columns& columns, const char* name, std::size_t count) {
    const auto found = columns.extract(name);
    if (found.empty()) throw py::value_error("the state has no " + std::string(name));
    if (found.mapped().size() != count)
        throw py::value_error("the state's " + std::string(name) + " has " +
                              std::to_string(found.mapped().size()) + " numbers for " +
                              std::to_string(count) + " parameters");
    return found.mapped();
}

// Of what the rule remembers only after a step with some option.
std::vector<double> take_if_there(Columns& columns, const char* name, std::size_t count) {
    return columns.count(name) == 0 ? std::vector<double>() : take(columns, name, count);
}

// Of what the rule remembers once for all parameters; `otherwise` for no parameters.
double take_shared(Columns& columns, const char* name, std::size_t count, double otherwise) {
    const std::vector<double> numbers = take(columns, name, count);
    for (double number : numbers)
        if (number != numbers[0])
            throw py::value_error(std::string(name) +
                                  " must be the same for all parameters of a group");
    return numbers.empty() ? otherwise : numbers[0];
}

double take_step(Columns& columns, std::size_t count, int least) {
    const double step = take_shared(columns, "step", count, least);
    if (!(step >= least)) throw py::value_error("step must be at least " + std::to_string(least));
    return step;
}

void load(SgdState& state, Columns& columns, std::size_t count) {
    state.momentum_buffer = take(columns, "momentum_buffer", count);
}

void load(AdamState& state, Columns& columns, std::size_t count) {
    state.step = take_step(columns, count, 1);
    state.exp_avg = take(columns, "exp_avg", count);
    state.exp_avg_sq = take(columns, "exp_avg_sq", count);
    state.max_exp_avg_sq = take_if_there(columns, "max_exp_avg_sq", count);
}

void load(NadamState& state, Columns& columns, std::size_t count) {
    state.step = take_step(columns, count, 1);
    state.mu_product = take_shared(columns, "mu_product", count, 1);
    state.exp_avg = take(columns, "exp_avg", count);
    state.exp_avg_sq = take(columns, "exp_avg_sq", count);
}

void load(RmspropState& state, Columns& columns, std::size_t count) {
    state.step = take_step(columns, count, 1);
    state.square_avg = take(columns, "square_avg", count);
    state.momentum_buffer = take_if_there(columns, "momentum_buffer", count);
    state.grad_avg = take_if_there(columns, "grad_avg", count);
}

void load(AdagradState& state, Columns& columns, std::size_t count) {
    state.step = take_step(columns, count, 0);
    state.sum = take(columns, "sum", count);
}

// The update rule of one parameter group, with what it remembers. The tuple keeps the Values, and
// nobody can change it, so the nodes stay where they are.
template <class State>
class Rule {
public:
    Rule(py::tuple parameters, Columns columns)
        : parameters_(std::move(parameters)), nodes_(nodes_of(parameters_.ptr())) {
        if (!columns.empty()) load(state_, columns, nodes_.size());
        if (!columns.empty())
            throw py::value_error("the state has an unknown " + columns.begin()->first);
    }

    void step(const py::dict& group) {
        const auto options = options_of<typename State::Options>(group);
        if (item(group, "params").ptr() != parameters_.ptr())
            throw py::value_error(
                "the params of a parameter group were replaced; use add_param_group(), or make a "
                "new optimiser");
        if (!may_be_read(nodes_, "the data of a parameter")) throw py::error_already_set();
        update(nodes_, state_, options);
    }

    void zero_grad() { clear_gradients(nodes_); }
    Columns columns() const { return columns_of(state_, nodes_.size()); }

    // For the cyclic collector.
    PyObject* held() const { return parameters_.ptr(); }
    void let_go() {
        nodes_.clear();
        state_ = {};
        const py::tuple released = std::move(parameters_);
    }

private:
    py::tuple parameters_;
    std::vector<Node*> nodes_;
    State state_;
};

// pybind11 itself would take memory that no constructor has seen for a rule.
template <class T>
T& constructed(const py::object& self) {
    if (!py::isinstance<T>(self) || !py::detail::is_holder_constructed(self.ptr()))
        throw py::type_error("this is no rule, or its __init__ was not called");
    return py::cast<T&>(self);
}

// pybind11's own takes for granted that there is memory for an instance. The layout of a class
// without subclasses takes none.
PyObject* new_instance(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* self = type->tp_alloc(type, 0);
    if (self != nullptr) reinterpret_cast<py::detail::instance*>(self)->allocate_layout();
    return self;
}

// Parameters may hold what leads back to their optimiser.
template <class T>
void make_collectable(PyHeapTypeObject* heap_type) {
    PyTypeObject& type = heap_type->ht_type;
    type.tp_new = new_instance;
    type.tp_flags |= Py_TPFLAGS_HAVE_GC;
    type.tp_traverse = [](PyObject* self, visitproc visit, void* arg) -> int {
        Py_VISIT(Py_TYPE(self));
        if (py::detail::is_holder_constructed(self))
            Py_VISIT(py::cast<T&>(py::handle(self)).held());
        return 0;
    };
    type.tp_clear = [](PyObject* self) -> int {
        if (py::detail::is_holder_constructed(self)) py::cast<T&>(py::handle(self)).let_go();
        return 0;
    };
}

template <class State>
void register_rule(py::module_& module, const char* name, const char* doc) {
    using T = Rule<State>;
    py::class_<T>(module, name, py::metaclass(reinterpret_cast<PyObject*>(&PyType_Type)),
                  py::custom_type_setup(make_collectable<T>), py::is_final(), doc)
        .def(py::init<py::tuple, Columns>(), py::arg("parameters"), py::arg("columns"),
             py::call_guard<EngineLock>())
        .def(
            "step",
            [](const py::object& self, const py::object& group) {
                if (!PyDict_Check(group.ptr()))
                    throw py::type_error(std::string("a parameter group must be a dict, not '") +
                                         Py_TYPE(group.ptr())->tp_name + "'");
                constructed<T>(self).step(py::reinterpret_borrow<py::dict>(group));
            },
            py::arg("group"), py::call_guard<EngineLock>(),
            "Update the parameters by the group's options.")
        .def(
            "zero_grad", [](const py::object& self) { constructed<T>(self).zero_grad(); },
            py::call_guard<EngineLock>(), "Set all gradients to 0.")
        .def(
            "columns", [](const py::object& self) { return constructed<T>(self).columns(); },
            py::call_guard<EngineLock>(),
            "What the rule remembers: for each name, a list of numbers.");
}

}  // namespace

void register_optim(py::module_& module) {
    register_rule<SgdState>(module, "SGDRule", "Stochastic gradient descent for one group.");
    register_rule<AdamState>(module, "AdamRule", "Adam or AdamW for one group.");
    register_rule<NadamState>(module, "NAdamRule", "NAdam for one group.");
    register_rule<RmspropState>(module, "RMSpropRule", "RMSprop for one group.");
    register_rule<AdagradState>(module, "AdagradRule", "Adagrad for one group.");
    module.def(
        "gradient_norm",
        [](const py::list& values, double order) {
            return gradient_norm(with_gradients(values), order);
        },
        py::arg("values"), py::arg("order"), py::call_guard<EngineLock>(),
        "The norm of the Values' gradients as one vector.");
    module.def(
        "scale_gradients",
        [](const py::list& values, double factor) {
            scale_gradients(with_gradients(values), factor);
        },
        py::arg("values"), py::arg("factor"), py::call_guard<EngineLock>(),
        "Multiply the Values' gradients by a number.");
    module.def(
        "clamp_gradients",
        [](const py::list& values, double limit) {
            clamp_gradients(with_gradients(values), limit);
        },
        py::arg("values"), py::arg("limit"), py::call_guard<EngineLock>(),
        "Bound the Values' gradients to [-limit, limit].");
}

}  // namespace megagrad::python
