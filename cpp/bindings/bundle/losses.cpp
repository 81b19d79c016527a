// Each function is one call for what a program would write as loops over Values, in that order of
// operations. The formulas are written with Python's own operators, so that they do what those
// loops do, for subclasses too.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "bindings/bundle/bundle.hpp"
#include "bindings/support/arguments.hpp"
#include "bindings/support/errors.hpp"
#include "bindings/value/recording.hpp"

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
    return checked(new_number(number));
}

// The items of an iterable, at least one; numbers become leaves, and `was_number` says which.
Values values_of(const py::object& xs, Source source, std::vector<bool>* was_number = nullptr) {
    const py::object items = checked(items_of(xs.ptr(), source).release());
    // Turning an item into a number may change the list, and even make it longer for ever.
    const py::object kept = checked(PySequence_Tuple(items.ptr()));
    Values values;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kept.ptr()); ++i)
        values.push_back(as_value_object(PyTuple_GET_ITEM(kept.ptr(), i), source, values.size()));
    if (was_number != nullptr)
        for (const py::handle& item : py::reinterpret_borrow<py::tuple>(kept))
            was_number->push_back(!is_value(item.ptr()));
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

// An op on many Values: whether its method is ours is asked once.
class Apply {
public:
    explicit Apply(Op op) : op_(op), is_native_(is_native_method(op)) {}
    py::object operator()(const py::object& x) const {
        if (is_native_ && is_exact_value(x.ptr())) return checked(apply(op_, x.ptr()));
        return x.attr(info(op_).name)();
    }
    py::object operator()(const py::object& x, const py::object& y) const {
        if (is_native_ && is_exact_value(x.ptr()) && is_exact_value(y.ptr()))
            return checked(apply(op_, x.ptr(), y.ptr()));
        return x.attr(info(op_).name)(y);
    }

private:
    Op op_;
    bool is_native_;
};
py::object apply_op(Op op, const py::object& x) { return Apply(op)(x); }
py::object apply_op(Op op, const py::object& x, const py::object& y) { return Apply(op)(x, y); }
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

// What keeps exp from overflowing. It is chosen again at every point of a recorded program, and
// counts as a number: what it adds to a gradient would cancel.
py::object largest(const Values& xs) {
    const Apply maximum(Op::maximum);
    py::object largest = xs[0];
    for (std::size_t i = 1; i < xs.size(); ++i) largest = maximum(largest, xs[i]);
    return apply_op(Op::detach, largest);
}

Values shifted(const Values& xs, const py::object& shift) {
    const Apply less(Op::shifted);
    return each(xs, [&](const py::object& x) { return less(x, shift); });
}
Values less_largest(const Values& xs) { return shifted(xs, largest(xs)); }

std::pair<Values, Values> pair_of(const py::object& xs, const py::object& ys, const char* function,
                                  const char* x_name, const char* y_name,
                                  std::vector<bool>* y_was_number = nullptr) {
    std::pair<Values, Values> both{values_of(xs, {function, x_name}),
                                   values_of(ys, {function, y_name}, y_was_number)};
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
    const py::object shift = largest(values);
    return log(sum(each(shifted(values, shift), Apply(Op::exp)))) + shift;
}

py::list softmax(const py::object& xs) {
    const Values powers = each(less_largest(values_of(xs, {"softmax()", "xs"})), Apply(Op::exp));
    const py::object total = sum(powers);
    return as_list(each(powers, [&](const py::object& power) { return power / total; }));
}

Values log_probabilities(const py::object& xs, Source source) {
    const Values odds = less_largest(values_of(xs, source));
    const py::object log_total = log(sum(each(odds, Apply(Op::exp))));
    return each(odds, [&](const py::object& x) { return x - log_total; });
}

py::list log_softmax(const py::object& xs) {
    return as_list(log_probabilities(xs, {"log_softmax()", "xs"}));
}

py::list rms_norm(const py::object& xs, const py::object& weight, const py::object& eps_object) {
    double eps = 1e-5;
    if (eps_object && !number_or_type_error(eps_object.ptr(), "rms_norm()'s eps", eps))
        throw py::error_already_set();
    const Values values = values_of(xs, {"rms_norm()", "xs"});
    const py::list list = as_list(values);
    const py::object squares = checked(dot_of_items(list.ptr(), list.ptr(), nullptr, "rms_norm()"));
    const py::object mean_square = squares / py::int_(values.size()) + py::float_(eps);
    const py::object scale =
        checked(PyNumber_Power(mean_square.ptr(), py::float_(-0.5).ptr(), Py_None));
    const Values scaled = each(values, [&](const py::object& x) { return x * scale; });
    if (!weight || weight.is_none()) return as_list(scaled);
    const auto [weights, _] = pair_of(weight, list, "rms_norm()", "weight", "xs");
    return as_list(each(scaled, weights, [](const auto& x, const auto& w) { return x * w; }));
}

py::list squared_errors(const py::object& input, const py::object& target) {
    const auto [xs, ys] = pair_of(input, target, "mse_loss()", "input", "target");
    return as_list(each(xs, ys, [](const py::object& x, const py::object& y) {
        return checked(PyNumber_Power((x - y).ptr(), py::int_(2).ptr(), Py_None));
    }));
}

py::object hinge(const py::object& scores, const py::object& labels) {
    std::vector<bool> is_number;
    const auto [xs, ys] = pair_of(scores, labels, "hinge()", "scores", "labels", &is_number);
    for (const py::object& y : ys)
        if (std::fabs(data_of(y)) != 1 && !depends_on_an_input(y.ptr()))
            throw py::value_error("hinge() needs labels of -1 and 1, got " +
                                  number_text(data_of(y)));
    Values losses;
    for (std::size_t i = 0; i < xs.size(); ++i) {
        const py::object y = is_number[i] ? py::float_(data_of(ys[i])) : ys[i];
        losses.push_back(apply_op(Op::relu, py::int_(1) - y * xs[i]));
    }
    return mean(losses);
}

py::object cross_entropy(const py::object& input, const py::object& target) {
    const Source source{"cross_entropy()", "input"};
    const Values odds = less_largest(values_of(input, source));
    if (!PyIndex_Check(target.ptr()))
        throw py::type_error(
            std::string("cross_entropy() needs the index of a class, an int, as target, not a '") +
            Py_TYPE(target.ptr())->tp_name + "'");
    const py::object index = checked(PyNumber_Index(target.ptr()));
    const Py_ssize_t place = PyNumber_AsSsize_t(index.ptr(), nullptr);
    if (place == -1 && PyErr_Occurred()) throw py::error_already_set();
    if (place < 0 || static_cast<std::size_t>(place) >= odds.size())
        throw py::index_error("cross_entropy() needs a target from 0 to " +
                              std::to_string(odds.size() - 1) + ", got " + count_text(place));
    return log(sum(each(odds, Apply(Op::exp)))) - odds[static_cast<std::size_t>(place)];
}

// softplus(-x) * y + softplus(x) * (1 - y): neither term is negative, so nothing cancels.
py::object surprise_at_number(const py::object& x, double y) {
    if (y == 0) return apply_op(Op::softplus, x);
    const py::object against = apply_op(Op::softplus, -x);
    if (y == 1) return against;
    return against * py::float_(y) + apply_op(Op::softplus, x) * py::float_(1 - y);
}

// The same for a y that may be 0 or 1 at some points: an infinite surprise that has no weight
// counts as none. A finite one stays, for the gradient by y.
py::object weighted(const py::object& surprise, const py::object& weight) {
    const py::float_ largest(std::numeric_limits<double>::max());
    const py::object counts = surprise.attr("less_equal")(largest) + apply_op(Op::abs, weight);
    return apply_op(Op::when, surprise, counts) * weight;
}
py::object surprise_at_value(const py::object& x, const py::object& y) {
    return weighted(apply_op(Op::softplus, -x), y) +
           weighted(apply_op(Op::softplus, x), py::int_(1) - y);
}

py::list surprises(const py::object& input, const py::object& target) {
    std::vector<bool> is_number;
    const auto [xs, ys] =
        pair_of(input, target, "binary_cross_entropy_with_logits()", "input", "target", &is_number);
    Values surprises;
    for (std::size_t i = 0; i < xs.size(); ++i)
        surprises.push_back(is_number[i] ? surprise_at_number(xs[i], data_of(ys[i]))
                                         : surprise_at_value(xs[i], ys[i]));
    return as_list(surprises);
}

// What CPython calls: takes the arguments, the last of which may be left out, and computes.
template <auto compute, const auto& signature>
PyObject* enter(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
    constexpr std::size_t size = signature.names.size();
    std::array<PyObject*, size> values{};
    if (!take_arguments<size>(signature.function, signature.names, signature.required, args, count,
                              keywords, values))
        return nullptr;
    return guarded([&] {
        return std::apply(
            [](auto... each) -> PyObject* {
                return py::object(compute(py::reinterpret_borrow<py::object>(each)...))
                    .release()
                    .ptr();
            },
            values);
    });
}

template <std::size_t size>
struct Signature {
    const char* function;
    std::array<const char*, size> names;
    std::size_t required = size;
};

constexpr Signature<1> mean_signature{"mean()", {"xs"}};
constexpr Signature<1> logsumexp_signature{"logsumexp()", {"xs"}};
constexpr Signature<1> softmax_signature{"softmax()", {"xs"}};
constexpr Signature<1> log_softmax_signature{"log_softmax()", {"xs"}};
constexpr Signature<3> rms_norm_signature{"rms_norm()", {"xs", "weight", "eps"}, 1};
constexpr Signature<2> squared_errors_signature{"mse_loss()", {"input", "target"}};
constexpr Signature<2> hinge_signature{"hinge()", {"scores", "labels"}};
constexpr Signature<2> cross_entropy_signature{"cross_entropy()", {"input", "target"}};
constexpr Signature<2> surprises_signature{"binary_cross_entropy_with_logits()",
                                           {"input", "target"}};

template <auto compute, const auto& signature>
PyMethodDef function(const char* name, const char* doc) {
    return method_def<enter<compute, signature>>(name, METH_FASTCALL | METH_KEYWORDS, doc);
}

}  // namespace

PyMethodDef functional_functions[] = {
    function<mean_of, mean_signature>("mean",
                                      R"(mean($module, /, xs)
--

The mean of xs: sum(xs) / len(xs).

xs: Values and real numbers, at least one. Raises ValueError for none, TypeError for anything else.)"),
    function<logsumexp, logsumexp_signature>("logsumexp",
                                             R"(logsumexp($module, /, xs)
--

The logarithm of the sum of the exponentials, without overflow:
log(sum(exp(x - m) for x in xs)) + m, where m is the largest of them, as a number.

xs: Values and real numbers, at least one. Raises ValueError for none, TypeError for anything else.)"),
    function<softmax, softmax_signature>("softmax",
                                         R"(softmax($module, /, xs)
--

The probabilities that belong to logarithmic odds, a list of Values as long as xs:
exp(x - m) / sum(exp(x - m) for x in xs), where m is the largest of them, as a number.

xs: Values and real numbers, at least one. Raises ValueError for none, TypeError for anything else.)"),
    function<log_softmax, log_softmax_signature>("log_softmax",
                                                 R"(log_softmax($module, /, xs)
--

The logarithms of softmax(xs), a list of Values as long as xs, accurate where those are tiny:
(x - m) - log(sum(exp(x - m) for x in xs)), where m is the largest of them, as a number.

xs: Values and real numbers, at least one. Raises ValueError for none, TypeError for anything else.)"),
    function<rms_norm, rms_norm_signature>("rms_norm",
                                           R"(rms_norm($module, /, xs, weight=None, eps=1e-05)
--

xs over their root mean square (Zhang & Sennrich 2019), a list of Values as long as xs:
x * (sum(x * x for x in xs) / len(xs) + eps) ** -0.5, times its weight.

xs: Values and real numbers, at least one. weight: as many, or None. eps: a real number that keeps
the square root away from 0. Raises ValueError for no xs or another number of weights, TypeError for
anything but Values and real numbers.)"),
    function<squared_errors, squared_errors_signature>("squared_errors",
                                                       R"(squared_errors($module, /, input, target)
--

A list of (x - y) ** 2.

input, target: Values and real numbers, as many of each, at least one. Raises ValueError if their
numbers differ or are 0, TypeError for anything else.)"),
    function<hinge, hinge_signature>("hinge",
                                     R"(hinge($module, /, scores, labels)
--

The mean margin loss of a support vector machine: the mean of relu(1 - label * score). It is 0 once
every score has its label's sign and is at least 1 in magnitude.

scores: Values and real numbers, at least one. labels: -1 or 1 for each; one that is a Value takes
part in the graph. Raises ValueError for other labels and if the numbers of both differ or are 0,
TypeError for anything but Values and real numbers.)"),
    function<cross_entropy, cross_entropy_signature>("cross_entropy",
                                                     R"(cross_entropy($module, /, input, target)
--

How surprising a class is, given the logarithmic odds of all: -log(softmax(input)[target]), computed
as log(sum(exp(x - m) for x in input)) - (input[target] - m), where m is the largest of them, as a number.

input: Values and real numbers, at least one. target: the index of the class, an int from 0. Raises
ValueError for no input, IndexError for a target that is none of its indices, TypeError for anything
else.)"),
    function<surprises, surprises_signature>("surprises",
                                             R"(surprises($module, /, input, target)
--

The surprise at outcomes, given their logarithmic odds, a list of softplus(-x) * y + softplus(x) * (1 - y).
An infinite logit that is right has no loss.

input: Values and real numbers, at least one. target: for each the probability that it should have,
0 or 1 for a plain outcome. Raises ValueError if the numbers of both differ or are 0, TypeError for
anything but Values and real numbers.)"),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
