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

TEST_CASE("a parameters place does not change a bit of it") {
    Model adam = equal_parameters(), sgd = equal_parameters();
    AdamState adam_state;
    SgdState sgd_state;
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
        for (std::size_t i = 0; i < adam.size(); ++i) {
            CHECK((adam[i].data == adam[0].data && sgd[i].data == sgd[0].data));
            adam[i].grad = sgd[i].grad = 0.7 - 0.2 * step;
        }
    }
    CHECK((adam[0].data != 0.7 && sgd[0].data != 0.7));
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
