#include "optim/rules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "platform/compiler.hpp"

namespace megagrad {

namespace {

// How many parameters are gathered at once: they stay in the first-level cache, and the loops over
// them are long enough for vectors.
constexpr std::size_t chunk = 64;

// One chunk, contiguous. Loops over it are compiled to vector instructions.
struct Gathered {
    std::size_t count;
    double data[chunk], grad[chunk];
};

void gather(Parameters part, Gathered& gathered) {
    gathered.count = part.size();
    for (std::size_t i = 0; i < part.size(); ++i) {
        gathered.data[i] = part[i]->data;
        gathered.grad[i] = part[i]->grad;
    }
}

// The one place where an optimiser writes data.
void write_data(Parameters part, const Gathered& gathered) {
    for (std::size_t i = 0; i < part.size(); ++i) part[i]->data = gathered.data[i];
    ++data_writes;
}

template <class Update>
void update_by_chunks(Parameters parameters, Update update_chunk) {
    Gathered gathered;
    for (std::size_t first = 0; first < parameters.size(); first += chunk) {
        const Parameters part =
            parameters.subspan(first, std::min(chunk, parameters.size() - first));
        gather(part, gathered);
        update_chunk(gathered, first);
        write_data(part, gathered);
    }
}

void prepare_gradients(Gathered& g, bool maximize, double weight_decay) {
    if (maximize)
        for (std::size_t i = 0; i < g.count; ++i) g.grad[i] = -g.grad[i];
    if (weight_decay != 0)
        for (std::size_t i = 0; i < g.count; ++i) g.grad[i] += weight_decay * g.data[i];
}

// Decoupled weight decay shrinks the parameters, and leaves the gradients as they are.
template <class Options>
void prepare_or_shrink(Gathered& g, const Options& options) {
    const bool decoupled = options.decoupled_weight_decay;
    prepare_gradients(g, options.maximize, decoupled ? 0 : options.weight_decay);
    const double shrink = 1 - options.lr * options.weight_decay;
    if (decoupled && shrink != 1)
        for (std::size_t i = 0; i < g.count; ++i) g.data[i] *= shrink;
}

void descend(Gathered& g, const double* MEGAGRAD_RESTRICT direction, double lr) {
    for (std::size_t i = 0; i < g.count; ++i) g.data[i] += -lr * direction[i];
}

// PyTorch's lerp: exact at both ends.
void move_towards(double* MEGAGRAD_RESTRICT average, const double* MEGAGRAD_RESTRICT target,
                  std::size_t count, double weight) {
    if (std::fabs(weight) < 0.5)
        for (std::size_t i = 0; i < count; ++i) average[i] += weight * (target[i] - average[i]);
    else
        for (std::size_t i = 0; i < count; ++i)
            average[i] = target[i] - (target[i] - average[i]) * (1 - weight);
}

void average_squares(double* MEGAGRAD_RESTRICT average, const Gathered& g, double kept) {
    for (std::size_t i = 0; i < g.count; ++i)
        average[i] = average[i] * kept + (1 - kept) * g.grad[i] * g.grad[i];
}

void keep_largest(double* MEGAGRAD_RESTRICT largest, const double* MEGAGRAD_RESTRICT candidate,
                  std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const bool replaced = candidate[i] > largest[i] || candidate[i] != candidate[i];
        largest[i] = replaced ? candidate[i] : largest[i];
    }
}

// What all parameters of an Adam step share.
struct AdamFactors {
    double step_size;
    double bias_correction2_sqrt;
};

AdamFactors factors_of(const AdamOptions& options, double step) {
    return {options.lr / (1 - std::pow(options.betas.first, step)),
            std::sqrt(1 - std::pow(options.betas.second, step))};
}

MEGAGRAD_VECTOR_CLONES
void adam_chunk(Gathered& g, double* MEGAGRAD_RESTRICT exp_avg,
                double* MEGAGRAD_RESTRICT exp_avg_sq, double* MEGAGRAD_RESTRICT max_exp_avg_sq,
                const AdamOptions& options, const AdamFactors& factors) {
    const double step_size = factors.step_size, correction = factors.bias_correction2_sqrt;
    const double eps = options.eps;
    prepare_or_shrink(g, options);
    move_towards(exp_avg, g.grad, g.count, 1 - options.betas.first);
    average_squares(exp_avg_sq, g, options.betas.second);
    const double* second_moment = exp_avg_sq;
    if (options.amsgrad) {
        keep_largest(max_exp_avg_sq, exp_avg_sq, g.count);
        second_moment = max_exp_avg_sq;
    }
    for (std::size_t i = 0; i < g.count; ++i)
        g.data[i] += -step_size * exp_avg[i] / (std::sqrt(second_moment[i]) / correction + eps);
}

// What all parameters of a NAdam step share.
struct NadamFactors {
    double of_gradient, of_average;
    double bias_correction2;
};

// Nesterov's momentum grows from half of beta1 to beta1.
double nadam_momentum(const NadamOptions& options, double step) {
    return options.betas.first * (1 - 0.5 * std::pow(0.96, step * options.momentum_decay));
}

NadamFactors factors_of(const NadamOptions& options, double step, double mu_product) {
    const double mu = nadam_momentum(options, step), next = nadam_momentum(options, step + 1);
    return {-options.lr * (1 - mu) / (1 - mu_product), -options.lr * next / (1 - mu_product * next),
            1 - std::pow(options.betas.second, step)};
}

MEGAGRAD_VECTOR_CLONES
void nadam_chunk(Gathered& g, double* MEGAGRAD_RESTRICT exp_avg,
                 double* MEGAGRAD_RESTRICT exp_avg_sq, const NadamOptions& options,
                 const NadamFactors& factors) {
    const double eps = options.eps;
    prepare_or_shrink(g, options);
    move_towards(exp_avg, g.grad, g.count, 1 - options.betas.first);
    average_squares(exp_avg_sq, g, options.betas.second);
    for (std::size_t i = 0; i < g.count; ++i) {
        const double root = std::sqrt(exp_avg_sq[i] / factors.bias_correction2) + eps;
        g.data[i] += factors.of_gradient * g.grad[i] / root;
        g.data[i] += factors.of_average * exp_avg[i] / root;
    }
}

// `buffer` and `grad_avg` are null without momentum, or if not centred.
MEGAGRAD_VECTOR_CLONES
void rmsprop_chunk(Gathered& g, double* MEGAGRAD_RESTRICT square_avg,
                   double* MEGAGRAD_RESTRICT buffer, double* MEGAGRAD_RESTRICT grad_avg,
                   const RmspropOptions& options) {
    double root[chunk];
    prepare_gradients(g, options.maximize, options.weight_decay);
    average_squares(square_avg, g, options.alpha);
    std::copy_n(square_avg, g.count, root);
    if (grad_avg != nullptr) {
        move_towards(grad_avg, g.grad, g.count, 1 - options.alpha);
        for (std::size_t i = 0; i < g.count; ++i) root[i] -= grad_avg[i] * grad_avg[i];
    }
    for (std::size_t i = 0; i < g.count; ++i) root[i] = std::sqrt(root[i]) + options.eps;
    if (buffer == nullptr) {
        for (std::size_t i = 0; i < g.count; ++i) g.data[i] += -options.lr * g.grad[i] / root[i];
    } else {
        for (std::size_t i = 0; i < g.count; ++i)
            buffer[i] = buffer[i] * options.momentum + g.grad[i] / root[i];
        descend(g, buffer, options.lr);
    }
}

MEGAGRAD_VECTOR_CLONES
void adagrad_chunk(Gathered& g, double* MEGAGRAD_RESTRICT sum, double lr,
                   const AdagradOptions& options) {
    const double eps = options.eps;
    prepare_gradients(g, options.maximize, options.weight_decay);
    for (std::size_t i = 0; i < g.count; ++i) sum[i] += g.grad[i] * g.grad[i];
    for (std::size_t i = 0; i < g.count; ++i)
        g.data[i] += -lr * g.grad[i] / (std::sqrt(sum[i]) + eps);
}

void sgd_chunk(Gathered& g, double* MEGAGRAD_RESTRICT buffer, bool first,
               const SgdOptions& options) {
    prepare_gradients(g, options.maximize, options.weight_decay);
    if (buffer == nullptr) return descend(g, g.grad, options.lr);
    if (first)
        std::copy_n(g.grad, g.count, buffer);
    else
        for (std::size_t i = 0; i < g.count; ++i)
            buffer[i] = buffer[i] * options.momentum + (1 - options.dampening) * g.grad[i];
    if (!options.nesterov) return descend(g, buffer, options.lr);
    for (std::size_t i = 0; i < g.count; ++i) g.grad[i] += options.momentum * buffer[i];
    descend(g, g.grad, options.lr);
}

template <class Term>
double sum_over_gradients(Parameters parameters, Term term) {
    double sum = 0;
    for (const Node* node : parameters) sum += term(node->grad);
    return sum;
}

// `better(a, b)`: a replaces b. A NaN among the gradients is the result, as in PyTorch.
template <class Better>
double extreme_gradient(Parameters parameters, double start, Better better) {
    for (const Node* node : parameters) {
        const double size = std::fabs(node->grad);
        if (std::isnan(size)) return size;
        if (better(size, start)) start = size;
    }
    return start;
}

}  // namespace

void update(Parameters parameters, SgdState& state, const SgdOptions& options) {
    std::vector<double>& buffer = state.momentum_buffer;
    const bool first = buffer.empty();
    if (options.momentum != 0) buffer.resize(parameters.size());
    double* const entries = options.momentum != 0 ? buffer.data() : nullptr;
    update_by_chunks(parameters, [&](Gathered& gathered, std::size_t at) {
        sgd_chunk(gathered, entries == nullptr ? nullptr : entries + at, first, options);
    });
}

void update(Parameters parameters, AdamState& state, const AdamOptions& options) {
    state.exp_avg.resize(parameters.size());
    state.exp_avg_sq.resize(parameters.size());
    if (options.amsgrad) state.max_exp_avg_sq.resize(parameters.size());
    state.step += 1;
    const AdamFactors factors = factors_of(options, state.step);
    update_by_chunks(parameters, [&](Gathered& gathered, std::size_t at) {
        adam_chunk(gathered, state.exp_avg.data() + at, state.exp_avg_sq.data() + at,
                   options.amsgrad ? state.max_exp_avg_sq.data() + at : nullptr, options, factors);
    });
}

void update(Parameters parameters, NadamState& state, const NadamOptions& options) {
    state.exp_avg.resize(parameters.size());
    state.exp_avg_sq.resize(parameters.size());
    state.step += 1;
    state.mu_product *= nadam_momentum(options, state.step);
    const NadamFactors factors = factors_of(options, state.step, state.mu_product);
    update_by_chunks(parameters, [&](Gathered& gathered, std::size_t at) {
        nadam_chunk(gathered, state.exp_avg.data() + at, state.exp_avg_sq.data() + at, options,
                    factors);
    });
}

void update(Parameters parameters, RmspropState& state, const RmspropOptions& options) {
    const bool has_momentum = options.momentum > 0;
    state.square_avg.resize(parameters.size());
    if (has_momentum) state.momentum_buffer.resize(parameters.size());
    if (options.centered) state.grad_avg.resize(parameters.size());
    state.step += 1;
    update_by_chunks(parameters, [&](Gathered& gathered, std::size_t at) {
        rmsprop_chunk(gathered, state.square_avg.data() + at,
                      has_momentum ? state.momentum_buffer.data() + at : nullptr,
                      options.centered ? state.grad_avg.data() + at : nullptr, options);
    });
}

void update(Parameters parameters, AdagradState& state, const AdagradOptions& options) {
    state.sum.resize(parameters.size());
    const double lr = options.lr / (1 + state.step * options.lr_decay);
    state.step += 1;
    update_by_chunks(parameters, [&](Gathered& gathered, std::size_t at) {
        adagrad_chunk(gathered, state.sum.data() + at, lr, options);
    });
}

void clear_gradients(Parameters parameters) {
    for (Node* node : parameters) node->grad = 0;
}

void scale_gradients(Parameters parameters, double factor) {
    for (Node* node : parameters) node->grad *= factor;
}

void clamp_gradients(Parameters parameters, double limit) {
    for (Node* node : parameters) {
        if (node->grad < -limit) node->grad = -limit;
        if (node->grad > limit) node->grad = limit;
    }
}

double gradient_norm(Parameters parameters, double order) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (parameters.empty()) return 0;
    if (order == infinity)
        return extreme_gradient(parameters, 0, [](double a, double b) { return a > b; });
    if (order == -infinity)
        return extreme_gradient(parameters, infinity, [](double a, double b) { return a < b; });
    if (order == 0) return sum_over_gradients(parameters, [](double g) { return g != 0; });
    if (order == 1) return sum_over_gradients(parameters, [](double g) { return std::fabs(g); });
    if (order == 2)
        return std::sqrt(sum_over_gradients(parameters, [](double g) { return g * g; }));
    return std::pow(
        sum_over_gradients(parameters, [&](double g) { return std::pow(std::fabs(g), order); }),
        1 / order);
}

}  // namespace megagrad
