#include "program/run/replay.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>

#include "program/run/threads.hpp"
#include "program/run/worker.hpp"

namespace megagrad {

namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t blocks_in_stripe = 8;

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
