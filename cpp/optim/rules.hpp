// Update rules of optimisers, in PyTorch's order of floating-point operations.
//
// Parameters lie scattered in memory, what a rule remembers of them lies in arrays: entry i belongs
// to parameter i.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "graph/node.hpp"

namespace megagrad {

using Parameters = std::span<Node* const>;

// The options of each rule, by the names that parameter groups have for them.
#define MEGAGRAD_SGD_OPTIONS(OPTION) \
    OPTION(double, lr)               \
    OPTION(double, momentum)         \
    OPTION(double, dampening)        \
    OPTION(double, weight_decay)     \
    OPTION(bool, nesterov)           \
    OPTION(bool, maximize)
#define MEGAGRAD_ADAM_OPTIONS(OPTION) \
    OPTION(double, lr)                \
    OPTION(Betas, betas)              \
    OPTION(double, eps)               \
    OPTION(double, weight_decay)      \
    OPTION(bool, amsgrad)             \
    OPTION(bool, maximize)            \
    OPTION(bool, decoupled_weight_decay)

using Betas = std::pair<double, double>;

// What the table expands to: a struct, and for_each(visit), which calls visit(name, option).
#define MEGAGRAD_FIELD(type, name) type name{};
#define MEGAGRAD_VISIT(type, name) visit(#name, name);
#define MEGAGRAD_OPTIONS(Name, TABLE) \
    struct Name {                     \
        TABLE(MEGAGRAD_FIELD)         \
        template <class Visit>        \
        void for_each(Visit visit) {  \
            TABLE(MEGAGRAD_VISIT)     \
        }                             \
    };
MEGAGRAD_OPTIONS(SgdOptions, MEGAGRAD_SGD_OPTIONS)
MEGAGRAD_OPTIONS(AdamOptions, MEGAGRAD_ADAM_OPTIONS)
#undef MEGAGRAD_OPTIONS
#undef MEGAGRAD_VISIT
#undef MEGAGRAD_FIELD

struct SgdState {
    using Options = SgdOptions;
    std::vector<double> momentum_buffer;  // empty before the first step with momentum
};

struct AdamState {
    using Options = AdamOptions;
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
