// Update rules of optimisers, in PyTorch's order of floating-point operations.
//
// Parameters lie scattered in memory, what a rule remembers of them lies in arrays: entry i belongs
// to parameter i.
#pragma once

#include <span>
#include <vector>

#include "graph/node.hpp"

namespace megagrad {

using Parameters = std::span<Node* const>;

struct SgdOptions {
    double lr = 0, momentum = 0, dampening = 0, weight_decay = 0;
    bool nesterov = false, maximize = false;
};

struct SgdState {
    std::vector<double> momentum_buffer;  // empty before the first step with momentum
};

struct AdamOptions {
    double lr = 0, beta1 = 0, beta2 = 0, eps = 0, weight_decay = 0;
    bool amsgrad = false, maximize = false;
    bool decoupled = false;  // weight decay: AdamW's
};

struct AdamState {
    double step = 0;
    std::vector<double> exp_avg, exp_avg_sq;  // empty before the first step
    std::vector<double> max_exp_avg_sq;       // empty before the first step with amsgrad
};

// Moves the data of every parameter by its gradient. Throws std::bad_alloc before anything changed.
void update(Parameters parameters, SgdState& state, const SgdOptions& options);
void update(Parameters parameters, AdamState& state, const AdamOptions& options);

void clear_gradients(Parameters parameters);
void scale_gradients(Parameters parameters, double factor);
void clamp_gradients(Parameters parameters, double limit);  // to [-limit, limit]; NaN stays
// The norm of all gradients as one vector; `order` may be infinite, or 0, which counts what is not
// 0.
double gradient_norm(Parameters parameters, double order);

}  // namespace megagrad
