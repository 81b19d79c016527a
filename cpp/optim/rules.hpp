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
#define MEGAGRAD_NADAM_OPTIONS(OPTION)   \
    OPTION(double, lr)                   \
    OPTION(Betas, betas)                 \
    OPTION(double, eps)                  \
    OPTION(double, weight_decay)         \
    OPTION(double, momentum_decay)       \
    OPTION(bool, decoupled_weight_decay) \
    OPTION(bool, maximize)
#define MEGAGRAD_RMSPROP_OPTIONS(OPTION) \
    OPTION(double, lr)                   \
    OPTION(double, alpha)                \
    OPTION(double, eps)                  \
    OPTION(double, weight_decay)         \
    OPTION(double, momentum)             \
    OPTION(bool, centered)               \
    OPTION(bool, maximize)
#define MEGAGRAD_ADAGRAD_OPTIONS(OPTION) \
    OPTION(double, lr)                   \
    OPTION(double, lr_decay)             \
    OPTION(double, weight_decay)         \
    OPTION(double, eps)                  \
    OPTION(bool, maximize)

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
MEGAGRAD_OPTIONS(NadamOptions, MEGAGRAD_NADAM_OPTIONS)
MEGAGRAD_OPTIONS(RmspropOptions, MEGAGRAD_RMSPROP_OPTIONS)
MEGAGRAD_OPTIONS(AdagradOptions, MEGAGRAD_ADAGRAD_OPTIONS)
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

struct NadamState {
    using Options = NadamOptions;
    double step = 0;
    double mu_product = 1;                    // of the momenta of all steps so far
    std::vector<double> exp_avg, exp_avg_sq;  // empty before the first step
};

struct RmspropState {
    using Options = RmspropOptions;
    double step = 0;
    std::vector<double> square_avg;       // empty before the first step
    std::vector<double> momentum_buffer;  // empty before the first step with momentum
    std::vector<double> grad_avg;         // empty before the first centred step
};

struct AdagradState {
    using Options = AdagradOptions;
    double step = 0;
    std::vector<double> sum;  // of squares; begins with what it is set to, or empty, which is 0
};

// Moves the data of every parameter by its gradient. Throws std::bad_alloc before anything changed.
void update(Parameters parameters, SgdState& state, const SgdOptions& options);
void update(Parameters parameters, AdamState& state, const AdamOptions& options);
void update(Parameters parameters, NadamState& state, const NadamOptions& options);
void update(Parameters parameters, RmspropState& state, const RmspropOptions& options);
void update(Parameters parameters, AdagradState& state, const AdagradOptions& options);

void clear_gradients(Parameters parameters);
void scale_gradients(Parameters parameters, double factor);
void clamp_gradients(Parameters parameters, double limit);  // to [-limit, limit]; NaN stays
// The norm of all gradients as one vector; `order` may be infinite, or 0, which counts what is not
// 0.
double gradient_norm(Parameters parameters, double order);

}  // namespace megagrad
