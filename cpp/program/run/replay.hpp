// Running a plan over many points.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "program/plan/plan.hpp"

namespace megagrad {

// What a replay reads and writes. Points are rows of arrays; a stride of 0 between rows means that
// all points have the same. Null pointers are not wanted.
struct Points {
    std::size_t count = 0;
    const double* data = nullptr;      // (count, inputs)
    const double* tangents = nullptr;  // the same: then everything has a tangent
    std::size_t tangent_stride = 0;
    const double* seeds = nullptr;  // (count, outputs); null: 1
    std::size_t seed_stride = 0;
    const double* parameters = nullptr;

    double* outputs = nullptr;  // (count, outputs)
    double* output_tangents = nullptr;
    double* input_grads = nullptr;  // (count, inputs)
    double* input_grad_tangents = nullptr;
    std::size_t input_grad_stride = 0;  // of both
    double* parameter_grads = nullptr;  // summed over points
};

// Memory whose address is a multiple of a cache line; its numbers have no value at first.
class AlignedArray {
public:
    double* data() { return data_.get(); }
    std::size_t size() const { return size_; }
    void make_room(std::size_t count);

private:
    struct Free {
        void operator()(double* memory) const;
    };
    std::unique_ptr<double, Free> data_;
    std::size_t size_ = 0;
};

// The memory of a replay, to be used again by the next one.
struct ReplayMemory {
    AlignedArray registers;  // of the calling thread
    std::vector<double> uniforms, weights, cells;
};

// How many points make a stripe: what one thread takes at a time, and whose gradients are summed
// point after point; the stripes' sums are then added as a balanced tree.
std::size_t stripe_of(const Plan& plan);

// Runs the plan; false if `poll`, which is called every 20 ms or so by the calling thread, returned
// false. Threads: 0 for as many as pay. Results do not depend on their number. May throw
// std::bad_alloc; and std::runtime_error in a process that `poll` forked off threads.
bool replay(const Plan& plan, const Points& points, unsigned threads, ReplayMemory& memory,
            const std::function<bool()>& poll);

}  // namespace megagrad
