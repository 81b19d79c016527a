// What one thread does: runs a plan's calls on blocks of points.
#pragma once

#include <cstddef>

#include "program/kernels/instruction_sets.hpp"
#include "program/kernels/kernels.hpp"
#include "program/run/replay.hpp"

namespace megagrad {

// Runs a plan's calls from the first to the last, and backward from the last to the first.
void run_forward(const Array<KernelCall>& calls, const Kernels& kernels, const Block& block);
void run_backward(const Array<KernelCall>& calls, const Kernels& kernels, const Block& block);
const InstructionSet& instruction_set_of(const Plan& plan);

// Runs blocks of points, one after the other, in memory of its own.
class Worker {
public:
    Worker(const Plan& plan, const Points& points, const ReplayMemory& shared,
           AlignedArray& registers);

    // The block of `count` points from `first` on. Adds the gradients' sums over points to `cells`.
    void run(std::size_t first, std::size_t count, double* cells);

private:
    std::size_t padded() const;
    void load_column(const double* column, std::size_t stride, double* numbers) const;
    void store_column(const double* numbers, double* column, std::size_t stride) const;
    void load_inputs() const;
    void store_outputs() const;
    void load_seeds() const;
    double seed_of(std::size_t point, std::size_t output) const;
    void store_gradients() const;
    void store_gradient(const double* numbers, double* column, std::size_t stride) const;

    const Plan& plan_;
    const Points& points_;
    const Kernels& kernels_;
    const double* uniforms_;
    Block block_;
    std::size_t first_ = 0;
};

}  // namespace megagrad
