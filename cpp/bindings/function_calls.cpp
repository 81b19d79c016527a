// What a Function computes, for arrays of points.
#include <algorithm>
#include <optional>

#include "arguments.hpp"
#include "function.hpp"
#include "without_lock.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

// The names of a call's arguments: data, perhaps a second array, params and threads.
struct Signature {
    const char* name;
    const char* second = nullptr;
    bool needs_second = false;
};

unsigned threads_of(PyObject* object) {
    if (object == nullptr || object == Py_None) return 0;
    if (!PyIndex_Check(object))
        throw py::type_error(std::string("threads must be an integer or None, not '") +
                             Py_TYPE(object)->tp_name + "'");
    const Py_ssize_t threads = PyNumber_AsSsize_t(object, nullptr);  // the nearest that fits
    if (threads == -1 && PyErr_Occurred()) throw py::error_already_set();
    if (threads < 1 || threads > 4096)
        throw py::value_error("threads must be from 1 to 4096, or None for as many as pay, not " +
                              std::to_string(threads));
    return static_cast<unsigned>(threads);
}

std::string shape_text(const char* first, std::size_t second) {
    return std::string("(") + first + ", " + std::to_string(second) + ")";
}

// An array to be filled, or a single number, which becomes a float.
class Result {
public:
    Result(const std::vector<py::ssize_t>& shape, double*& place) {
        if (!shape.empty()) array_.emplace(shape);
        place = array_ ? array_->mutable_data() : &number_;
    }
    Result(const Result&) = delete;  // the number's place is known
    Result& operator=(const Result&) = delete;
    py::object object() const {
        if (array_) return *array_;
        return py::float_(number_);
    }

private:
    std::optional<Numbers> array_;
    double number_ = 0;
};

// One call: its arguments as arrays, and the arrays of its results.
class Call {
public:
    Call(FunctionState& state, const Signature& signature, PyObject* const* args, Py_ssize_t count,
         PyObject* names)
        : state_(state) {
        std::array<PyObject*, 4> values{};
        const bool two = signature.second != nullptr;
        const bool taken =
            two ? take_arguments<4>(signature.name, {"data", signature.second, "params", "threads"},
                                    signature.needs_second ? 2 : 1, args, count, names, values)
                : take_three(signature, args, count, names, values);
        if (!taken) throw py::error_already_set();
        threads_ = threads_of(values[3]);
        take_data(values[0]);
        if (two && (signature.needs_second || (values[1] != nullptr && values[1] != Py_None)))
            second_ = numbers_of(values[1], signature.second);
        take_parameters(values[2]);
    }

    Points& arguments() { return points_; }
    FunctionState& state() const { return state_; }

    // A weight for each output of each point; a plain number is that for all of them.
    void take_seeds() {
        if (!second_) return;
        const std::size_t outputs = state_.outputs();
        if (second_->ndim() == 0) {
            const double seed = *second_->data();
            seeds_.assign(outputs, seed);
            points_.seeds = seeds_.data();
            points_.seed_step = 0;
            return;
        }
        check_shape(*second_, "seeds", output_shape());
        points_.seeds = second_->data();
        points_.seed_step = outputs;
    }

    void take_tangents(const char* name) {
        check_shape(*second_, name, input_shape());
        points_.tangents = second_->data();
        points_.tangent_step = state_.inputs();
    }

    // Shapes for all points together: without the first dimension for a single one, without that of
    // the outputs if a Value was given for them.
    std::vector<py::ssize_t> output_shape(std::initializer_list<std::size_t> more = {}) const {
        std::vector<py::ssize_t> shape;
        if (!is_single_) shape.push_back(static_cast<py::ssize_t>(points_.count));
        if (!state_.has_one_output) shape.push_back(static_cast<py::ssize_t>(state_.outputs()));
        for (const std::size_t size : more) shape.push_back(static_cast<py::ssize_t>(size));
        return shape;
    }
    std::vector<py::ssize_t> input_shape() const {
        std::vector<py::ssize_t> shape;
        if (!is_single_) shape.push_back(static_cast<py::ssize_t>(points_.count));
        shape.push_back(static_cast<py::ssize_t>(state_.inputs()));
        return shape;
    }

    // For results of the outputs' shape.
    Result outputs() { return Result(output_shape(), points_.outputs); }
    Result output_tangents() { return Result(output_shape(), points_.output_tangents); }
    Numbers input_grads() {
        Numbers array(input_shape());
        points_.input_grads = array.mutable_data();
        points_.input_grad_step = state_.inputs();
        return array;
    }
    Numbers parameter_grads() {
        Numbers array(static_cast<py::ssize_t>(state_.nodes.size()));
        points_.parameter_grads = array.mutable_data();
        return array;
    }

    void run(Wanted wanted) {
        const Plan& plan = state_.plan(wanted);
        std::unique_ptr<ReplayMemory> memory = std::move(state_.spare);
        if (!memory) memory = std::make_unique<ReplayMemory>();
        constexpr double worth_it = 20'000;  // numbers: ten microseconds
        const bool is_long =
            static_cast<double>(plan.steps.size() + plan.once.size() + plan.cells.size()) *
                static_cast<double>(points_.count + 1) >
            worth_it;
        std::optional<WithoutLock> without_lock;
        if (is_long) without_lock.emplace();
        const bool complete = replay(plan, points_, threads_, *memory, [&] {
            return without_lock ? without_lock->poll() : PyErr_CheckSignals() == 0;
        });
        without_lock.reset();
        if (!complete) throw py::error_already_set();
        constexpr std::size_t most_kept = std::size_t{1} << 23;  // 64 MiB
        if (memory->rows.size() <= most_kept) state_.spare = std::move(memory);
    }

private:
    static bool take_three(const Signature& signature, PyObject* const* args, Py_ssize_t count,
                           PyObject* names, std::array<PyObject*, 4>& values) {
        std::array<PyObject*, 3> three{};
        if (!take_arguments<3>(signature.name, {"data", "params", "threads"}, 1, args, count, names,
                               three))
            return false;
        values = {three[0], nullptr, three[1], three[2]};
        return true;
    }

    void take_data(PyObject* object) {
        data_ = numbers_of(object, "data");
        const auto inputs = static_cast<py::ssize_t>(state_.inputs());
        if (data_.ndim() == 1 && data_.shape(0) == inputs)
            is_single_ = true;
        else if (data_.ndim() != 2 || data_.shape(1) != inputs)
            refuse_shape("data",
                         shape_text("n", state_.inputs()) + " or (" + std::to_string(inputs) + ",)",
                         data_);
        points_.count = is_single_ ? 1 : static_cast<std::size_t>(data_.shape(0));
        points_.data = data_.data();
    }

    void take_parameters(PyObject* object) {
        const std::size_t count = state_.nodes.size();
        if (object == nullptr || object == Py_None) {
            live_.resize(count);
            for (std::size_t i = 0; i < count; ++i) live_[i] = state_.nodes[i]->data;
            points_.parameters = live_.data();
            return;
        }
        parameters_ = numbers_of(object, "params");
        check_shape(parameters_, "params", {static_cast<py::ssize_t>(count)});
        points_.parameters = parameters_.data();
    }

    static void check_shape(const Numbers& array, const char* name,
                            const std::vector<py::ssize_t>& wanted) {
        bool fits = array.ndim() == static_cast<py::ssize_t>(wanted.size());
        for (std::size_t i = 0; fits && i < wanted.size(); ++i)
            fits = array.shape(static_cast<py::ssize_t>(i)) == wanted[i];
        if (fits) return;
        std::string text = "(";
        for (const py::ssize_t size : wanted) text += std::to_string(size) + ", ";
        if (wanted.size() > 1) text.resize(text.size() - 2);
        if (wanted.size() == 1) text.resize(text.size() - 1);
        refuse_shape(name, text + ")", array);
    }

    FunctionState& state_;
    Points points_;
    bool is_single_ = false;
    unsigned threads_ = 0;
    Numbers data_, parameters_;
    std::optional<Numbers> second_;
    std::vector<double> live_, seeds_;
};

template <class... Objects>
PyObject* tuple_of(const Objects&... objects) {
    PyObject* tuple = PyTuple_Pack(sizeof...(objects), objects.ptr()...);
    if (tuple == nullptr) throw py::error_already_set();
    return tuple;
}

void need_one_output(const FunctionState& state, const char* name, const char* instead) {
    if (!state.has_one_output)
        throw py::value_error(
            std::string(name) +
            " needs a Function whose outputs are one Value; this one has a list of " +
            std::to_string(state.outputs()) + ": use " + instead);
}

PyObject* evaluate_call(Call& call) {
    const Result outputs = call.outputs();
    call.run({});
    return outputs.object().release().ptr();
}

PyObject* value_and_grad(Call& call) {
    need_one_output(call.state(), "value_and_grad()", "vjp() or jacobian()");
    const Result outputs = call.outputs();
    const Numbers grads = call.input_grads();
    call.run({true, false});
    return tuple_of(outputs.object(), grads);
}

PyObject* vjp(Call& call) {
    call.take_seeds();
    const Result outputs = call.outputs();
    const Numbers grads = call.input_grads(), parameter_grads = call.parameter_grads();
    call.run({true, true});
    return tuple_of(outputs.object(), grads, parameter_grads);
}

PyObject* backward(Call& call) {
    call.take_seeds();
    const Result outputs = call.outputs();
    std::vector<double> grads(call.state().nodes.size());
    call.arguments().parameter_grads = grads.data();
    call.run({false, true});
    for (std::size_t i = 0; i < grads.size(); ++i) call.state().nodes[i]->grad += grads[i];
    return outputs.object().release().ptr();
}

PyObject* jvp(Call& call) {
    call.take_tangents("tangents");
    const Result outputs = call.outputs(), tangents = call.output_tangents();
    call.run({});
    return tuple_of(outputs.object(), tangents.object());
}

// One of `count` directions for all points.
std::vector<double> direction(std::size_t i, std::size_t count) {
    std::vector<double> vector(count);
    vector[i] = 1;
    return vector;
}

void set_seeds(Points& points, const std::vector<double>& seeds) {
    points.seeds = seeds.data();
    points.seed_step = 0;
}
void set_tangents(Points& points, const std::vector<double>& tangents) {
    points.tangents = tangents.data();
    points.tangent_step = 0;
}

void jacobian_by_outputs(Call& call, double* numbers) {
    const std::size_t inputs = call.state().inputs(), outputs = call.state().outputs();
    Points& points = call.arguments();
    for (std::size_t k = 0; k < outputs; ++k) {
        const std::vector<double> seeds = direction(k, outputs);
        set_seeds(points, seeds);
        points.input_grads = numbers + k * inputs;
        points.input_grad_step = outputs * inputs;
        call.run({true, false});
    }
    points.seeds = nullptr;
    points.input_grads = nullptr;
}

void jacobian_by_inputs(Call& call, double* numbers) {
    const std::size_t inputs = call.state().inputs(), outputs = call.state().outputs();
    Points& points = call.arguments();
    std::vector<double> columns(points.count * outputs);
    points.output_tangents = columns.data();
    for (std::size_t i = 0; i < inputs; ++i) {
        const std::vector<double> tangents = direction(i, inputs);
        set_tangents(points, tangents);
        call.run({});
        for (std::size_t k = 0; k < columns.size(); ++k) numbers[k * inputs + i] = columns[k];
    }
}

// By outputs or by inputs, whichever are fewer. Backward passes have all outputs, with a seed of 0
// for all but one, and 0 times an infinite slope is NaN; a tangent of 0 counts for nothing.
PyObject* jacobian(Call& call) {
    const std::size_t inputs = call.state().inputs(), outputs = call.state().outputs();
    Numbers result(call.output_shape({inputs}));
    double* const numbers = result.mutable_data();
    const auto has_nan = [&] {
        return std::any_of(numbers, numbers + result.size(), [](double x) { return x != x; });
    };
    if (outputs <= inputs) jacobian_by_outputs(call, numbers);
    if (outputs > inputs || (outputs > 1 && has_nan())) jacobian_by_inputs(call, numbers);
    return result.release().ptr();
}

// The gradient of each output, differentiated again in the tangents' direction, goes to
// `numbers + k * step` for output k, with `point_step` from point to point.
void add_second_derivatives(Call& call, double* numbers, std::size_t step, std::size_t point_step) {
    const std::size_t outputs = call.state().outputs();
    Points& points = call.arguments();
    for (std::size_t k = 0; k < outputs; ++k) {
        const std::vector<double> seeds = direction(k, outputs);
        set_seeds(points, seeds);
        points.input_grad_tangents = numbers + k * step;
        points.input_grad_step = point_step;
        call.run({true, false});
    }
}

PyObject* hvp(Call& call) {
    call.take_tangents("v");
    const std::size_t inputs = call.state().inputs(), outputs = call.state().outputs();
    Numbers result(call.output_shape({inputs}));
    add_second_derivatives(call, result.mutable_data(), inputs, outputs * inputs);
    return result.release().ptr();
}

// A Hessian's row is the product with a unit vector.
PyObject* hessian(Call& call) {
    const std::size_t inputs = call.state().inputs(), outputs = call.state().outputs();
    Numbers result(call.output_shape({inputs, inputs}));
    for (std::size_t i = 0; i < inputs; ++i) {
        const std::vector<double> tangents = direction(i, inputs);
        set_tangents(call.arguments(), tangents);
        add_second_derivatives(call, result.mutable_data() + i * inputs, inputs * inputs,
                               outputs * inputs * inputs);
    }
    return result.release().ptr();
}

template <const Signature& signature, PyObject* (*body)(Call&)>
PyObject* enter(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        Call call(state_of_function(self), signature, args, count, names);
        return body(call);
    });
}

constexpr Signature evaluate_signature{"Function()"}, value_and_grad_signature{"value_and_grad()"},
    vjp_signature{"vjp()", "seeds"}, backward_signature{"backward()", "seeds"},
    jvp_signature{"jvp()", "tangents", true}, jacobian_signature{"jacobian()"},
    hessian_signature{"hessian()"}, hvp_signature{"hvp()", "v", true};

template <const Signature& signature, PyObject* (*body)(Call&)>
PyMethodDef method(const char* name, const char* doc, int flags = 0) {
    return method_def(name, enter<signature, body>, METH_FASTCALL | METH_KEYWORDS | flags, doc);
}

}  // namespace

PyObject* call_function(PyObject* self, PyObject* const* args, std::size_t nargsf,
                        PyObject* names) {
    return enter<evaluate_signature, evaluate_call>(self, args, PyVectorcall_NARGS(nargsf), names);
}

PyMethodDef function_calls[] = {
    // Calls go by call_function; this one has a docstring.
    method<evaluate_signature, evaluate_call>(
        "__call__",
        "__call__($self, /, data, params=None, threads=None)\n--\n\n"
        "The outputs, shape (n,), or (n, n_outputs) for a list of outputs.\n\n"
        "For a single point a float, or (n_outputs,).",
        METH_COEXIST),
    method<value_and_grad_signature, value_and_grad>(
        "value_and_grad",
        "value_and_grad($self, /, data, params=None, threads=None)\n--\n\n"
        "The output, shape (n,), and its gradient by the inputs, shape (n, n_inputs).\n\n"
        "For a single point a float and (n_inputs,). Raises ValueError if outputs were a list."),
    method<vjp_signature, vjp>(
        "vjp",
        "vjp($self, /, data, seeds=None, params=None, threads=None)\n--\n\n"
        "Outputs, gradients by the inputs, and gradients by the parameters summed over points.\n\n"
        "What is differentiated is the sum over points and outputs of seed times output. seeds: "
        "an\n"
        "array of the outputs' shape, a number for all of them, or None for 1. Shapes: the "
        "outputs',\n"
        "the data's, (n_parameters,)."),
    method<backward_signature, backward>(
        "backward",
        "backward($self, /, data, seeds=None, params=None, threads=None)\n--\n\n"
        "Adds the gradients by the parameters to each one's grad, and returns the outputs.\n\n"
        "As vjp(), without the gradients by the inputs."),
    method<jvp_signature, jvp>(
        "jvp",
        "jvp($self, /, data, tangents, params=None, threads=None)\n--\n\n"
        "Outputs, and their derivatives in the direction of `tangents`, an array of data's shape."),
    method<jacobian_signature, jacobian>(
        "jacobian",
        "jacobian($self, /, data, params=None, threads=None)\n--\n\n"
        "All derivatives by the inputs: shape (n, n_outputs, n_inputs), for one output (n, "
        "n_inputs)."),
    method<hessian_signature, hessian>("hessian",
                                       "hessian($self, /, data, params=None, threads=None)\n--\n\n"
                                       "All second derivatives by the inputs: shape (n, n_inputs, "
                                       "n_inputs); for a list of outputs\n"
                                       "(n, n_outputs, n_inputs, n_inputs)."),
    method<hvp_signature, hvp>("hvp",
                               "hvp($self, /, data, v, params=None, threads=None)\n--\n\n"
                               "The Hessian times v, an array of data's shape, without the "
                               "Hessian: shape (n, n_inputs); for\n"
                               "a list of outputs (n, n_outputs, n_inputs)."),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
