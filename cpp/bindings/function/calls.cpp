// What a Function computes, for arrays of points.
#include <algorithm>
#include <optional>

#include "bindings/function/call.hpp"
#include "bindings/function/function.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

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
    points.seed_stride = 0;
}
void set_tangents(Points& points, const std::vector<double>& tangents) {
    points.tangents = tangents.data();
    points.tangent_stride = 0;
}

void jacobian_by_outputs(Call& call, double* numbers) {
    const std::size_t inputs = call.state().inputs(), outputs = call.state().outputs();
    Points& points = call.arguments();
    for (std::size_t k = 0; k < outputs; ++k) {
        const std::vector<double> seeds = direction(k, outputs);
        set_seeds(points, seeds);
        points.input_grads = numbers + k * inputs;
        points.input_grad_stride = outputs * inputs;
        call.run({true, false});
    }
    points.seeds = nullptr;
    points.input_grads = nullptr;
}

// Calls take(i, the outputs' derivatives by input i at all points) for each input that `wants`.
template <class Wants, class Take>
void for_each_column(Call& call, Wants wants, Take take) {
    const std::size_t inputs = call.state().inputs(), outputs = call.state().outputs();
    Points& points = call.arguments();
    std::vector<double> column(points.count * outputs);
    points.output_tangents = column.data();
    for (std::size_t i = 0; i < inputs; ++i) {
        if (!wants(i)) continue;
        const std::vector<double> tangents = direction(i, inputs);
        set_tangents(points, tangents);
        call.run({});
        take(i, column);
    }
    points.output_tangents = nullptr;
}

void jacobian_by_inputs(Call& call, double* numbers) {
    const std::size_t inputs = call.state().inputs();
    for_each_column(
        call, [](std::size_t) { return true; },
        [&](std::size_t i, const std::vector<double>& column) {
            for (std::size_t k = 0; k < column.size(); ++k) numbers[k * inputs + i] = column[k];
        });
}

// By outputs or by inputs, whichever are fewer.
PyObject* jacobian(Call& call) {
    const std::size_t inputs = call.state().inputs(), outputs = call.state().outputs();
    Numbers result(call.output_shape({inputs}));
    double* const numbers = result.mutable_data();
    if (outputs > inputs)
        jacobian_by_inputs(call, numbers);
    else
        jacobian_by_outputs(call, numbers);
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
        points.input_grad_stride = point_step;
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
    return method_def<enter<signature, body>>(name, METH_FASTCALL | METH_KEYWORDS | flags, doc);
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
