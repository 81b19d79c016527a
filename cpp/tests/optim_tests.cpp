// Update rules and gradient norms, on nodes that lie anywhere.
#include <deque>
#include <limits>

#include "optim/rules.hpp"
#include "tests/check.hpp"

namespace megagrad::test {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

class Model {
public:
    void add(double data, double grad) {
        Node& node = nodes_.emplace_back();
        node.data = data;
        node.grad = grad;
        pointers_.push_back(&node);
    }
    Parameters parameters() const { return pointers_; }
    Node& operator[](std::size_t index) { return nodes_[index]; }
    std::size_t size() const { return nodes_.size(); }

private:
    std::deque<Node> nodes_;
    std::vector<Node*> pointers_;
};

Model gradients(std::initializer_list<double> numbers) {
    Model model;
    for (double number : numbers) model.add(0, number);
    return model;
}

// More than one chunk, and no multiple of what a vector register holds.
Model equal_parameters() {
    Model model;
    for (int i = 0; i < 131; ++i) model.add(0.7, 0.3);
    return model;
}

}  // namespace

TEST_CASE("sgd is the textbooks") {
    Model model;
    model.add(2, 0.5);
    model.add(-1, 4);
    SgdState state;
    update(model.parameters(), state, {.lr = 0.25});
    CHECK((model[0].data == 2 - 0.25 * 0.5 && model[1].data == -1 - 0.25 * 4));
    CHECK((model[0].grad == 0.5 && state.momentum_buffer.empty()));

    const SgdOptions heavy{.lr = 0.5, .momentum = 0.5, .dampening = 0.25};
    update(model.parameters(), state, heavy);
    CHECK(state.momentum_buffer == (std::vector<double>{0.5, 4}));
    update(model.parameters(), state, heavy);
    CHECK(state.momentum_buffer == (std::vector<double>{0.625, 5}));
    CHECK(model[0].data == 1.875 - 0.5 * 0.5 - 0.5 * 0.625);
}

TEST_CASE("the first step of adam has the length of the learning rate") {
    Model model;
    for (double grad : {1e-3, -2.0, 700.0}) model.add(1, grad);
    AdamState state;
    update(model.parameters(), state, {.lr = 0.1, .betas = {0.9, 0.999}});
    CHECK(is_close(model[0].data, 0.9, 1e-14));
    CHECK(is_close(model[1].data, 1.1, 1e-14));
    CHECK(is_close(model[2].data, 0.9, 1e-14));
    CHECK((state.step == 1 && state.exp_avg.size() == 3 && state.max_exp_avg_sq.empty()));
}

TEST_CASE("nadam looks ahead along the mean") {
    Model model = gradients({2, -0.5});
    NadamState state;
    // Without growth the momentum is a quarter in each step.
    update(model.parameters(), state, {.lr = 0.1, .betas = {0.5, 0.75}});
    CHECK((state.step == 1 && state.mu_product == 0.25));
    CHECK((state.exp_avg == std::vector<double>{1, -0.25}));
    CHECK((state.exp_avg_sq == std::vector<double>{1, 0.0625}));
    // (3/4) / (3/4) of the gradient, (1/4) / (15/16) of the mean, over the unbiased root.
    CHECK(is_close(model[0].data, -0.1 * (2 + 4.0 / 15) / 2, 1e-14));
    CHECK(is_close(model[1].data, 0.1 * (0.5 + 1.0 / 15) / 0.5, 1e-14));
    update(model.parameters(), state, {.lr = 0.1, .betas = {0.5, 0.75}, .momentum_decay = 1e6});
    CHECK((state.step == 2 && state.mu_product == 0.125));
}

TEST_CASE("decoupled weight decay leaves the averages as they are") {
    Model nadam, adam;
    nadam.add(2, 0);
    adam.add(2, 0);
    NadamState nadam_state;
    AdamState adam_state;
    update(nadam.parameters(), nadam_state,
           {.lr = 0.5, .eps = 1, .weight_decay = 0.5, .decoupled_weight_decay = true});
    update(adam.parameters(), adam_state,
           {.lr = 0.5, .eps = 1, .weight_decay = 0.5, .decoupled_weight_decay = true});
    CHECK((nadam[0].data == 1.5 && nadam_state.exp_avg[0] == 0));
    CHECK((adam[0].data == 1.5 && adam_state.exp_avg[0] == 0));
}

TEST_CASE("rmsprop divides by the root of the running square") {
    Model model = gradients({4, -4});
    RmspropState state;
    update(model.parameters(), state, {.lr = 0.5, .alpha = 0.75});
    CHECK((model[0].data == -1 && model[1].data == 1));
    CHECK((state.step == 1 && state.square_avg[0] == 4));
    CHECK((state.momentum_buffer.empty() && state.grad_avg.empty()));

    const RmspropOptions centered{.lr = 0.5, .alpha = 0.5, .momentum = 0.5, .centered = true};
    update(model.parameters(), state, centered);
    CHECK((state.square_avg[0] == 10 && state.grad_avg[0] == 2));
    CHECK(is_close(state.momentum_buffer[0], 4 / std::sqrt(6), 1e-15));
    CHECK(is_close(model[0].data, -1 - 2 / std::sqrt(6), 1e-15));
    CHECK(model[1].data == -model[0].data);
}

TEST_CASE("adagrad divides by the root of all squares so far") {
    Model model = gradients({3, -4});
    AdagradState state{.sum = {16, 0}};
    update(model.parameters(), state, {.lr = 0.5, .lr_decay = 1});
    CHECK((model[0].data == -0.5 * 3 / 5 && model[1].data == 0.5));
    update(model.parameters(), state, {.lr = 0.5, .lr_decay = 1});
    CHECK((state.step == 2 && state.sum == std::vector<double>{34, 32}));
    CHECK(is_close(model[1].data, 0.5 + 0.25 * 4 / std::sqrt(32), 1e-15));
}

TEST_CASE("a parameters place does not change a bit of it") {
    Model adam = equal_parameters(), sgd = equal_parameters(), nadam = equal_parameters(),
          rmsprop = equal_parameters(), adagrad = equal_parameters();
    AdamState adam_state;
    SgdState sgd_state;
    NadamState nadam_state;
    RmspropState rmsprop_state;
    AdagradState adagrad_state;
    for (int step = 0; step < 5; ++step) {
        update(adam.parameters(), adam_state,
               {.lr = 0.1,
                .betas = {0.9, 0.999},
                .eps = 1e-8,
                .weight_decay = 0.1,
                .amsgrad = true,
                .maximize = step % 2 == 0,
                .decoupled_weight_decay = step % 2 == 1});
        update(sgd.parameters(), sgd_state,
               {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true});
        update(nadam.parameters(), nadam_state,
               {.lr = 0.1, .betas = {0.9, 0.99}, .weight_decay = 0.1, .momentum_decay = 0.1});
        update(rmsprop.parameters(), rmsprop_state,
               {.lr = 0.1,
                .alpha = 0.9,
                .eps = 1e-8,
                .weight_decay = 0.1,
                .momentum = step % 2 == 0 ? 0.5 : 0,
                .centered = true});
        update(adagrad.parameters(), adagrad_state, {.lr = 0.1, .weight_decay = 0.1, .eps = 1e-8});
        for (std::size_t i = 0; i < adam.size(); ++i) {
            CHECK((adam[i].data == adam[0].data && sgd[i].data == sgd[0].data));
            CHECK((nadam[i].data == nadam[0].data && rmsprop[i].data == rmsprop[0].data));
            CHECK(adagrad[i].data == adagrad[0].data);
            for (Model* model : {&adam, &sgd, &nadam, &rmsprop, &adagrad})
                (*model)[i].grad = 0.7 - 0.2 * step;
        }
    }
    for (Model* model : {&adam, &sgd, &nadam, &rmsprop, &adagrad}) CHECK((*model)[0].data != 0.7);
}

TEST_CASE("amsgrad keeps the largest square and a nan") {
    Model model = gradients({2, 1});
    AdamState state;
    const AdamOptions options{.lr = 0.1, .betas = {0.5, 0.5}, .amsgrad = true};
    update(model.parameters(), state, options);
    model[0].grad = 0;
    model[1].grad = nan;
    update(model.parameters(), state, options);
    CHECK((state.exp_avg_sq[0] == 1 && state.max_exp_avg_sq[0] == 2));
    CHECK(std::isnan(state.max_exp_avg_sq[1]));
}

TEST_CASE("norms are those of the vector of gradients") {
    const Model model = gradients({3, -4, 0});
    CHECK(gradient_norm(model.parameters(), 2) == 5);
    CHECK(gradient_norm(model.parameters(), 1) == 7);
    CHECK(gradient_norm(model.parameters(), 0) == 2);
    CHECK(is_close(gradient_norm(model.parameters(), 3), std::cbrt(91), 1e-15));
    CHECK(gradient_norm(model.parameters(), infinity) == 4);
    CHECK(gradient_norm(model.parameters(), -infinity) == 0);
    CHECK(gradient_norm({}, 2) == 0);
    for (double order : {2.0, 3.0, infinity, -infinity})
        CHECK(std::isnan(gradient_norm(gradients({1, nan, 2}).parameters(), order)));
}

TEST_CASE("gradients are cleared scaled and clamped") {
    Model model = gradients({3, -4, nan});
    scale_gradients(model.parameters(), 0.5);
    CHECK((model[0].grad == 1.5 && model[1].grad == -2));
    clamp_gradients(model.parameters(), 1.75);
    CHECK((model[0].grad == 1.5 && model[1].grad == -1.75 && std::isnan(model[2].grad)));
    clear_gradients(model.parameters());
    CHECK((model[0].grad == 0 && model[2].grad == 0));
}

}  // namespace megagrad::test
