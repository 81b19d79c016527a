// Each function is one call for what a program would write as loops over Values, in that order of
// operations. The formulas are written with Python's own operators, so that they do what those
// loops do, for subclasses too.
#include <algorithm>
#include <cmath>
#include <vector>

#include "operands.hpp"
#include "registration.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

using Values = std::vector<py::object>;

py::object checked(PyObject* result) {
    if (result == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(result);
}

py::object as_value_object(PyObject* item, Source source, std::size_t i) {
    if (is_value(item)) return py::reinterpret_borrow<py::object>(item);
    double number = 0;
    const int real = to_number(item, number);
    if (real == 0) refuse_item(source, i, item);
    if (real <= 0) throw py::error_already_set();
    return checked(new_leaf(number));
}

// The items of an iterable, at least one; numbers become leaves.
Values values_of(const py::object& xs, Source source) {
    const py::object items = checked(items_of(xs.ptr(), source).release());
    Values values;
    // Turning an item into a number may change the list.
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i) {
        const py::object item =
            py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), i));
        values.push_back(as_value_object(item.ptr(), source, values.size()));
    }
    if (values.empty())
        throw py::value_error(std::string(source.function) + " needs at least one " + source.name +
                              ", got none");
    return values;
}

py::list as_list(const Values& values) {
    py::list list(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) list[i] = values[i];
    return list;
}

py::object apply_op(Op op, const py::object& x) {
    if (is_exact_value(x.ptr()) && is_native_method(op)) return checked(apply(op, x.ptr()));
    return x.attr(info(op).name)();
}
py::object exp(const py::object& x) { return apply_op(Op::exp, x); }
py::object log(const py::object& x) { return apply_op(Op::log, x); }

py::object sum(const Values& xs) {
    return checked(sum_of_items(as_list(xs).ptr(), nullptr, "sum()"));
}
py::object mean(const Values& xs) { return sum(xs) / py::int_(xs.size()); }

template <class Function>
Values each(const Values& xs, Function function) {
    Values results;
    results.reserve(xs.size());
    for (const py::object& x : xs) results.push_back(function(x));
    return results;
}

template <class Function>
Values each(const Values& xs, const Values& ys, Function function) {
    Values results;
    results.reserve(xs.size());
    for (std::size_t i = 0; i < xs.size(); ++i) results.push_back(function(xs[i], ys[i]));
    return results;
}

double data_of(const py::object& x) { return as_value(x.ptr())->node.data; }

// What keeps exp from overflowing; 0 where infinities would only make NaNs of it.
py::float_ largest(const Values& xs) {
    double largest = data_of(xs[0]);
    for (const py::object& x : xs) largest = std::max(largest, data_of(x));
    return py::float_(std::isfinite(largest) ? largest : 0.0);
}

Values less_largest(const Values& xs) {
    const py::float_ shift = largest(xs);
    return each(xs, [&](const py::object& x) { return x - shift; });
}

std::pair<Values, Values> pair_of(const py::object& xs, const py::object& ys, const char* function,
                                  const char* x_name, const char* y_name) {
    std::pair<Values, Values> both{values_of(xs, {function, x_name}),
                                   values_of(ys, {function, y_name})};
    const std::size_t x_count = both.first.size(), y_count = both.second.size();
    if (x_count != y_count)
        throw py::value_error(std::string(function) + " needs as many " + y_name + " as " + x_name +
                              ", got " + std::to_string(x_count) + " " + x_name + " and " +
                              std::to_string(y_count) + " " + y_name);
    return both;
}

py::object mean_of(const py::object& xs) { return mean(values_of(xs, {"mean()", "xs"})); }

py::object logsumexp(const py::object& xs) {
    const Values values = values_of(xs, {"logsumexp()", "xs"});
    return log(sum(each(less_largest(values), exp))) + largest(values);
}

py::list softmax(const py::object& xs) {
    const Values powers = each(less_largest(values_of(xs, {"softmax()", "xs"})), exp);
    const py::object total = sum(powers);
    return as_list(each(powers, [&](const py::object& power) { return power / total; }));
}

Values log_probabilities(const py::object& xs, Source source) {
    const Values odds = less_largest(values_of(xs, source));
    const py::object log_total = log(sum(each(odds, exp)));
    return each(odds, [&](const py::object& x) { return x - log_total; });
}

py::list log_softmax(const py::object& xs) {
    return as_list(log_probabilities(xs, {"log_softmax()", "xs"}));
}

py::list rms_norm(const py::object& xs, const py::object& weight, double eps) {
    const Values values = values_of(xs, {"rms_norm()", "xs"});
    const py::list list = as_list(values);
    const py::object squares = checked(dot_of_items(list.ptr(), list.ptr(), nullptr, "rms_norm()"));
    const py::object mean_square = squares / py::int_(values.size()) + py::float_(eps);
    const py::object scale =
        checked(PyNumber_Power(mean_square.ptr(), py::float_(-0.5).ptr(), Py_None));
    const Values scaled = each(values, [&](const py::object& x) { return x * scale; });
    if (weight.is_none()) return as_list(scaled);
    const auto [weights, _] = pair_of(weight, list, "rms_norm()", "weight", "xs");
    return as_list(each(scaled, weights, [](const auto& x, const auto& w) { return x * w; }));
}

py::object mse_loss(const py::object& input, const py::object& target) {
    const auto [xs, ys] = pair_of(input, target, "mse_loss()", "input", "target");
    return mean(each(xs, ys, [](const py::object& x, const py::object& y) {
        return checked(PyNumber_Power((x - y).ptr(), py::int_(2).ptr(), Py_None));
    }));
}

py::object hinge(const py::object& scores, const py::object& labels) {
    const auto [xs, ys] = pair_of(scores, labels, "hinge()", "scores", "labels");
    for (const py::object& y : ys)
        if (std::fabs(data_of(y)) != 1)
            throw py::value_error("hinge() needs labels of -1 and 1, got " +
                                  number_text(data_of(y)));
    return mean(each(xs, ys, [](const py::object& x, const py::object& y) {
        return apply_op(Op::relu, py::int_(1) - py::float_(data_of(y)) * x);
    }));
}

py::object cross_entropy(const py::object& input, const py::object& target) {
    const Source source{"cross_entropy()", "input"};
    const Values odds = less_largest(values_of(input, source));
    if (!PyIndex_Check(target.ptr()))
        throw py::type_error(
            std::string("cross_entropy() needs the index of a class, an int, as target, not a '") +
            Py_TYPE(target.ptr())->tp_name + "'");
    const py::object index = checked(PyNumber_Index(target.ptr()));
    const Py_ssize_t place = PyNumber_AsSsize_t(index.ptr(), PyExc_IndexError);
    if (place == -1 && PyErr_Occurred()) throw py::error_already_set();
    if (place < 0 || static_cast<std::size_t>(place) >= odds.size())
        throw py::index_error("cross_entropy() needs a target from 0 to " +
                              std::to_string(odds.size() - 1) + ", got " + std::to_string(place));
    return log(sum(each(odds, exp))) - odds[static_cast<std::size_t>(place)];
}

py::object binary_cross_entropy_with_logits(const py::object& input, const py::object& target) {
    const auto [xs, ys] =
        pair_of(input, target, "binary_cross_entropy_with_logits()", "input", "target");
    return mean(each(xs, ys, [](const py::object& x, const py::object& y) {
        return apply_op(Op::softplus, x) - x * y;
    }));
}

}  // namespace

void register_functional(py::module_& module) {
    py::options options;
    options.disable_function_signatures();  // the docstrings begin with one
    module.def("mean", mean_of, py::arg("xs"),
               R"(mean(xs)
--

The mean of xs: sum(xs) / len(xs).

xs: Values and real numbers, at least one. Raises ValueError for none, TypeError for anything else.)");
    module.def("logsumexp", logsumexp, py::arg("xs"),
               R"(logsumexp(xs)
--

The logarithm of the sum of the exponentials, without overflow:
log(sum(exp(x - m) for x in xs)) + m, where m is the largest of their data.

xs: Values and real numbers, at least one. Raises ValueError for none, TypeError for anything else.)");
    module.def("softmax", softmax, py::arg("xs"),
               R"(softmax(xs)
--

The probabilities that belong to logarithmic odds, a list of Values as long as xs:
exp(x - m) / sum(exp(x - m) for x in xs), where m is the largest of their data.

xs: Values and real numbers, at least one. Raises ValueError for none, TypeError for anything else.)");
    module.def("log_softmax", log_softmax, py::arg("xs"),
               R"(log_softmax(xs)
--

The logarithms of softmax(xs), a list of Values as long as xs, accurate where those are tiny:
(x - m) - log(sum(exp(x - m) for x in xs)), where m is the largest of their data.

xs: Values and real numbers, at least one. Raises ValueError for none, TypeError for anything else.)");
    module.def("rms_norm", rms_norm, py::arg("xs"), py::arg("weight") = py::none(),
               py::arg("eps") = 1e-5,
               R"(rms_norm(xs, weight=None, eps=1e-05)
--

xs over their root mean square (Zhang & Sennrich 2019), a list of Values as long as xs:
x * (sum(x * x for x in xs) / len(xs) + eps) ** -0.5, times its weight.

xs: Values and real numbers, at least one. weight: as many, or None. eps: a real number that keeps
the square root away from 0. Raises ValueError for no xs or another number of weights, TypeError for
anything but Values and real numbers.)");
    module.def("mse_loss", mse_loss, py::arg("input"), py::arg("target"),
               R"(mse_loss(input, target)
--

The mean of the squared errors: the mean of (x - y) ** 2.

input, target: Values and real numbers, as many of each, at least one. Raises ValueError if their
numbers differ or are 0, TypeError for anything else.)");
    module.def("hinge", hinge, py::arg("scores"), py::arg("labels"),
               R"(hinge(scores, labels)
--

The mean margin loss of a support vector machine: the mean of relu(1 - label * score). It is 0 once
every score has its label's sign and is at least 1 in magnitude.

scores: Values and real numbers, at least one. labels: -1 or 1 for each. Raises ValueError for other
labels and if the numbers of both differ or are 0, TypeError for anything but Values and real numbers.)");
    module.def("cross_entropy", cross_entropy, py::arg("input"), py::arg("target"),
               R"(cross_entropy(input, target)
--

How surprising a class is, given the logarithmic odds of all: -log(softmax(input)[target]), computed
as log(sum(exp(x - m) for x in input)) - (input[target] - m), where m is the largest of their data.

input: Values and real numbers, at least one. target: the index of the class, an int from 0. Raises
ValueError for no input, IndexError for a target that is none of its indices, TypeError for anything
else.)");
    module.def("binary_cross_entropy_with_logits", binary_cross_entropy_with_logits,
               py::arg("input"), py::arg("target"),
               R"(binary_cross_entropy_with_logits(input, target)
--

The mean surprise at outcomes, given their logarithmic odds: the mean of softplus(x) - x * y.

input: Values and real numbers, at least one. target: for each the probability that it should have,
0 or 1 for a plain outcome. Raises ValueError if the numbers of both differ or are 0, TypeError for
anything but Values and real numbers.)");
}

}  // namespace megagrad::python
