// One call of a Function: its arguments as arrays, checked, and room for its results.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/function/function.hpp"
#include "bindings/support/arguments.hpp"
#include "bindings/support/without_lock.hpp"
#include "bindings/value/recording.hpp"

namespace megagrad::python {

// The names of a call's arguments: data, perhaps a second array, params and threads.
struct Signature {
    const char* name;
    const char* second = nullptr;
    bool needs_second = false;
};

inline unsigned threads_of(PyObject* object) {
    if (object == nullptr || object == Py_None) return 0;
    if (!PyIndex_Check(object))
        throw pybind11::type_error(std::string("threads must be an integer or None, not '") +
                                   Py_TYPE(object)->tp_name + "'");
    const Py_ssize_t threads = PyNumber_AsSsize_t(object, nullptr);  // the nearest that fits
    if (threads == -1 && PyErr_Occurred()) throw pybind11::error_already_set();
    if (threads < 1 || threads > 4096)
        throw pybind11::value_error(
            "threads must be from 1 to 4096, or None for as many as pay, not " +
            count_text(threads));
    return static_cast<unsigned>(threads);
}

// An array to be filled, or a single number, which becomes a float.
class Result {
public:
    Result(const std::vector<pybind11::ssize_t>& shape, double*& place) {
        if (!shape.empty()) array_.emplace(shape);
        place = array_ ? array_->mutable_data() : &number_;
    }
    Result(const Result&) = delete;  // the number's place is known
    Result& operator=(const Result&) = delete;
    pybind11::object object() const {
        if (array_) return *array_;
        return pybind11::float_(number_);
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
        if (count > 0 && (PyFloat_Check(args[0]) || PyLong_Check(args[0])))
            refuse_data("a plain number");  // f(3.0); f(1.0, 2.0) may have too many arguments, too
        std::array<PyObject*, 4> values{};
        const bool two = signature.second != nullptr;
        const bool taken =
            two ? take_arguments<4>(signature.name, {"data", signature.second, "params", "threads"},
                                    signature.needs_second ? 2 : 1, args, count, names, values)
                : take_three(signature, args, count, names, values);
        if (!taken) throw pybind11::error_already_set();
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
            points_.seed_stride = 0;
            return;
        }
        check_shape(*second_, "seeds", output_shape());
        points_.seeds = second_->data();
        points_.seed_stride = outputs;
    }

    void take_tangents(const char* name) {
        check_shape(*second_, name, input_shape());
        points_.tangents = second_->data();
        points_.tangent_stride = state_.inputs();
    }

    // Shapes for all points together: without the first dimension for a single one, without that of
    // the outputs if a Value was given for them.
    std::vector<pybind11::ssize_t> output_shape(
        std::initializer_list<std::size_t> more = {}) const {
        std::vector<pybind11::ssize_t> shape;
        if (!is_single_) shape.push_back(static_cast<pybind11::ssize_t>(points_.count));
        if (!state_.has_one_output)
            shape.push_back(static_cast<pybind11::ssize_t>(state_.outputs()));
        for (const std::size_t size : more) shape.push_back(static_cast<pybind11::ssize_t>(size));
        return shape;
    }
    std::vector<pybind11::ssize_t> input_shape() const {
        std::vector<pybind11::ssize_t> shape;
        if (!is_single_) shape.push_back(static_cast<pybind11::ssize_t>(points_.count));
        shape.push_back(static_cast<pybind11::ssize_t>(state_.inputs()));
        return shape;
    }

    // For results of the outputs' shape.
    Result outputs() { return Result(output_shape(), points_.outputs); }
    Result output_tangents() { return Result(output_shape(), points_.output_tangents); }
    Numbers input_grads() {
        Numbers array(input_shape());
        points_.input_grads = array.mutable_data();
        points_.input_grad_stride = state_.inputs();
        return array;
    }
    Numbers parameter_grads() {
        Numbers array(static_cast<pybind11::ssize_t>(state_.nodes.size()));
        points_.parameter_grads = array.mutable_data();
        return array;
    }

    void run(Wanted wanted) {
        const Plan& plan = state_.plan(wanted);
        std::unique_ptr<ReplayMemory> memory = std::move(state_.spare);
        if (!memory) memory = std::make_unique<ReplayMemory>();
        constexpr double worth_it = 20'000;  // numbers: ten microseconds
        const bool is_long =
            static_cast<double>(plan.calls.size() + plan.once.size() + plan.cells.size()) *
                static_cast<double>(points_.count + 1) >
            worth_it;
        std::optional<WithoutLock> without_lock;
        if (is_long || is_free_threaded) without_lock.emplace();
        const bool complete = replay(plan, points_, threads_, *memory, [&] {
            return without_lock ? without_lock->poll() : PyErr_CheckSignals() == 0;
        });
        without_lock.reset();
        if (!complete) throw pybind11::error_already_set();
        constexpr std::size_t most_kept = std::size_t{1} << 23;  // 64 MiB
        if (memory->registers.size() <= most_kept) state_.spare = std::move(memory);
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

    [[noreturn]] void refuse_data(const std::string& given) const {
        const std::string inputs = std::to_string(state_.inputs());
        const char* const point = state_.inputs() == 1   ? "[x]"
                                  : state_.inputs() == 2 ? "[x, y]"
                                                         : "[x, y, ...]";
        throw pybind11::value_error("data must have shape (n, " + inputs + ") or (" + inputs +
                                    ",), not " + given + ": pass " + point +
                                    " for one point, and [" + point + ", ...] for many");
    }

    void take_data(PyObject* object) {
        data_ = numbers_of(object, "data");
        const auto inputs = static_cast<pybind11::ssize_t>(state_.inputs());
        if (data_.ndim() == 1 && data_.shape(0) == inputs)
            is_single_ = true;
        else if (data_.ndim() != 2 || data_.shape(1) != inputs)
            refuse_data(data_.ndim() == 0 ? "a plain number"
                                          : pybind11::str(data_.attr("shape")).cast<std::string>());
        points_.count = is_single_ ? 1 : static_cast<std::size_t>(data_.shape(0));
        points_.data = data_.data();
    }

    void take_parameters(PyObject* object) {
        const std::size_t count = state_.nodes.size();
        if (object == nullptr || object == Py_None) {
            live_.resize(count);
            if (!may_be_read(state_.nodes, "the data of a parameter"))
                throw pybind11::error_already_set();
            for (std::size_t i = 0; i < count; ++i) live_[i] = state_.nodes[i]->data;
            points_.parameters = live_.data();
            return;
        }
        parameters_ = numbers_of(object, "params");
        check_shape(parameters_, "params", {static_cast<pybind11::ssize_t>(count)});
        points_.parameters = parameters_.data();
    }

    static void check_shape(const Numbers& array, const char* name,
                            const std::vector<pybind11::ssize_t>& wanted) {
        bool fits = array.ndim() == static_cast<pybind11::ssize_t>(wanted.size());
        for (std::size_t i = 0; fits && i < wanted.size(); ++i)
            fits = array.shape(static_cast<pybind11::ssize_t>(i)) == wanted[i];
        if (fits) return;
        std::string text = "(";
        for (const pybind11::ssize_t size : wanted) text += std::to_string(size) + ", ";
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

}  // namespace megagrad::python
