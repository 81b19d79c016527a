#include "program/run/worker.hpp"

#include <algorithm>

namespace megagrad {

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

Worker::Worker(const Plan& plan, const Points& points, const ReplayMemory& shared,
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
    block_ = {registers.data(), stride, room, 0, uniforms_, shared.weights.data(), nullptr, &plan};
}

void Worker::run(std::size_t first, std::size_t count, double* cells) {
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

std::size_t Worker::padded() const {
    constexpr std::size_t widest = 8;
    const std::size_t room = block_.tangents;
    return std::min((block_.points + widest - 1) / widest * widest, room);
}

// One column of an array to a register; the last number is repeated to a whole vector.
void Worker::load_column(const double* column, std::size_t stride, double* numbers) const {
    for (std::size_t i = 0; i < block_.points; ++i) numbers[i] = column[i * stride];
    for (std::size_t i = block_.points; i < padded(); ++i) numbers[i] = numbers[block_.points - 1];
}

void Worker::store_column(const double* numbers, double* column, std::size_t stride) const {
    for (std::size_t i = 0; i < block_.points; ++i) column[i * stride] = numbers[i];
}

void Worker::load_inputs() const {
    const std::size_t inputs = plan_.inputs.size();
    for (std::size_t k = 0; k < inputs; ++k) {
        if (plan_.inputs[k] == no_register) continue;
        double* numbers = block_.numbers(plan_.inputs[k]);
        load_column(points_.data + first_ * inputs + k, inputs, numbers);
        if (points_.tangents == nullptr) continue;
        load_column(points_.tangents + first_ * points_.tangent_stride + k, points_.tangent_stride,
                    numbers + block_.tangents);
    }
}

void Worker::store_outputs() const {
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

void Worker::load_seeds() const {
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

double Worker::seed_of(std::size_t point, std::size_t output) const {
    return points_.seeds == nullptr ? 1 : points_.seeds[point * points_.seed_stride + output];
}

void Worker::store_gradients() const {
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
void Worker::store_gradient(const double* numbers, double* column, std::size_t stride) const {
    for (std::size_t i = 0; i < block_.points; ++i)
        column[i * stride] = numbers == nullptr ? 0 : numbers[i];
}

}  // namespace megagrad
