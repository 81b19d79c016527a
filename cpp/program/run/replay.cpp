#include "program/run/replay.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#if !defined(_WIN32)
#include <unistd.h>
#endif

#include "program/kernels/instruction_sets.hpp"
#include "program/kernels/kernels.hpp"
#include "program/run/pairwise_sum.hpp"

namespace megagrad {

namespace {

// Which process this is: a signal's handler may have called fork().
long process() {
#if defined(_WIN32)
    return 0;
#else
    return getpid();
#endif
}

using Clock = std::chrono::steady_clock;
constexpr std::size_t alignment = 64;
constexpr std::size_t blocks_in_stripe = 8;

void run_forward(const Array<KernelCall>& calls, const Kernels& kernels, const Block& block) {
    for (const KernelCall& call : calls) kernels.forward[call.code](call, block);
}

void run_backward(const Array<KernelCall>& calls, const Kernels& kernels, const Block& block) {
    for (std::size_t i = calls.size(); i-- > 0;)
        if (calls[i].has_gradient) kernels.backward[calls[i].code](calls[i], block);
}

const InstructionSet& instruction_set_of(const Plan& plan) {
    return plan.contract ? instruction_set() : eager_instruction_set();
}

// What is computed once a call, on the uniform numbers and, after them, their gradients.
class Uniforms {
public:
    Uniforms(const Plan& plan, ReplayMemory& memory) : plan_(plan), memory_(memory) {}

    void go_forward(const double* parameters) {
        std::vector<double>& uniforms = memory_.uniforms;
        uniforms.resize(2 * std::size_t{plan_.uniforms});
        std::copy_n(parameters, plan_.parameters, uniforms.begin());
        std::copy(plan_.constants.begin(), plan_.constants.end(),
                  uniforms.begin() + plan_.parameters);
        run_forward(plan_.once, instruction_set_of(plan_).scalar, block());
        memory_.weights.resize(plan_.cells.size());
        for (std::size_t i = 0; i < plan_.cells.size(); ++i) memory_.weights[i] = number_of(i);
    }

    // From what was summed over points to the parameters.
    void go_backward(const std::vector<double>& cells, const Points& points) {
        std::fill(memory_.uniforms.begin() + plan_.uniforms, memory_.uniforms.end(), 0.0);
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const Factor uniform = plan_.cells[i].uniform;
            gradient(uniform.number()) += uniform.is_subtracted() ? -cells[i] : cells[i];
        }
        for (std::size_t k = 0; k < plan_.outputs.size(); ++k)
            if (!plan_.outputs[k].varies && plan_.outputs[k].grad.is_wanted())
                gradient(plan_.outputs[k].place) += sum_of_seeds(points, k);
        run_backward(plan_.once, instruction_set_of(plan_).scalar, block());
        std::copy_n(memory_.uniforms.begin() + plan_.uniforms, plan_.parameters,
                    points.parameter_grads);
    }

private:
    Block block() {
        double* numbers = memory_.uniforms.data();
        return {numbers, 1, 0, 1, numbers, nullptr, nullptr, &plan_};
    }
    double number_of(std::size_t cell) const {
        const Factor uniform = plan_.cells[cell].uniform;
        const double number = memory_.uniforms[uniform.number()];
        return uniform.is_subtracted() ? -number : number;
    }
    double& gradient(Register uniform) { return memory_.uniforms[plan_.uniforms + uniform]; }

    static double sum_of_seeds(const Points& points, std::size_t output) {
        if (points.seeds == nullptr) return static_cast<double>(points.count);
        double sum = 0;
        for (std::size_t i = 0; i < points.count; ++i)
            sum += points.seeds[i * points.seed_stride + output];
        return sum;
    }

    const Plan& plan_;
    ReplayMemory& memory_;
};

// Runs blocks of points, one after the other, in memory of its own.
class Worker {
public:
    Worker(const Plan& plan, const Points& points, const ReplayMemory& shared,
           AlignedArray& registers)
        : plan_(plan),
          points_(points),
          kernels_(points.tangents != nullptr ? instruction_set_of(plan).dual
                   : points.count == 1        ? instruction_set_of(plan).scalar
                                              : instruction_set_of(plan).vector),
          uniforms_(shared.uniforms.data()) {
        const std::size_t room = points.count == 1 && points.tangents == nullptr ? 1 : plan.points;
        const std::size_t stride = points.tangents != nullptr ? 2 * room : room;
        registers.make_room(stride * std::max<std::size_t>(plan.registers, 1));
        block_ = {registers.data(),      stride,  room, 0, uniforms_,
                  shared.weights.data(), nullptr, &plan};
    }

    void run(std::size_t first, std::size_t count, double* cells) {
        first_ = first;
        block_.points = count;
        block_.cells = cells;
        load_inputs();
        run_forward(plan_.calls, kernels_, block_);
        store_outputs();
        if (!plan_.wanted.any()) return;
        load_seeds();
        run_backward(plan_.calls, kernels_, block_);
        store_gradients();
    }

private:
    std::size_t padded() const {
        constexpr std::size_t widest = 8;
        const std::size_t room = block_.tangents;
        return std::min((block_.points + widest - 1) / widest * widest, room);
    }

    // One column of an array to a register; the last number is repeated to a whole vector.
    void load_column(const double* column, std::size_t stride, double* numbers) const {
        for (std::size_t i = 0; i < block_.points; ++i) numbers[i] = column[i * stride];
        for (std::size_t i = block_.points; i < padded(); ++i)
            numbers[i] = numbers[block_.points - 1];
    }
    void store_column(const double* numbers, double* column, std::size_t stride) const {
        for (std::size_t i = 0; i < block_.points; ++i) column[i * stride] = numbers[i];
    }

    void load_inputs() const {
        const std::size_t inputs = plan_.inputs.size();
        for (std::size_t k = 0; k < inputs; ++k) {
            if (plan_.inputs[k] == no_register) continue;
            double* numbers = block_.numbers(plan_.inputs[k]);
            load_column(points_.data + first_ * inputs + k, inputs, numbers);
            if (points_.tangents == nullptr) continue;
            load_column(points_.tangents + first_ * points_.tangent_stride + k,
                        points_.tangent_stride, numbers + block_.tangents);
        }
    }

    void store_outputs() const {
        const std::size_t outputs = plan_.outputs.size();
        for (std::size_t k = 0; k < outputs; ++k) {
            const Output& output = plan_.outputs[k];
            const double* numbers =
                output.varies ? block_.numbers(output.place) : &uniforms_[output.place];
            if (points_.outputs != nullptr) {
                double* column = points_.outputs + first_ * outputs + k;
                if (output.varies)
                    store_column(numbers, column, outputs);
                else
                    for (std::size_t i = 0; i < block_.points; ++i) column[i * outputs] = *numbers;
            }
            if (points_.output_tangents != nullptr) {
                double* column = points_.output_tangents + first_ * outputs + k;
                if (output.varies)
                    store_column(numbers + block_.tangents, column, outputs);
                else
                    for (std::size_t i = 0; i < block_.points; ++i) column[i * outputs] = 0;
            }
        }
    }

    void load_seeds() const {
        for (std::size_t k = 0; k < plan_.outputs.size(); ++k) {
            const Output& output = plan_.outputs[k];
            if (!output.varies || !output.grad.is_wanted()) continue;
            double* numbers = block_.numbers(output.grad);
            const bool is_first = output.grad.is_first();
            for (std::size_t i = 0; i < padded(); ++i) {
                const double seed = i < block_.points ? seed_of(first_ + i, k) : 0;
                numbers[i] = is_first ? seed : numbers[i] + seed;
                if (points_.tangents != nullptr && is_first) numbers[block_.tangents + i] = 0;
            }
        }
    }
    double seed_of(std::size_t point, std::size_t output) const {
        return points_.seeds == nullptr ? 1 : points_.seeds[point * points_.seed_stride + output];
    }

    void store_gradients() const {
        const std::size_t stride = points_.input_grad_stride;
        for (std::size_t k = 0; k < plan_.inputs.size(); ++k) {
            const Register grad = plan_.input_grads[k];
            const std::size_t place = first_ * stride + k;
            const double* numbers = grad == no_register ? nullptr : block_.numbers(grad);
            if (points_.input_grads != nullptr)
                store_gradient(numbers, points_.input_grads + place, stride);
            if (points_.input_grad_tangents != nullptr)
                store_gradient(numbers == nullptr ? numbers : numbers + block_.tangents,
                               points_.input_grad_tangents + place, stride);
        }
    }
    // An input that nothing depends on has the gradient 0.
    void store_gradient(const double* numbers, double* column, std::size_t stride) const {
        for (std::size_t i = 0; i < block_.points; ++i)
            column[i * stride] = numbers == nullptr ? 0 : numbers[i];
    }

    const Plan& plan_;
    const Points& points_;
    const Kernels& kernels_;
    const double* uniforms_;
    Block block_;
    std::size_t first_ = 0;
};

// All blocks, by one thread or several. Each takes the next stripe when it is done with one.
// Where fork() was called meanwhile, the child has the calling thread only: it cannot have the
// result, nor take apart what the others were just changing.
class Crew {
public:
    Crew(const Plan& plan, const Points& points, ReplayMemory& memory,
         const std::function<bool()>& poll)
        : plan_(plan), points_(points), memory_(memory), poll_(poll), stripe_(stripe_of(plan)) {
        stripes_ = (points.count + stripe_ - 1) / stripe_;
    }

    // The cells' sums, or nothing if it was stopped.
    std::optional<std::vector<double>> run(unsigned threads) {
        std::vector<std::thread> others;
        try {
            for (unsigned i = 1; i < std::min<std::size_t>(threads, stripes_); ++i) {
                others.emplace_back([this] { assist(); });
                has_others_ = true;
            }
        } catch (const std::system_error&) {  // the system has no more of them: fewer will do
        } catch (const std::bad_alloc&) {     // or no memory to begin one
        }
        try {
            work(memory_.registers, true);
        } catch (...) {
            fail();
        }
        if (is_left_alone()) {
            new std::vector<std::thread>(
                std::move(others));  // which can be neither joined nor left
            return std::nullopt;
        }
        for (std::thread& other : others) other.join();
        if (error_) std::rethrow_exception(error_);
        if (is_stopped_) return std::nullopt;
        std::vector<double> total = sums_.total();
        total.resize(cells());
        return total;
    }

    bool has_been_stopped() const { return has_been_stopped_; }
    bool is_left_alone() const { return has_others_ && process() != process_; }

private:
    std::size_t cells() const { return plan_.wanted.parameters ? plan_.cells.size() : 0; }

    void assist() {
        try {
            AlignedArray registers;
            work(registers, false);
        } catch (...) {
            fail();
        }
    }
    void fail() {
        if (!has_failed_.exchange(true)) error_ = std::current_exception();
        is_stopped_ = true;
    }

    void work(AlignedArray& registers, bool polls) {
        Worker worker(plan_, points_, memory_, registers);
        Clock::time_point last_poll = Clock::now();
        for (std::size_t stripe; (stripe = next_++) < stripes_;) {
            std::vector<double> cells(this->cells());
            const std::size_t end = std::min(points_.count, (stripe + 1) * stripe_);
            for (std::size_t first = stripe * stripe_; first < end; first += plan_.points) {
                if (is_stopped_) return;
                worker.run(first, std::min(plan_.points, end - first), cells.data());
                if (polls && !is_going_on(last_poll)) return;
            }
            if (!cells.empty()) sums_.add(stripe, std::move(cells));
        }
    }

    bool is_going_on(Clock::time_point& last_poll) {
        constexpr std::chrono::milliseconds interval(20);
        const Clock::time_point now = Clock::now();
        if (now - last_poll < interval) return true;
        last_poll = now;
        has_been_stopped_ = !poll_();
        if (!has_been_stopped_ && !is_left_alone()) return true;
        is_stopped_ = true;
        return false;
    }

    const Plan& plan_;
    const Points& points_;
    ReplayMemory& memory_;
    const std::function<bool()>& poll_;
    const std::size_t stripe_;
    std::size_t stripes_;
    std::atomic<std::size_t> next_{0};
    std::atomic<bool> is_stopped_{false}, has_failed_{false};
    bool has_others_ = false;
    bool has_been_stopped_ = false;  // by poll
    const long process_ = process();
    std::exception_ptr error_;
    PairwiseSum sums_;
};

// As many threads as there are processors, where there is enough to do to begin them for.
unsigned sensible_threads(const Plan& plan, const Points& points) {
    constexpr double enough = 2e6;  // kernels' numbers: about a millisecond
    const double work = static_cast<double>(plan.calls.size() + plan.cells.size()) *
                        static_cast<double>(points.count);
    return work < enough ? 1 : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

void AlignedArray::Free::operator()(double* memory) const {
    ::operator delete(memory, std::align_val_t{alignment});
}

void AlignedArray::make_room(std::size_t count) {
    if (count <= size_) return;
    data_.reset(
        static_cast<double*>(::operator new(count * sizeof(double), std::align_val_t{alignment})));
    size_ = count;
}

std::size_t stripe_of(const Plan& plan) { return blocks_in_stripe * plan.points; }

bool replay(const Plan& plan, const Points& points, unsigned threads, ReplayMemory& memory,
            const std::function<bool()>& poll) {
    Uniforms uniforms(plan, memory);
    uniforms.go_forward(points.parameters);
    if (0 < points.count && points.count <= plan.points) {  // nothing to share, no time to stop
        memory.cells.assign(plan.wanted.parameters ? plan.cells.size() : 0, 0.0);
        Worker(plan, points, memory, memory.registers).run(0, points.count, memory.cells.data());
    } else {
        if (threads == 0) threads = sensible_threads(plan, points);
        auto crew = std::make_unique<Crew>(plan, points, memory, poll);
        auto cells = crew->run(threads);
        if (crew->is_left_alone()) {
            if (crew.release()->has_been_stopped()) return false;
            throw std::runtime_error(
                "fork() was called while a Function ran on several threads, which the child does "
                "not have");
        }
        if (!cells) return false;
        memory.cells = std::move(*cells);
    }
    if (plan.wanted.parameters) uniforms.go_backward(memory.cells, points);
    return true;
}

}  // namespace megagrad
